package scoring_test

import (
	"errors"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// TestCompare names who would move under a draft, and keeps nothing of it.
func TestCompare(t *testing.T) {
	t.Parallel()
	w := open(t)
	list(t, w, warehouse.Receipts, crowd()...)
	list(t, w, warehouse.Customers, "C7,yes,,,yes,,,") // of whom nothing is told
	present := halves()
	present.Scoring.DaysBeforeAFall = 90 // would hide moves
	score(t, w, present, "2024-12-31")
	before := exported(t, w)

	draft := proto.CloneOf(present)
	draft.Scoring.RecencyMethod = programmev1.ScoringMethod_SCORING_METHOD_FIXED
	draft.Scoring.RecencyCuts = []int64{90} // October, not from June on: C4 to C6, C8 stay behind
	draft.Segments[0].Code = "far"
	c, err := scoring.Compare(t.Context(), w, present, draft, day(t, "2024-12-31"), 2, scoring.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	// Of nine customers in months 1 to 7, 9, 10 the five latest are here now: 5, 6, 7, 9, 10. Then it is who came within 90 days: October.
	want := &scoring.Comparison{
		AsOf: day(t, "2024-12-31"), Stayed: 1, Moved: 8,
		Moves: []scoring.Move{
			{From: "away", To: "far", Accounts: 4, Examples: []string{"C3", "C2"}},
			{From: "here", To: "far", Accounts: 4, Examples: []string{"C8", "C6"}},
		},
	}
	// The one who objected stands in no segment, before and after.
	want.Stayed++
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	if got := exported(t, w); !reflect.DeepEqual(got, before) {
		t.Error("comparing changed the scores")
	}
	if runs, err := scoring.History(t.Context(), w); err != nil || len(runs) != 1 {
		t.Errorf("comparing is a run: %v, %v", runs, err)
	}
	same, err := scoring.Compare(t.Context(), w, present, present, day(t, "2024-12-31"), 2, scoring.Options{Now: now})
	if err != nil || same.Moved != 0 || len(same.Moves) != 0 {
		t.Errorf("with itself: %+v, %v", same, err)
	}
	draft.Segments[0].Codes = draft.GetSegments()[0].GetCodes()[1:]
	if _, err := scoring.Compare(t.Context(), w, present, draft, 0, 2, scoring.Options{Now: now}); !errors.Is(err, scoring.ErrProgramme) {
		t.Errorf("a draft with a hole: %v", err)
	}
	draft.Scoring.Source = programmev1.ScoringSource_SCORING_SOURCE_IMPORTED
	if _, err := scoring.Compare(t.Context(), w, present, draft, 0, 2, scoring.Options{Now: now}); !errors.Is(err, scoring.ErrProgramme) {
		t.Errorf("imported scores: %v", err)
	}
}
