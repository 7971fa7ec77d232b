package segment_test

import (
	"testing"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/segment"
)

// ladder is a programme of three segments over two scores, the best first; only recency tells the last from the others.
func ladder() []*programmev1.Segment {
	return []*programmev1.Segment{
		{Code: "best", Codes: []string{"222"}},
		{Code: "middle", Codes: []string{"221", "212", "211"}},
		{Code: "away", Codes: []string{"111", "112", "121", "122"}},
	}
}

func TestCurrent(t *testing.T) {
	t.Parallel()
	cuts := &customerv1.CutPoints{AsOfDay: 1000, RecencyDays: []int64{30}, Frequency: []int64{2}, MonetaryMinor: []int64{5000}}
	best := &customerv1.Values{LastReceiptDay: 990, Frequency: 9, MonetaryMinor: 9000}
	away := &customerv1.Values{LastReceiptDay: 900, Frequency: 9, MonetaryMinor: 9000}
	held := func(from string, until int32) *customerv1.Memory {
		return &customerv1.Memory{PreviousSegment: from, ChangedDay: 1000, FallHeldUntilDay: until}
	}
	for _, tc := range []struct {
		name   string
		values *customerv1.Values
		memory *customerv1.Memory
		want   string
	}{
		{"no memory", away, nil, "away"},
		{"a fall that is not held back", away, held("best", 0), "away"},
		{"a fall held back until yesterday", away, held("best", 1000), "away"},
		{"a fall held back until today", away, held("best", 1001), "best"},
		{"a fall held back for longer", away, held("middle", 1014), "middle"},
		{"a rise is not held back", best, held("middle", 1014), "best"},
		{"nor is staying", away, held("away", 1014), "away"},
		{"a segment that is no more holds nobody", away, held("gone", 1014), "away"},
		{"who never bought", nil, held("best", 1014), segment.Prospect},
	} {
		m, err := segment.Compile(ladder(), 2)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Current(tc.values, tc.memory, cuts, 1001); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestRank(t *testing.T) {
	t.Parallel()
	m, err := segment.Compile(ladder(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if place, known := m.Rank("middle"); place != 1 || !known {
		t.Errorf("middle stands at %d, %v", place, known)
	}
	if _, known := m.Rank("gone"); known {
		t.Error("a segment that is none has a place")
	}
	if !m.Worse("away", "best") || m.Worse("best", "away") || m.Worse("best", "best") || m.Worse("gone", "best") || m.Worse("best", "gone") {
		t.Error("worse is what stands later, and nothing else")
	}
}
