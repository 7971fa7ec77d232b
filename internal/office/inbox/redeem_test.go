package inbox_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// paidWith has a sale of three hammers and a saw paid with 100 points: 90 for the hammers, 10 for the saw.
func paidWith(r *outcomev1.RecordedReceipt, of [16]byte) *outcomev1.RecordedReceipt {
	r.Entries = append(r.Entries, &outcomev1.LedgerEntry{
		EntryId: idOf(r.GetReceipt().GetKey(), outcomev1.EntryKind_ENTRY_KIND_REDEEM, 0), AccountId: of[:],
		Kind: outcomev1.EntryKind_ENTRY_KIND_REDEEM, Points: -100, PointsPerLine: []int64{-90, -10}, Day: 20526,
	})
	return r
}

// givenBack is a return as a server books it that has the sale: spent points come back too.
func givenBack(r *outcomev1.RecordedReceipt, of [16]byte, taken, given int64) *outcomev1.RecordedReceipt {
	r = booked(r, of, taken)
	r.Entries = append(r.Entries, &outcomev1.LedgerEntry{
		EntryId: idOf(r.GetReceipt().GetKey(), outcomev1.EntryKind_ENTRY_KIND_REDEEM, 1), AccountId: of[:],
		Kind: outcomev1.EntryKind_ENTRY_KIND_REDEEM, Points: given, Day: 20526,
	})
	return r
}

// TestSpentPointsComeBackOnce: of a sale of 52 points on which 100 were spent, whatever comes back of it, wherever and in whichever order it reaches
// head office, and twice, gives back what paid for it.
func TestSpentPointsComeBackOnce(t *testing.T) {
	t.Parallel()
	gent := paidWith(threeHammers("gent", "1", account(1)), account(1))
	sold := gent.GetReceipt().GetKey()
	back := func(store, no string, hammers int64) *outcomev1.RecordedReceipt {
		return broughtBack(store, no, sold, hammers)
	}
	first, second, third := back("breda", "11", 1), back("breda", "12", 1), back("breda", "13", 1)
	for _, tc := range []struct {
		name                  string
		rows                  []*outcomev1.RecordedReceipt
		wantEarned, wantSpent int64
	}{
		{"nothing back", []*outcomev1.RecordedReceipt{gent}, 52, -100},
		{"one of three, elsewhere", []*outcomev1.RecordedReceipt{gent, first}, 37, -70},
		{"all three, one by one", []*outcomev1.RecordedReceipt{gent, first, second, third}, 5, -10},
		{"one where the sale is, the others elsewhere", []*outcomev1.RecordedReceipt{gent, givenBack(back("gent", "11", 1), account(1), -15, 30), second, third}, 5, -10},
		{"more than was bought, by two servers that know nothing of each other", []*outcomev1.RecordedReceipt{gent, givenBack(back("gent", "11", 3), account(1), -47, 90), back("breda", "12", 3)}, 5, -10},
		{"both servers gave all of it back", []*outcomev1.RecordedReceipt{gent, givenBack(back("gent", "11", 3), account(1), -47, 90), givenBack(back("breda", "12", 3), account(1), -47, 90)}, 5, -10},
		{"the sale voided", []*outcomev1.RecordedReceipt{gent, void("breda", "30", sold)}, 0, 0},
		{"a return voided", []*outcomev1.RecordedReceipt{gent, first, second, void("breda", "30", first.GetReceipt().GetKey())}, 37, -70},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(5, 17))
			rows := slices.Concat(tc.rows, tc.rows)
			for range 8 {
				box := openIn(t)
				random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
				for i, r := range rows {
					s := newServer(fmt.Sprintf("server-%d", i))
					s.receipt(t, r)
					deliver(t, box, s.all())
				}
				cut, err := box.Cut(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for a, err := range cut.Accounts() {
					if err != nil {
						t.Fatal(err)
					}
					if a.ID == account(1) && (a.Redeemed != tc.wantSpent || a.Points-a.Redeemed != tc.wantEarned) {
						t.Errorf("earned %d and spent %d, want %d and %d", a.Points-a.Redeemed, a.Redeemed, tc.wantEarned, tc.wantSpent)
					}
				}
				if err := cut.Close(); err != nil {
					t.Error(err)
				}
				if err := box.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
