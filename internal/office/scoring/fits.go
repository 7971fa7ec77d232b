package scoring

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/stamklant/stamklant/internal/office/scoring/clv"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// Model is one model of a run: how often customers come, what they spend, or how often they came, fitted to the first part of the receipts
// alone so that the rest tells what it is worth.
type Model struct {
	// Name is visits, spend or calibration.
	Name string
	// Until is the last day it was fitted to, in days since 1970-01-01.
	Until int32
	// Verdict is how the fit ended, in a word; Statement says it in a sentence.
	Verdict, Statement string
	// Usable says that customers may be addressed by what it foretells.
	Usable bool
	// Customers took part, RepeatBuyers of them came back.
	Customers, RepeatBuyers int64
	// LogLikelihood is that of all of them.
	LogLikelihood float64
	// Estimates are its parameters.
	Estimates []Estimate
}

// Estimate is one parameter of a model.
type Estimate struct {
	// Name is the one it has in the literature.
	Name string
	// Value is the parameter, StdErr its standard error; 0 where the customers do not tell.
	Value, StdErr float64
}

// Calibration is how well the first part of the receipts foretold the rest, by the number of repeat purchases in the first part.
type Calibration struct {
	// HorizonDays is the length of the rest.
	HorizonDays int32
	// Classes are the customers by repeat purchases, ascending.
	Classes []CalibrationClass
}

// CalibrationClass is customers with as many repeat purchases in the first part.
type CalibrationClass struct {
	// Repeats is how many; OrMore says that customers with more are in it too.
	Repeats int
	OrMore  bool
	// Customers is how many there are, Actual on how many days they bought in the rest, PredictedThousandths how many days were foretold.
	Customers, Actual, PredictedThousandths int64
}

// Total is all classes together.
func (c *Calibration) Total() CalibrationClass {
	total := CalibrationClass{OrMore: true}
	for _, class := range c.Classes {
		total.Customers += class.Customers
		total.Actual += class.Actual
		total.PredictedThousandths += class.PredictedThousandths
	}
	return total
}

// ErrorPermille is by how much of the actual number the forecast is off, in thousandths, rounded toward 0; below 0 when it is too low. 0 when
// there was nothing to foretell.
func (c CalibrationClass) ErrorPermille() int64 {
	if c.Actual == 0 {
		return 0
	}
	return (c.PredictedThousandths - c.Actual*1000) / c.Actual
}

// modelOf is a fit as it is noted.
func modelOf(name string, until int32, r clv.Report) Model {
	m := Model{
		Name: name, Until: until, Verdict: r.Verdict.String(), Statement: r.Statement(), Usable: r.Usable(), Customers: r.Customers,
		RepeatBuyers: r.RepeatBuyers, LogLikelihood: r.LogLikelihood,
	}
	for _, e := range r.Estimates {
		m.Estimates = append(m.Estimates, Estimate{Name: e.Name, Value: e.Value, StdErr: e.StdErr})
	}
	return m
}

// noteModel writes a model into the history of runs.
func (r *runner) noteModel(ctx context.Context, run int64, m Model) error {
	var names, values, errs []string
	for _, e := range m.Estimates {
		names = append(names, e.Name)
		values = append(values, strconv.FormatFloat(e.Value, 'g', -1, 64))
		errs = append(errs, strconv.FormatFloat(e.StdErr, 'g', -1, 64))
	}
	_, err := r.tx.Exec(ctx, statement("note_model"), warehouse.Arg("run", run), warehouse.Arg("model", m.Name), warehouse.Arg("until", m.Until),
		warehouse.Arg("verdict", m.Verdict), warehouse.Arg("statement", m.Statement), warehouse.Arg("usable", m.Usable),
		warehouse.Arg("customers", m.Customers), warehouse.Arg("repeat_buyers", m.RepeatBuyers), warehouse.Arg("log_likelihood", m.LogLikelihood),
		warehouse.Arg("parameters", strings.Join(names, ",")), warehouse.Arg("estimates", strings.Join(values, ",")),
		warehouse.Arg("errors", strings.Join(errs, ",")))
	return err
}

// readModels reads the models of a run and what they were worth.
func (r *Run) readModels(ctx context.Context, tx *warehouse.Tx) error {
	for row, err := range tx.Query(ctx, statement("run_models"), warehouse.Arg("run", r.ID)) {
		if err != nil {
			return err
		}
		var m Model
		var names, values, errs any
		if err := row.Scan(&m.Name, &m.Until, &m.Verdict, &m.Statement, &m.Usable, &m.Customers, &m.RepeatBuyers, &m.LogLikelihood,
			&names, &values, &errs); err != nil {
			return err
		}
		if m.Estimates, err = estimates(names, values, errs); err != nil {
			return fmt.Errorf("model %s of run %d: %w", m.Name, r.ID, err)
		}
		r.Models = append(r.Models, m)
	}
	return r.readCalibration(ctx, tx)
}

// estimates puts names, values and standard errors together.
func estimates(names, values, errs any) ([]Estimate, error) {
	n, _ := names.([]any)
	v, _ := values.([]any)
	e, _ := errs.([]any)
	if len(n) != len(v) || len(n) != len(e) {
		return nil, fmt.Errorf("%d parameters have %d values and %d errors", len(n), len(v), len(e))
	}
	var all []Estimate
	for i := range n {
		var one Estimate
		one.Name, _ = n[i].(string)
		one.Value, _ = v[i].(float64)
		one.StdErr, _ = e[i].(float64)
		all = append(all, one)
	}
	return all, nil
}

// readCalibration reads forecast and truth.
func (r *Run) readCalibration(ctx context.Context, tx *warehouse.Tx) error {
	for row, err := range tx.Query(ctx, statement("run_calibration"), warehouse.Arg("run", r.ID)) {
		if err != nil {
			return err
		}
		if r.Calibration == nil {
			r.Calibration = &Calibration{}
		}
		var c CalibrationClass
		if err := row.Scan(&c.Repeats, &c.OrMore, &c.Customers, &c.Actual, &c.PredictedThousandths, &r.Calibration.HorizonDays); err != nil {
			return err
		}
		r.Calibration.Classes = append(r.Calibration.Classes, c)
	}
	return nil
}
