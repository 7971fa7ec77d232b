package main_test

import (
	"crypto/ed25519"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// TestKeysRotate gives a running chain new keys for releases and for urgent words. A store that follows takes both until the old ones are retired, and
// nothing of theirs afterwards; a store that was away during all of it catches up, with the urgent words from before.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	home, _ := shop(t)
	importOwn(t, home)
	bundles := filepath.Join(home, "bundles")
	var enrolments, data [2]string
	for i, name := range []string{"k1-stays", "k1-away"} {
		enrolments[i], data[i] = filepath.Join(t.TempDir(), name+".json"), t.TempDir()
		office(t, home, 0, "keys", "server", name, "--store", "k1", "--bundles", bundles, "--out", enrolments[i])
	}
	office(t, home, 0, "publish")
	stays, c := serveStore(t, enrolments[0], data[0])
	away, d := serveStore(t, enrolments[1], data[1])
	released(t, c, 1)
	released(t, d, 1)
	away.stop()
	before := signingKey(t, home, "signing.pem")
	office(t, home, 0, "block", "--card", "2900100000017", "--reason", "lost") // signed with the key that goes
	blocked := func(c *till) bool { return c.card("2900100000017").GetOutcome() == tillv1.Outcome_OUTCOME_BLOCKED }
	eventually(t, "the card is blocked", func() bool { return blocked(c) })

	if out := office(t, home, 0, "keys", "rotate"); !strings.Contains(out, "for manifests") || !strings.Contains(out, "for urgent words") {
		t.Errorf("rotate said:\n%s", out)
	}
	office(t, home, 1, "keys", "rotate") // not again before the old ones are retired
	if out := office(t, home, 1, "keys", "retire"); !strings.Contains(out, "publish first") {
		t.Errorf("retired under a release that stores could not verify:\n%s", out)
	}
	office(t, home, 0, "block", "--card", "2900123456785", "--reason", "lost") // signed with the new key
	eventually(t, "a word of the new key is taken", func() bool { return c.card("2900123456785").GetOutcome() == tillv1.Outcome_OUTCOME_BLOCKED })
	office(t, home, 0, "publish")
	released(t, c, 2)
	if out := office(t, home, 0, "keys", "retire"); !strings.Contains(out, "1 urgent words were signed anew") {
		t.Errorf("retire said:\n%s", out)
	}
	office(t, home, 0, "publish")
	released(t, c, 3)

	_, d = serveStore(t, enrolments[1], data[1])
	released(t, d, 3)
	eventually(t, "the words from before the rotation are taken", func() bool { return blocked(d) })

	// Whoever has the retired key signs a release: it is not taken.
	current := filepath.Join(bundles, "servers", "k1-stays", "current.skm")
	good, manifest := read(t, current), new(bundlev1.Manifest)
	if err := proto.Unmarshal(good[16:len(good)-ed25519.SignatureSize], manifest); err != nil {
		t.Fatal(err)
	}
	manifest.Version++
	payload, err := proto.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := bundle.Sign(bundlev1.SignedKind_SIGNED_KIND_MANIFEST, bundle.ChainID(manifest.GetChainId()), before, payload)
	if err != nil {
		t.Fatal(err)
	}
	write(t, current, string(forged))
	eventually(t, "the retired key is refused", func() bool { return strings.Contains(stays.text(), "its key is unknown or may not sign it") })
	if got := c.status().GetMeta().GetRelease(); got != manifest.GetVersion()-1 {
		t.Errorf("release %d serves", got)
	}
}
