package decision_test

import (
	"testing"
	"time"

	"github.com/stamklant/stamklant/internal/decision"
)

func TestAgreed(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	at := func(hours int) time.Time { return noon.Add(time.Duration(hours) * time.Hour) }
	var never time.Time
	for _, c := range []struct {
		name             string
		published        bool
		objected, agreed time.Time
		want             bool
	}{
		{"nothing since, agreed before", true, never, never, true},
		{"nothing since, objected before", false, never, never, false},
		{"objects", true, at(0), never, false},
		{"agrees", false, never, at(0), true},
		{"agreed, then objects", true, at(5), at(0), false},
		{"objected, agrees an hour later", true, at(0), at(1), false},
		{"objected, agrees within the day", true, at(0), at(23), false},
		{"objected, agrees a day later", false, at(0), at(24), true},
		{"both at once", true, at(0), at(0), false},
	} {
		if got := decision.Agreed(c.published, c.objected, c.agreed); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
