package scoring_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/scoring/clv"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// model returns a run's model by name.
func model(t *testing.T, run *scoring.Run, name string) scoring.Model {
	t.Helper()
	for _, m := range run.Models {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("run %d has no model %s: %v", run.ID, name, run.Models)
	return scoring.Model{}
}

// cdnowOutcomes are the sample's histories over its first 39 weeks, and what came of them in the next 39, read from the file itself.
func cdnowOutcomes(t *testing.T) []clv.Outcome {
	t.Helper()
	purchases := map[string][]clv.Purchase{}
	for _, row := range expected(t, "cdnow/cdnow_sample.csv.gz") {
		d, err := time.Parse(time.DateOnly, row["date"])
		if err != nil {
			t.Fatal(err)
		}
		id := row["sample_customer_id"]
		purchases[id] = append(purchases[id], clv.Purchase{Day: int32(d.Unix() / 86400)})
	}
	var all []clv.Outcome
	for _, p := range purchases {
		h, ok := clv.Summarise(p, day(t, "1997-09-30"))
		if !ok {
			t.Fatal("a customer of the sample did not buy in the first 39 weeks")
		}
		all = append(all, clv.Outcome{Summary: h.Summary, Later: int64(clv.PurchaseDays(p, day(t, "1997-09-30"), day(t, "1998-06-30")))})
	}
	return all
}

// TestCalibrationOfCDNOW has a run over the CDNOW sample foretell the second 39 weeks from the first: the model must be the published one, and
// its forecast as good as that of the published parameters.
func TestCalibrationOfCDNOW(t *testing.T) {
	t.Parallel()
	w := open(t)
	run := score(t, w, shipped(t, w, "cdnow", "cdnow/cdnow_sample.csv.gz"), "1998-06-30")

	fitted := model(t, run, "calibration")
	published := map[string]string{"r": "0.243", "alpha": "4.414", "a": "0.793", "b": "2.426"}
	for _, e := range fitted.Estimates {
		if got := strconv.FormatFloat(e.Value, 'f', 3, 64); got != published[e.Name] {
			t.Errorf("%s = %s, published %s", e.Name, got, published[e.Name])
		}
	}
	if !fitted.Usable || fitted.Customers != 2357 || math.Abs(fitted.LogLikelihood+9582.4) > 0.05 {
		t.Errorf("usable %t, %d customers, log-likelihood %.1f; published: 2357 and -9582.4", fitted.Usable, fitted.Customers, fitted.LogLikelihood)
	}

	if run.Calibration == nil || run.Calibration.HorizonDays != 273 {
		t.Fatalf("the rest is no 39 weeks: %+v", run.Calibration)
	}
	want, err := clv.CalibrationTable(clv.BGNBD{R: 0.243, Alpha: 4.414, A: 0.793, B: 2.426}, cdnowOutcomes(t), clv.WeeksOf(273), 7)
	if err != nil {
		t.Fatal(err)
	}
	for i, class := range run.Calibration.Classes {
		if class.Customers != want.Classes[i].Customers || class.Actual != want.Classes[i].Actual {
			t.Errorf("x = %d: %d customers bought on %d days, in the file %d on %d", class.Repeats, class.Customers, class.Actual,
				want.Classes[i].Customers, want.Classes[i].Actual)
		}
		t.Logf("x = %d (or more %t): %d customers, actual %d, foretold %.1f (%+.1f %%), by the published parameters %.1f", class.Repeats,
			class.OrMore, class.Customers, class.Actual, float64(class.PredictedThousandths)/1000, float64(class.ErrorPermille())/10,
			want.Classes[i].Predicted)
	}
	total := run.Calibration.Total()
	ours, theirs := math.Abs(float64(total.PredictedThousandths)/1000-float64(total.Actual)), math.Abs(want.Total.Predicted-float64(total.Actual))
	t.Logf("total: actual %d, foretold %.1f, off by %.1f; the published parameters are off by %.1f", total.Actual,
		float64(total.PredictedThousandths)/1000, ours, theirs)
	if ours > theirs+1 {
		t.Errorf("the forecast is off by %.1f, that of the published parameters by %.1f", ours, theirs)
	}
}

// listed imports a list of receipts that is written here.
func listed(t *testing.T, w *warehouse.Warehouse, mapping, rows string) {
	t.Helper()
	m, err := warehouse.ParseMapping("mapping.yaml", []byte(mapping))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "receipts.csv")
	if err := os.WriteFile(path, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := w.Import(t.Context(), warehouse.ImportRequest{List: warehouse.Receipts, Files: []string{path}, Mapping: m, Accounts: register{}})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rejected) > 0 {
		t.Fatalf("rows were rejected: %v", report.Rejected)
	}
}

// sent are the accounts that stores get, by id.
func sent(t *testing.T, w *warehouse.Warehouse, p *programmev1.Programme) map[[16]byte]*customerv1.Account {
	t.Helper()
	all := map[[16]byte]*customerv1.Account{}
	for a, err := range w.Published(t.Context(), p) {
		if err != nil {
			t.Fatal(err)
		}
		all[a.ID] = a.Account
	}
	return all
}

// TestIdlePredictionsStay scores the CDNOW sample on consecutive days without a receipt: hardly anything published may change.
func TestIdlePredictionsStay(t *testing.T) {
	t.Parallel()
	w := open(t)
	p := shipped(t, w, "cdnow", "cdnow/cdnow_sample.csv.gz")
	score(t, w, p, "1998-07-01")
	before, told, changed, days := sent(t, w, p), 0, 0, []string{"1998-07-02", "1998-07-03", "1998-07-04", "1998-07-05"}
	for _, d := range days {
		score(t, w, p, d)
		after := sent(t, w, p)
		for id, account := range after {
			if account.GetPredictions() == nil {
				t.Fatal("an account of a usable model has no predictions")
			}
			told++
			if !proto.Equal(account.GetPredictions(), before[id].GetPredictions()) {
				changed++
			}
		}
		before = after
	}
	t.Logf("of %d predictions of idle customers %d changed from one day to the next: %.2f %%", told, changed, 100*float64(changed)/float64(told))
	if told != len(days)*2357 {
		t.Errorf("%d predictions, want %d", told, len(days)*2357)
	}
	if changed*20 > told {
		t.Errorf("more than one in twenty changed")
	}
}

// TestFewRepeatBuyers foretells nothing to address customers by from hardly anybody who came back, and says so.
func TestFewRepeatBuyers(t *testing.T) {
	t.Parallel()
	w := open(t)
	var rows strings.Builder
	rows.WriteString("customer_id,order_date,revenue\n")
	for i := range 60 {
		fmt.Fprintf(&rows, "c%d,2026-01-%02d,10.00\n", i, 1+i%28)
		if i < 5 {
			fmt.Fprintf(&rows, "c%d,2026-03-%02d,12.00\n", i, 1+i%28)
		}
	}
	listed(t, w, ordersMapping, rows.String())
	p := loaded(t, ordersProgramme)
	run := score(t, w, p, "2026-06-30")
	visits := model(t, run, "visits")
	if visits.Usable || visits.Statement == "" || visits.RepeatBuyers != 5 || visits.Customers != 60 {
		t.Errorf("the model says: %+v", visits)
	}
	t.Log(visits.Statement)
	for _, account := range sent(t, w, p) {
		if account.GetPredictions() != nil {
			t.Fatalf("published: %v", account.GetPredictions())
		}
	}
	for id, row := range exported(t, w) {
		if row["visits_thousandths"] == "" || strings.Contains(row["value_minor"], "-") {
			t.Errorf("%s: the stand-in tells visits %q, value %q", id, row["visits_thousandths"], row["value_minor"])
		}
	}

	p.Scoring.Predictions = programmev1.OnOff_ON_OFF_OFF
	if run = score(t, w, p, "2026-06-30"); len(run.Models) != 0 {
		t.Errorf("switched off, it made models: %v", run.Models)
	}
	for id, row := range exported(t, w) {
		if row["visits_thousandths"] != "" {
			t.Errorf("%s: switched off, it foretells %q", id, row["visits_thousandths"])
		}
	}
}
