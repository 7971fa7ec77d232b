package bundle_test

import (
	"errors"
	"math"
	"testing"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// The threats that need head office's keys. The table of all is docs/threats.md; the others are shown to a whole server, in package replica.

// TestThreatFastForward signs, with head office's own key, versions far ahead, to use up those that follow: they are refused, and the next version
// is still taken.
func TestThreatFastForward(t *testing.T) {
	t.Parallel()
	o := newOffice("own")
	for _, tc := range []struct {
		name            string
		trusted, forged uint64
	}{
		{"a jump", 6, 6 + bundle.MaxVersionJump + 1},
		{"the last there is", 6, math.MaxUint64},
		{"the last there may be", 6, math.MaxInt64},
		{"one beyond the last there may be", math.MaxInt64 - 1, math.MaxInt64 + 1},
	} {
		trust := o.trust(t, tc.trusted)
		m := o.manifest()
		m.Version = tc.forged
		if _, err := trust.Manifest(sign(t, manifestKind, o.chain(), o.signing, m)); !errors.Is(err, bundle.ErrTooFar) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if trust.Version() != tc.trusted {
			t.Errorf("%s: version %d is trusted now", tc.name, trust.Version())
		}
	}
	trust := o.trust(t, 6)
	if m, err := trust.Manifest(o.manifestFile(t)); err != nil || m.GetVersion() != 7 {
		t.Errorf("the next version: %d, %v", m.GetVersion(), err)
	}
}

// TestThreatStolenKeyOfOneKind signs a manifest with a key that may sign only the lane.
func TestThreatStolenKeyOfOneKind(t *testing.T) {
	t.Parallel()
	o := newOffice("own")
	keyset := o.keyset()
	keyset.Version++
	for _, key := range keyset.Keys {
		key.MaySign = []bundlev1.SignedKind{bundlev1.SignedKind_SIGNED_KIND_LANE}
	}
	trust := o.trust(t, 0)
	if _, err := trust.Keyset(sign(t, keysetKind, o.chain(), o.root, keyset)); err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Manifest(o.manifestFile(t)); !errors.Is(err, bundle.ErrSignature) {
		t.Errorf("a manifest by the lane's key: %v", err)
	}
}
