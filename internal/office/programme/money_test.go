package programme_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stamklant/stamklant/internal/office/programme"
)

// TestMoneyThereAndBack writes amounts as a person does and reads them, in currencies of no, two and three places: to the last cent, and without
// a float between.
func TestMoneyThereAndBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		currency := rapid.SampledFrom([]struct {
			code   string
			places int
			one    int64
		}{{"JPY", 0, 1}, {"EUR", 2, 100}, {"KWD", 3, 1000}}).Draw(t, "currency")
		minor := rapid.Int64Range(0, math.MaxInt64/10).Draw(t, "minor")
		written := fmt.Sprint(minor / currency.one)
		if currency.places > 0 {
			written += fmt.Sprintf(".%0*d", currency.places, minor%currency.one)
		}
		doc, err := programme.Parse("money", programme.File{
			Name: "money.yaml", Text: fmt.Appendf(nil, "currency: %s\ncampaigns: {x: {limits: {budget: %s}}}\n", currency.code, written),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Programme.GetCampaigns()[0].GetLimits().GetBudget(); got != minor {
			t.Fatalf("%s %s was read as %d, want %d", currency.code, written, got, minor)
		}
	})
}

// TestPlaces reads what leaves places out, and refuses what does not fit.
func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, written string
		want          int64 // -1 when it is refused
	}{
		{"whole", "25", 2500},
		{"one place", "25.5", 2550},
		{"nothing", "0", 0},
		{"quoted", `"25.00"`, 2500},
		{"a cent that no float has", "0.29", 29},
		{"the most there is", "92233720368547758.07", math.MaxInt64},
		{"one cent more", "92233720368547758.08", -1},
		{"with an exponent", "1e3", -1},
		{"hexadecimal", "0x19", -1},
		{"grouped", "1_000", -1},
		{"not a number", ".nan", -1},
		{"a point too many", "1.2.3", -1},
		{"no digit before the point", ".50", -1},
		{"no digit after it", "25.", -1},
		{"a list", "[25]", -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			doc, err := programme.Parse("money", programme.File{
				Name: "money.yaml", Text: []byte("currency: EUR\ncampaigns: {x: {limits: {budget: " + tc.written + "}}}\n"),
			})
			if (err != nil) != (tc.want < 0) {
				t.Fatalf("error %v, want %d", err, tc.want)
			}
			if got := doc.Programme.GetCampaigns()[0].GetLimits().GetBudget(); err == nil && got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

// TestDays reads every day of 200 years as the calendar counts it.
func TestDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 73048).Draw(t, "days after 1999-12-31"))
		doc, err := programme.Parse("day", programme.File{
			Name: "day.yaml", Text: []byte("campaigns: {x: {runs: {from: " + day.Format("2006-01-02") + "}}}\n"),
		})
		if err != nil {
			t.Fatal(err)
		}
		got := doc.Programme.GetCampaigns()[0].GetRuns().GetFrom()
		if want := int32(day.Sub(time.Unix(0, 0)).Hours() / 24); got != want || programme.Day(got) != day.Format("2006-01-02") {
			t.Fatalf("%s is day %d (%s), want %d", day, got, programme.Day(got), want)
		}
	})
}
