package journal_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// Words come, releases come and go, the journal lets go of what every release that may be opened has worked in, and is opened anew: over each of
// those releases, the newest and the one to step back to, exactly the words it has not worked in hold, and erasures and merges always do.
func TestWhateverReleaseServesTheLaneHoldsOverIt(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			path := file(t)
			j := open(t, path)
			var words []*bundlev1.LaneRecord
			releases := []uint64{0} // lane_through of those that may be opened, the newest last
			for range 60 {
				n := uint64(len(words)) + 1
				switch who := subject(random.IntN(5)); random.IntN(8) {
				case 0, 1:
					words = append(words, objection(n, who))
					keepLane(t, j, words[n-1])
				case 2:
					words = append(words, blocking(n, who, random.IntN(2) == 0))
					keepLane(t, j, words[n-1])
				case 3:
					words = append(words, erasing(n, subject(10+random.IntN(5))))
					keepLane(t, j, words[n-1])
				case 4:
					words = append(words, merging(n, subject(20+random.IntN(5)), subject(30+random.IntN(5))))
					keepLane(t, j, words[n-1])
				case 5: // a release that was cut some time ago; the one before stays to step back to
					last := releases[len(releases)-1]
					releases = append(releases, last+random.Uint64N(uint64(len(words))-last+1))
					releases = releases[max(0, len(releases)-2):]
				case 6:
					if err := j.PruneLane(t.Context(), releases[0]); err != nil {
						t.Fatal(err)
					}
				case 7:
					j.Close()
					j = open(t, path)
				}
				for _, through := range releases {
					holdsOver(t, j.Overlay(), words, through)
				}
			}
		})
	}
}

// holdsOver compares what the overlay says with the words themselves.
func holdsOver(t *testing.T, o *journal.Overlay, words []*bundlev1.LaneRecord, through uint64) {
	t.Helper()
	blocked, said := map[[16]byte]bool{}, map[[16]byte]bool{}
	into, objections := map[[16]byte][16]byte{}, map[[16]byte]int{}
	for _, w := range words {
		switch {
		case w.GetErasure() != nil:
			if id := [16]byte(w.GetErasure().GetAccountId()); !o.Erased(id) {
				t.Fatalf("word %d: %x is not erased", w.GetNumber(), id)
			}
		case w.GetPreference() != nil && w.GetNumber() > through:
			objections[[16]byte(w.GetPreference().GetAccountId())]++
		case w.GetMerge() != nil:
			into[[16]byte(w.GetMerge().GetMerged())] = [16]byte(w.GetMerge().GetSurvivor())
		case w.GetBlock() != nil && w.GetNumber() > through:
			id := [16]byte(w.GetBlock().GetAccountId())
			blocked[id], said[id] = w.GetBlock().GetBlocked(), true
		}
	}
	for from, to := range into {
		if got := o.Survivor(from); got != to {
			t.Fatalf("%x is %x now, want %x", from, got, to)
		}
	}
	for n := range 5 {
		heard := 0
		if o.Wishes(subject(n), through, func(*outcomev1.Preference) { heard++ }); heard != objections[subject(n)] {
			t.Fatalf("over a release through %d: %d objections of %x, want %d", through, heard, subject(n), objections[subject(n)])
		}
		if b, s := o.Blocked(subject(n), through); b != blocked[subject(n)] || s != said[subject(n)] {
			t.Fatalf("over a release through %d: %x blocked %v, said %v; want %v, %v", through, subject(n), b, s, blocked[subject(n)], said[subject(n)])
		}
	}
}
