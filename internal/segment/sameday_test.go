package segment_test

import (
	"errors"
	"testing"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/segment"
)

// TestSameDayLeavesBe: nothing ages in the store, and what head office has is not added again.
func TestSameDayLeavesBe(t *testing.T) {
	t.Parallel()
	values := &customerv1.Values{LastReceiptDay: 19_000, FirstReceiptDay: 18_000, Frequency: 3, MonetaryMinor: 500}
	counted := []segment.Visit{{Day: 19_000, Bought: true, SoldMinor: 500, Counted: true}}
	if got := segment.SameDay(values, counted, &programmev1.Scoring{}, 20_000); got != values {
		t.Errorf("without a new receipt: %v", got)
	}
	if got := segment.SameDay(nil, nil, nil, 0); got != nil {
		t.Errorf("of nobody: %v", got)
	}
	if values.GetFrequency() != 3 {
		t.Error("the published values were changed")
	}
}

// TestSameDayOutsideTheWindow: what comes back of a sale that was in no score takes nothing off visits.
func TestSameDayOutsideTheWindow(t *testing.T) {
	t.Parallel()
	values := &customerv1.Values{LastReceiptDay: 19_990, FirstReceiptDay: 18_000, Frequency: 3, MonetaryMinor: 5000}
	back := []segment.Visit{{Day: 20_001, BackMinor: -700, Undoes: true, UndoneDay: 19_900}}
	for _, tc := range []struct {
		name   string
		months int32
		want   int64
	}{{"within", 12, 2}, {"outside", 1, 3}} {
		got := segment.SameDay(values, back, &programmev1.Scoring{Months: tc.months}, 20_000)
		if got.GetFrequency() != tc.want || got.GetMonetaryMinor() != 4300 || got.GetLastReceiptDay() != 19_990 {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// TestParseVisit refuses what is no visit.
func TestParseVisit(t *testing.T) {
	t.Parallel()
	whole := segment.Visit{Day: 20_000, Bought: true, SoldMinor: 4700, BackMinor: -300, Undoes: true, UndoneDay: 19_999, AllBought: true, SpendMinor: 4400}.Append(nil)
	for name, b := range map[string][]byte{
		"nothing": nil, "no visit": append([]byte{0x01}, whole[1:]...), "cut off": whole[:len(whole)-1], "too long": append(whole[:len(whole):len(whole)], 0),
	} {
		if _, err := segment.ParseVisit(b); !errors.Is(err, segment.ErrVisit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
