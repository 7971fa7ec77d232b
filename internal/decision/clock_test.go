package decision_test

import (
	"testing"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/decision"
)

// TestClockSuspect: what rests on the date or the hour is off while the clock is suspect, the rest goes on, and a right clock changes nothing.
func TestClockSuspect(t *testing.T) {
	t.Parallel()
	dated := func(code string, from, until int32) *programmev1.Campaign {
		c := prompt(code, nil)
		c.Runs = &programmev1.Period{From: from, Until: until}
		return c
	}
	for _, tc := range []struct {
		name     string
		campaign *programmev1.Campaign
		right    decision.Reason
		suspect  decision.Reason
	}{
		{"always", prompt("always", nil), decision.Won, decision.Won},
		{"running", dated("running", 19990, 20010), decision.Won, decision.ClockSuspect},
		{"to come", dated("to-come", 20005, 0), decision.NotStarted, decision.ClockSuspect},
		{"over", dated("over", 0, 19999), decision.Ended, decision.ClockSuspect},
		{"days since a visit", prompt("visit", &programmev1.Condition{DaysSinceVisit: bounds(60, -1)}), decision.Won, decision.ClockSuspect},
		{"in the morning", prompt("morning", &programmev1.Condition{Also: "minute < 720"}), decision.Won, decision.ClockSuspect},
		{"on Tuesdays", prompt("tuesday", &programmev1.Condition{Also: "weekday == 2"}), decision.Won, decision.ClockSuspect},
		{"about the basket", prompt("basket", &programmev1.Condition{Also: "basket.open"}), decision.Won, decision.Won},
		{"decided before the hour is asked", prompt("either", &programmev1.Condition{Also: `store == "s01" || weekday == 2`}), decision.Won, decision.Won},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, programme(tc.campaign))
			for suspect, want := range map[bool]decision.Reason{false: tc.right, true: tc.suspect} {
				in := regular()
				in.ClockSuspect = suspect
				v := p.Decide(in)
				if len(v.Considered) != 1 || v.Considered[0].Reason != want {
					t.Errorf("suspect %v: %v, want %v", suspect, v.Considered, want)
				}
				if shown := v.Shown() != nil; shown != (want == decision.Won) {
					t.Errorf("suspect %v: shown is %v", suspect, shown)
				}
			}
		})
	}
}
