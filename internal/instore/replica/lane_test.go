package replica_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/replica"
	"github.com/stamklant/stamklant/internal/office/publisher"
)

// say adds urgent words to the chain's lane and writes what is not yet where stores read.
func (c *chain) say(words ...*bundlev1.LaneRecord) {
	c.t.Helper()
	for _, w := range words {
		w.Number, w.IssuedAt = uint64(len(c.lane))+1, timestamppb.New(c.now)
		c.lane = append(c.lane, w)
	}
	_, err := publisher.WriteLane(c.t.Context(), c.keys, c.bundles(), uint64(len(c.lane)), func(from uint64) ([]*bundlev1.LaneRecord, error) {
		return c.lane[from-1:], nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *chain) objects(number int) *bundlev1.LaneRecord {
	id := accountID(number)
	return &bundlev1.LaneRecord{Word: &bundlev1.LaneRecord_Preference{Preference: &outcomev1.Preference{
		AccountId: id[:], Purpose: outcomev1.Purpose_PURPOSE_ALL, OccurredAt: timestamppb.New(c.now),
	}}}
}

func (c *chain) erases(number int) *bundlev1.LaneRecord {
	id, hash := accountID(number), identify.Hash(c.keys.ContentKey(), "card", card(number))
	published := c.cardHash(number)
	return &bundlev1.LaneRecord{Word: &bundlev1.LaneRecord_Erasure{Erasure: &bundlev1.LaneErasure{
		AccountId: id[:], Identifiers: [][]byte{hash[:]}, IdHashes: [][]byte{published[:]},
	}}}
}

// follow fetches the lane and returns how far the journal has it.
func (s *server) follow() uint64 {
	s.t.Helper()
	if _, err := s.FollowLane(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	return s.journal.LaneThrough()
}

func TestTheLaneIsFollowedBesideReleases(t *testing.T) {
	t.Parallel()
	c := newChain(t, 20)
	s := c.server("one").open()
	defer func() { s.stop() }()
	if n := s.follow(); n != 0 {
		t.Errorf("without a release the lane is at %d", n)
	}
	c.publish()
	s.apply()
	c.say(c.objects(3), c.objects(4))
	if n := s.follow(); n != 2 {
		t.Fatalf("the lane is at %d, want 2", n)
	}
	wishes := func(number int, after uint64) (n int) {
		s.journal.Overlay().Wishes(accountID(number), after, func(*outcomev1.Preference) { n++ })
		return n
	}
	if wishes(3, 0) != 1 || wishes(5, 0) != 0 {
		t.Error("the objection does not hold")
	}
	// A release that was cut before the objection does not undo it; one that has worked it in does not need it.
	c.now = c.now.AddDate(0, 0, 1)
	c.balances[3]++
	c.publish()
	s.apply()
	release, done, ok := s.Active().Acquire()
	if !ok {
		t.Fatal("nothing serves")
	}
	if through := release.Header.GetLaneThrough(); wishes(3, through) != 1 {
		t.Errorf("over a release cut before it the objection is gone (lane through %d)", through)
	}
	done()
	s.stop()
	s = s.open()
	if wishes(3, 0) != 1 || s.follow() != 2 {
		t.Error("after a restart the objection is gone")
	}
	// Away for two words and a release that knows them: the journal still learns them, for its own rows.
	c.say(c.erases(7), c.objects(8))
	c.laneThrough, c.erasedThrough = 4, 3
	delete(c.balances, 7)
	c.erased = append(c.erased, identify.Hash(c.keys.ContentKey(), "card", card(7)))
	c.publish()
	s.apply()
	if n := s.follow(); n != 4 || !s.journal.Overlay().Erased(accountID(7)) {
		t.Errorf("the lane is at %d, the erased customer's word is not here", n)
	}
	if n := len(s.Openable()); n != 1 {
		t.Errorf("%d releases can be stepped back to across an erasure", n-1)
	}
}

func TestNoStepBackAcrossAnErasureThatWasCutOff(t *testing.T) {
	t.Parallel()
	c := newChain(t, 5)
	s := c.server("one").open()
	c.publish()
	s.apply()
	before := filepath.Join(t.TempDir(), "before") // the release from before, as a crash between the switch and the tidying leaves it
	if err := os.CopyFS(before, os.DirFS(filepath.Join(s.dir, "releases"))); err != nil {
		t.Fatal(err)
	}
	c.say(c.erases(2))
	c.laneThrough, c.erasedThrough = 1, 1
	delete(c.balances, 2)
	c.publish()
	s.apply()
	s.stop()
	for _, part := range []string{"generations", "releases"} {
		all, err := os.ReadDir(filepath.Join(before, part))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			from, to := filepath.Join(before, part, e.Name()), filepath.Join(s.dir, "releases", part, e.Name())
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
	}
	s = s.open()
	defer func() { s.stop() }()
	s.serves(c, 2, c.balances)
	if n := len(s.Openable()); n != 1 {
		t.Errorf("%d releases from before the erasure can still be opened", n-1)
	}
	left, err := os.ReadDir(filepath.Join(s.dir, "releases", "generations"))
	if err != nil || len(left) != 1 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

func TestLaneRecordsAreRefused(t *testing.T) {
	t.Parallel()
	c := newChain(t, 5)
	s := c.server("one").open()
	defer s.stop()
	c.publish()
	s.apply()
	c.say(c.objects(1), c.objects(2))
	first, second := filepath.Join(c.bundles(), bundle.LanePath(1)), filepath.Join(c.bundles(), bundle.LanePath(2))
	kept, err := os.ReadFile(second)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	put := func(path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(name string, want error, through uint64) {
		t.Helper()
		if _, err := s.FollowLane(t.Context()); !errors.Is(err, want) || s.journal.LaneThrough() != through {
			t.Errorf("%s: %v, the lane is at %d, want %d", name, err, s.journal.LaneThrough(), through)
		}
	}
	spoilt := append([]byte(nil), whole...)
	spoilt[len(spoilt)-1]++
	put(first, spoilt)
	refused("a signature that does not hold", bundle.ErrSignature, 0)
	put(first, kept)
	refused("another number's record", bundle.ErrDoesNotFit, 0)
	manifest, err := os.ReadFile(filepath.Join(c.bundles(), bundle.ManifestPath("one")))
	if err != nil {
		t.Fatal(err)
	}
	put(first, manifest)
	refused("a manifest in a record's place", bundle.ErrSignature, 0)
	put(first, make([]byte, 1<<20))
	refused("endless data", bundle.ErrTooLarge, 0)
	other := newChain(t, 1)
	other.say(other.objects(1))
	foreign, err := os.ReadFile(filepath.Join(other.bundles(), bundle.LanePath(1)))
	if err != nil {
		t.Fatal(err)
	}
	put(first, foreign)
	refused("another chain's record", bundle.ErrSignature, 0)
	put(first, whole)
	put(second, spoilt)
	refused("the second is spoilt, the first holds", bundle.ErrSignature, 1)
	if err := os.Remove(second); err != nil {
		t.Fatal(err)
	}
	c.laneThrough = 2 // the release tells of two
	c.publish()
	s.apply()
	refused("a record is withheld", replica.ErrLaneWithheld, 1)
}
