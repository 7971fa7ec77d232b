package scoring_test

import (
	"testing"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
	"github.com/stamklant/stamklant/internal/segment"
)

// agree expects the package segment, with the published values and cut points, to come to the very scores and segment of the SQL for every
// account that was scored.
func agree(t *testing.T, w *warehouse.Warehouse, p *programmev1.Programme, run *scoring.Run) {
	t.Helper()
	m, err := segment.Compile(p.GetSegments(), int(p.GetScoring().GetScores()))
	if err != nil {
		t.Fatal(err)
	}
	byID := map[[16]byte]map[string]string{}
	for customer, row := range exported(t, w) {
		byID[account("", customer)] = row
	}
	compared, differences := 0, 0
	for a, err := range w.Published(t.Context(), p) {
		if err != nil {
			t.Fatal(err)
		}
		row, scored := byID[a.ID]
		if !scored {
			continue
		}
		compared++
		scores := segment.Of(a.Account.GetValues(), run.Cuts)
		if scores.String() != row["r"]+row["f"]+row["m"] || m.Lookup(scores) != row["segment"] {
			if differences++; differences <= 5 {
				t.Errorf("%s: the store says %s, %s; the SQL %v", row["external_id"], scores, m.Lookup(scores), row)
			}
		}
	}
	if compared != len(byID) || differences > 0 {
		t.Errorf("%d of %d accounts compared, %d differences", compared, len(byID), differences)
	}
	t.Logf("segment and SQL agree on %d accounts", compared)
}
