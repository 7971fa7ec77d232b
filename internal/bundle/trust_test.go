package bundle_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// TestManifestAccepted is the case all refusals differ from in one thing each.
func TestManifestAccepted(t *testing.T) {
	t.Parallel()
	o := newOffice("own")
	trust := o.trust(t, 6)
	for range 2 { // the same file again is fine
		m, err := trust.Manifest(o.manifestFile(t))
		if err != nil || m.GetVersion() != 7 || trust.Version() != 7 {
			t.Fatalf("version %d, trusted %d, %v", m.GetVersion(), trust.Version(), err)
		}
	}
}

// TestEveryByteOfSignedFiles changes every byte of a keyset and of a manifest, in three ways, and cuts and lengthens the files at every place.
func TestEveryByteOfSignedFiles(t *testing.T) {
	t.Parallel()
	o := newOffice("own")
	for _, tc := range []struct {
		name   string
		file   []byte
		verify func([]byte) error
	}{
		{"keyset", o.keysetFile(t), func(b []byte) error {
			_, err := bundle.NewTrust(o.anchor(), 0, [32]byte{}).Keyset(b)
			return err
		}},
		{"manifest", o.manifestFile(t), func(b []byte) error {
			_, err := o.trust(t, 0).Manifest(b)
			return err
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := tc.verify(tc.file); err != nil {
				t.Fatalf("untouched: %v", err)
			}
			random := rand.New(rand.NewPCG(1, 2))
			for i := range tc.file {
				for _, flip := range []byte{1, 0x80, byte(1 + random.IntN(255))} {
					changed := bytes.Clone(tc.file)
					changed[i] ^= flip
					if err := tc.verify(changed); !refused(err) {
						t.Fatalf("byte %d ^ %#x: %v", i, flip, err)
					}
				}
				if err := tc.verify(tc.file[:i]); !refused(err) {
					t.Fatalf("cut to %d bytes: %v", i, err)
				}
				if err := tc.verify(slices.Insert(bytes.Clone(tc.file), i, 0)); !refused(err) {
					t.Fatalf("byte inserted at %d: %v", i, err)
				}
			}
			if err := tc.verify(append(bytes.Clone(tc.file), 0)); !refused(err) {
				t.Fatalf("byte appended: %v", err)
			}
		})
	}
}

func refused(err error) bool {
	return errors.Is(err, bundle.ErrSignature) || errors.Is(err, bundle.ErrDamaged) || errors.Is(err, bundle.ErrTooLarge)
}

// TestManifestRefused stands against each threat of the TUF list, and against mistakes of our own.
func TestManifestRefused(t *testing.T) {
	t.Parallel()
	o, other := newOffice("own"), newOffice("other")
	for _, tc := range []struct {
		name    string
		trusted uint64
		file    func(m *bundlev1.Manifest) []byte
		want    error
	}{
		{"arbitrary: signed by another chain's key", 0, func(m *bundlev1.Manifest) []byte {
			return sign(t, manifestKind, o.chain(), other.signing, m)
		}, bundle.ErrSignature},
		{"arbitrary: signed by the root key, which signs keysets only", 0, func(m *bundlev1.Manifest) []byte {
			return sign(t, manifestKind, o.chain(), o.root, m)
		}, bundle.ErrSignature},
		{"arbitrary: another chain's manifest", 0, func(*bundlev1.Manifest) []byte { return other.manifestFile(t) }, bundle.ErrSignature},
		{"wrong chain: signed by our key for another chain", 0, func(m *bundlev1.Manifest) []byte {
			return sign(t, manifestKind, other.chain(), o.signing, m)
		}, bundle.ErrSignature},
		{"wrong chain: names another chain", 0, func(m *bundlev1.Manifest) []byte {
			chain := other.chain()
			m.ChainId = chain[:]
			return sign(t, manifestKind, o.chain(), o.signing, m)
		}, bundle.ErrWrongChain},
		{"kind: a lane record shown as a manifest", 0, func(m *bundlev1.Manifest) []byte {
			return sign(t, laneKind, o.chain(), o.signing, m)
		}, bundle.ErrSignature},
		{"wrong server", 0, changed(t, o, func(m *bundlev1.Manifest) { m.ServerId = "utrecht-1" }), bundle.ErrWrongServer},
		{"wrong store", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Store = "utrecht" }), bundle.ErrWrongServer},
		{"rollback", 8, changed(t, o, func(*bundlev1.Manifest) {}), bundle.ErrOlder},
		{"fast-forward: beyond the jump", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Version = bundle.MaxVersionJump + 1 }), bundle.ErrTooFar},
		{"fast-forward: the last version", math.MaxInt64 - 1, changed(t, o, func(m *bundlev1.Manifest) { m.Version = math.MaxInt64 }), bundle.ErrTooFar},
		{"endless data", 0, func(*bundlev1.Manifest) []byte { return make([]byte, bundle.MaxSigned(manifestKind)+1) }, bundle.ErrTooLarge},
		{"endless data: a huge header", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Programme.HeaderLength = bundle.MaxHeader + 1 }), bundle.ErrTooLarge},
		{"endless data: too many changes", 0, changed(t, o, func(m *bundlev1.Manifest) {
			m.Customers.Deltas = slices.Repeat([]*bundlev1.DeltaPart{delta(3, 3)}, bundle.MaxDeltas+1)
		}), bundle.ErrTooLarge},
		{"mix and match: changes that do not follow each other", 0, changed(t, o, func(m *bundlev1.Manifest) {
			m.Customers.Deltas = []*bundlev1.DeltaPart{delta(1, 2), delta(4, 3)}
		}), bundle.ErrDoesNotFit},
		{"mix and match: changes that lead elsewhere", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Customers.StateDigest = state(5) }), bundle.ErrDoesNotFit},
		{"mix and match: a snapshot no change starts from", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Customers.SnapshotState = state(5) }), bundle.ErrDoesNotFit},
		{"mix and match: a snapshot of another state and no change", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Customers.Deltas = nil }), bundle.ErrDoesNotFit},
		{"newer format", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Format++ }), bundle.ErrFormat},
		{"no format", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Format = 0 }), bundle.ErrDamaged},
		{"no version", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Version = 0 }), bundle.ErrDamaged},
		{"no expiry", 0, changed(t, o, func(m *bundlev1.Manifest) { m.ExpiresAt = nil }), bundle.ErrDamaged},
		{"no customers", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Customers = nil }), bundle.ErrDamaged},
		{"no programme", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Programme = nil }), bundle.ErrDamaged},
		{"no store part", 0, changed(t, o, func(m *bundlev1.Manifest) { m.StorePart = nil }), bundle.ErrDamaged},
		{"short digest", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Programme.HeaderDigest = []byte{1} }), bundle.ErrDamaged},
		{"long wrapped key", 0, changed(t, o, func(m *bundlev1.Manifest) { m.Programme.WrappedKey = make([]byte, 1000) }), bundle.ErrDamaged},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			trust := o.trust(t, tc.trusted)
			if _, err := trust.Manifest(tc.file(o.manifest())); !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if trust.Version() != tc.trusted {
				t.Fatalf("trusts version %d after a refusal", trust.Version())
			}
		})
	}
}

func changed(t *testing.T, o office, change func(*bundlev1.Manifest)) func(*bundlev1.Manifest) []byte {
	t.Helper()
	return func(m *bundlev1.Manifest) []byte {
		change(m)
		return sign(t, manifestKind, o.chain(), o.signing, m)
	}
}

// TestSameVersion shows a server two manifests with one version, also across a restart.
func TestSameVersion(t *testing.T) {
	t.Parallel()
	o := newOffice("own")
	trust := o.trust(t, 0)
	if _, err := trust.Manifest(o.manifestFile(t)); err != nil {
		t.Fatal(err)
	}
	second := changed(t, o, func(m *bundlev1.Manifest) { m.LaneHead = 1 })(o.manifest())
	if _, err := trust.Manifest(second); !errors.Is(err, bundle.ErrSameVersion) {
		t.Fatalf("second file with the version: %v", err)
	}
	restarted := bundle.NewTrust(o.anchor(), 7, [32]byte{1})
	if _, err := restarted.Keyset(o.keysetFile(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := restarted.Manifest(second); !errors.Is(err, bundle.ErrSameVersion) {
		t.Fatalf("second file with the version after a restart: %v", err)
	}
	if _, err := restarted.Kept(second); err != nil {
		t.Fatalf("one kept on the disk: %v", err)
	}
}

// TestThreatKeyCompromise replaces a signing key: two overlap, then the old one is worth nothing, and the keyset before is refused.
func TestThreatKeyCompromise(t *testing.T) {
	t.Parallel()
	o := newOffice("own")
	fresh := seeded("fresh signing")
	id := bundle.KeyIDOf(public(fresh))
	next := &bundlev1.SigningKey{KeyId: id[:], PublicKey: public(fresh), MaySign: []bundlev1.SignedKind{manifestKind}}
	both, only := o.keyset(), o.keyset()
	both.Version, both.Keys = 2, append(both.Keys, next)
	only.Version, only.Keys = 3, []*bundlev1.SigningKey{next}

	trust := o.trust(t, 0)
	mustTrust := func(k *bundlev1.Keyset) {
		t.Helper()
		if _, err := trust.Keyset(sign(t, keysetKind, o.chain(), o.root, k)); err != nil {
			t.Fatal(err)
		}
	}
	by := func(key ed25519.PrivateKey) error {
		_, err := trust.Kept(sign(t, manifestKind, o.chain(), key, o.manifest()))
		return err
	}
	if err := by(fresh); !errors.Is(err, bundle.ErrSignature) {
		t.Fatalf("before the overlap: %v", err)
	}
	mustTrust(both)
	if err := errors.Join(by(o.signing), by(fresh)); err != nil {
		t.Fatalf("in the overlap: %v", err)
	}
	mustTrust(only)
	if err := by(o.signing); !errors.Is(err, bundle.ErrSignature) {
		t.Fatalf("after the overlap: %v", err)
	}
	if _, err := trust.Keyset(sign(t, keysetKind, o.chain(), o.root, both)); !errors.Is(err, bundle.ErrOlder) {
		t.Fatalf("older keyset: %v", err)
	}
	only.ExpiresAt = timestamppb.New(issued)
	if _, err := trust.Keyset(sign(t, keysetKind, o.chain(), o.root, only)); !errors.Is(err, bundle.ErrSameVersion) {
		t.Fatalf("another keyset with the version: %v", err)
	}
}

// TestKeysetRefused differs from a good keyset in one thing each.
func TestKeysetRefused(t *testing.T) {
	t.Parallel()
	o, other := newOffice("own"), newOffice("other")
	for _, tc := range []struct {
		name   string
		key    ed25519.PrivateKey
		change func(*bundlev1.Keyset)
		want   error
	}{
		{"signed by a signing key", o.signing, func(*bundlev1.Keyset) {}, bundle.ErrSignature},
		{"signed by another root", other.root, func(*bundlev1.Keyset) {}, bundle.ErrSignature},
		{"names another chain", o.root, func(k *bundlev1.Keyset) { k.ChainId = make([]byte, 16) }, bundle.ErrWrongChain},
		{"no version", o.root, func(k *bundlev1.Keyset) { k.Version = 0 }, bundle.ErrDamaged},
		{"no keys", o.root, func(k *bundlev1.Keyset) { k.Keys = nil }, bundle.ErrDamaged},
		{"two thousand keys", o.root, func(k *bundlev1.Keyset) { k.Keys = slices.Repeat(k.GetKeys(), 2000) }, bundle.ErrTooLarge},
		{"too many keys", o.root, func(k *bundlev1.Keyset) { k.Keys = slices.Repeat(k.GetKeys(), 100) }, bundle.ErrDamaged},
		{"a key under another's id", o.root, func(k *bundlev1.Keyset) { k.Keys[0].PublicKey = public(other.signing) }, bundle.ErrDamaged},
		{"no recovery key", o.root, func(k *bundlev1.Keyset) { k.RecoveryPublicKey = nil }, bundle.ErrDamaged},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			k := o.keyset()
			tc.change(k)
			payload := mustMarshal(t, k)
			file, err := bundle.Sign(keysetKind, o.chain(), tc.key, payload)
			if err == nil {
				_, err = bundle.NewTrust(o.anchor(), 0, [32]byte{}).Keyset(file)
			}
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
		})
	}
}

// TestFreeze goes on serving with what expired, and says so.
func TestFreeze(t *testing.T) {
	t.Parallel()
	o := newOffice("own")
	m, err := o.trust(t, 0).Manifest(o.manifestFile(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		now  time.Time
		want bool
	}{
		{"on the last day", issued.AddDate(0, 0, 14), false},
		{"a second later", issued.AddDate(0, 0, 14).Add(time.Second), true},
	} {
		if got := bundle.Expired(m.GetExpiresAt(), tc.now); got != tc.want {
			t.Errorf("%s: expired %v, want %v", tc.name, got, tc.want)
		}
	}
}

// TestAnchor reads enrolments.
func TestAnchor(t *testing.T) {
	t.Parallel()
	o := newOffice("own")
	chain := o.chain()
	good := func() *bundlev1.Enrolment {
		return &bundlev1.Enrolment{ServerId: "amsterdam-1", Store: "amsterdam", ChainId: chain[:], RootPublicKey: public(o.root)}
	}
	if a, err := bundle.AnchorOf(good()); err != nil || a.Chain != chain || a.Server != "amsterdam-1" {
		t.Fatalf("%+v, %v", a, err)
	}
	for _, tc := range []struct {
		name   string
		change func(*bundlev1.Enrolment)
		want   error
	}{
		{"another chain", func(e *bundlev1.Enrolment) { e.ChainId = make([]byte, 16) }, bundle.ErrWrongChain},
		{"no root key", func(e *bundlev1.Enrolment) { e.RootPublicKey = nil }, bundle.ErrDamaged},
		{"no server", func(e *bundlev1.Enrolment) { e.ServerId = "" }, bundle.ErrDamaged},
		{"no store", func(e *bundlev1.Enrolment) { e.Store = "" }, bundle.ErrDamaged},
	} {
		e := good()
		tc.change(e)
		if _, err := bundle.AnchorOf(e); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
}

// TestLane verifies a lane record, and nothing else as one.
func TestLane(t *testing.T) {
	t.Parallel()
	o := newOffice("own")
	file, err := bundle.Sign(laneKind, o.chain(), o.signing, []byte("objection"))
	if err != nil {
		t.Fatal(err)
	}
	if payload, err := o.trust(t, 0).Lane(file); err != nil || string(payload) != "objection" {
		t.Fatalf("%q, %v", payload, err)
	}
	if _, err := o.trust(t, 0).Lane(o.manifestFile(t)); !errors.Is(err, bundle.ErrSignature) {
		t.Fatalf("a manifest as a lane record: %v", err)
	}
}

// TestWay finds the changes from a state to the one a manifest names.
func TestWay(t *testing.T) {
	t.Parallel()
	c := &bundlev1.CustomersPart{
		StateDigest: state(3), Snapshot: part(1), SnapshotState: state(2),
		Deltas: []*bundlev1.DeltaPart{delta(1, 2), delta(2, 2), delta(2, 1), delta(1, 2), delta(2, 3)},
	}
	for _, tc := range []struct {
		name string
		from byte
		want string
	}{
		{"already there", 3, ""},
		{"one step", 2, "23"},
		{"two steps, the shortest way", 1, "12 23"},
		{"nowhere", 5, "none"},
	} {
		changes, ok := bundle.Way(c, [32]byte(state(tc.from)))
		var got []string
		for _, d := range changes {
			got = append(got, string([]byte{'0' + d.GetFromState()[0]&0xf, '0' + d.GetToState()[0]&0xf}))
		}
		if way := strings.Join(got, " "); ok && way != tc.want || ok == (tc.want == "none") {
			t.Errorf("%s: got %q %v, want %q", tc.name, way, ok, tc.want)
		}
	}
	if tip := bundle.Tip(c); tip != c.GetDeltas()[4].GetPart() {
		t.Error("the tip is not the last change")
	}
	c.Deltas = nil
	if tip := bundle.Tip(c); tip != c.GetSnapshot() {
		t.Error("the tip is not the snapshot")
	}
}
