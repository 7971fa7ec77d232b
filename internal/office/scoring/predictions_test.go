package scoring_test

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/scoring/clv"
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
