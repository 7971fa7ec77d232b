package scoring_test

import (
	"testing"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
	"github.com/stamklant/stamklant/internal/segment"
)

// held is a programme of two segments, the better first: who was here within thirty days, and who was not. A fall counts after ten days.
func held() *programmev1.Programme {
	p := halves()
	p.Scoring = &programmev1.Scoring{
		Months: 12, Scores: 2, DaysBeforeAFall: 10, Method: programmev1.ScoringMethod_SCORING_METHOD_FIXED,
		RecencyCuts: []int64{30}, FrequencyCuts: []int64{5}, MonetaryCuts: []int64{100000},
	}
	p.Segments[0], p.Segments[1] = p.GetSegments()[1], p.GetSegments()[0]
	return p
}

// TestFalls follows a customer whose last receipt is of 1 June: a fall is due as of 2 July, held back until 11 July, and counts as of 12 July.
func TestFalls(t *testing.T) {
	t.Parallel()
	w := open(t)
	p := held()
	list(t, w, warehouse.Receipts, "A,s1,2024-06-01,1,1,10,,,")
	for _, tc := range []struct {
		day, receipt                            string
		segment, previous, since, falling, held string
	}{
		{day: "2024-06-30", segment: "here"},
		{day: "2024-07-02", segment: "here", falling: "away", held: "2024-07-11"},
		{day: "2024-07-02", segment: "here", falling: "away", held: "2024-07-11"}, // scored twice
		{day: "2024-07-11", segment: "here", falling: "away", held: "2024-07-11"},
		{day: "2024-07-12", segment: "away", previous: "here", since: "2024-07-12"},
		{day: "2024-07-12", segment: "away", previous: "here", since: "2024-07-12"},
		{day: "2024-07-13", segment: "away", previous: "here", since: "2024-07-12"},
		{day: "2024-07-14", receipt: "A,s1,2024-07-14,2,1,10,,,", segment: "here", previous: "away", since: "2024-07-14"}, // a rise counts at once
		{day: "2024-08-14", segment: "here", previous: "away", since: "2024-07-14", falling: "away", held: "2024-08-23"},
		{day: "2024-08-20", receipt: "A,s1,2024-08-20,3,1,10,,,", segment: "here", previous: "away", since: "2024-07-14"}, // back in time
		{day: "2024-09-20", segment: "here", previous: "away", since: "2024-07-14", falling: "away", held: "2024-09-29"},  // and due anew
	} {
		if tc.receipt != "" {
			list(t, w, warehouse.Receipts, tc.receipt)
		}
		run := score(t, w, p, tc.day)
		row := exported(t, w)["A"]
		got := [5]string{row["segment"], row["previous_segment"], row["segment_since"], row["falling_to"], row["held_until"]}
		if want := [5]string{tc.segment, tc.previous, tc.since, tc.falling, tc.held}; got != want {
			t.Errorf("%s: got %q, want %q", tc.day, got, want)
		}
		storeSays(t, w, p, tc.day, tc.segment)
		if len(run.Segments) != 1 || run.Segments[0].Code != tc.segment {
			t.Errorf("%s: the run counts %v", tc.day, run.Segments)
		}
	}
}

// storeSays expects a store with the release of that day to come to the segment, and, while a fall is held back, to let it count the day after
// the last one.
func storeSays(t *testing.T, w *warehouse.Warehouse, p *programmev1.Programme, asOf, want string) {
	t.Helper()
	m, err := segment.Compile(p.GetSegments(), 2)
	if err != nil {
		t.Fatal(err)
	}
	cuts := latest(t, w).Cuts
	for a, err := range w.Published(t.Context(), p) {
		if err != nil {
			t.Fatal(err)
		}
		values, memory := a.Account.GetValues(), a.Account.GetMemory()
		if got := m.Current(values, memory, cuts, day(t, asOf)); got != want {
			t.Errorf("%s: the store says %s, head office %s; %v", asOf, got, want, memory)
		}
		if until := memory.GetFallHeldUntilDay(); until != 0 &&
			(m.Current(values, memory, cuts, until) != "here" || m.Current(values, memory, cuts, until+1) != "away") {
			t.Errorf("%s: held until %d, the store does otherwise", asOf, until)
		}
	}
}

// TestFallsOfSegmentsThatAreGone lets a renamed segment hold nobody back.
func TestFallsOfSegmentsThatAreGone(t *testing.T) {
	t.Parallel()
	w := open(t)
	p := held()
	list(t, w, warehouse.Receipts, "A,s1,2024-06-01,1,1,10,,,")
	score(t, w, p, "2024-06-30")
	p.Segments[0].Code = "present"
	score(t, w, p, "2024-07-02")
	if row := exported(t, w)["A"]; row["segment"] != "away" || row["previous_segment"] != "here" || row["falling_to"] != "" {
		t.Errorf("got %v", row)
	}
	// And so does turning the delay off.
	p = held()
	score(t, w, p, "2024-07-03")
	p.Scoring.DaysBeforeAFall = 0
	list(t, w, warehouse.Receipts, "A,s1,2024-07-04,2,1,10,,,")
	score(t, w, p, "2024-07-04")
	score(t, w, p, "2024-09-01")
	if row := exported(t, w)["A"]; row["segment"] != "away" || row["previous_segment"] != "here" || row["segment_since"] != "2024-09-01" {
		t.Errorf("without delay: %v", row)
	}
}
