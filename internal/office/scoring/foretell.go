package scoring

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/stamklant/stamklant/internal/office/scoring/clv"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// classes is up to how many repeat purchases the calibration has a row of its own; customers with more share the last one, as in the
// literature.
const classes = 7

// horizonMost is the longest rest of the receipts that is foretold from what came before: as far as predictions reach.
const horizonMost = clv.DaysAYear

// customer is one customer as the models see her. A million of them take 64 MB while a run is under way.
type customer struct {
	id      [16]byte
	history clv.History
	later   int64
	margin  *int64 // share of her money, in millionths; nil where the article list does not tell
	// What is published of her, while she has bought nothing since; nil otherwise.
	stands *standing
}

// standing is what the run before published of a customer, in the units of the table predictions.
type standing struct{ alive, visits, next, value, profit int64 }

// foretell fits the models to the customers' own past, foretells twelve months of everyone, checks the model against the newest part of the
// receipts, and notes all of it with the run.
func (r *runner) foretell(ctx context.Context, run *Run) error {
	if !r.rules.predictions {
		_, err := r.tx.Exec(ctx, "delete from predictions")
		return err
	}
	r.options.Progress("foretell visits", 0, 0)
	all, err := r.histories(ctx, r.asOf)
	if err != nil {
		return err
	}
	visits, told, err := clv.FitBGNBD(summaries(all))
	if err != nil {
		return err
	}
	spend, spent, err := clv.FitGammaGamma(spending(all))
	if err != nil {
		return err
	}
	if err := r.noteModel(ctx, run.ID, modelOf("visits", r.asOf, told)); err != nil {
		return err
	}
	if err := r.noteModel(ctx, run.ID, modelOf("spend", r.asOf, spent.Report)); err != nil {
		return err
	}
	if err := r.margins(ctx, all); err != nil {
		return err
	}
	if err := r.standing(ctx, all); err != nil {
		return err
	}
	publish := publishable{visits: told.Usable(), value: told.Usable() && spent.Usable()}
	if err := r.predict(ctx, all, visits, spend, publish); err != nil {
		return err
	}
	return r.calibrate(ctx, run.ID, all)
}

// histories reads what every customer did up to a day, equal histories together.
func (r *runner) histories(ctx context.Context, until int32) ([]customer, error) {
	var all []customer
	for row, err := range r.tx.Query(ctx, r.money(statement("histories")), warehouse.Arg("until", until), warehouse.Arg("net", r.rules.net)) {
		if err != nil {
			return nil, err
		}
		var id []byte
		var c customer
		var repeats, recency, age int64
		if err := row.Scan(&id, &repeats, &recency, &age, &c.history.RepeatMinor, &c.later); err != nil {
			return nil, err
		}
		c.id = [16]byte(id)
		// A date before 1826 was misread; such a customer counts as one of two hundred years ago.
		c.history.AgeDays = int32(min(age, clv.MaxAgeDays))
		c.history.RecencyDays, c.history.Repeats = min(int32(min(recency, clv.MaxAgeDays)), c.history.AgeDays), int32(repeats)
		all = append(all, c)
	}
	return all, nil
}

// margins adds what share of each customer's money is margin. Without an article list that tells costs or margins nothing is asked.
func (r *runner) margins(ctx context.Context, all []customer) error {
	var known int64
	if err := r.tx.One(ctx, "select count(*) from articles where coalesce(cost, margin_percent) is not null", nil, &known); err != nil || known == 0 {
		return err
	}
	shares := make(map[[16]byte]int64, len(all))
	for row, err := range r.tx.Query(ctx, statement("margins")) {
		if err != nil {
			return err
		}
		var id []byte
		var share int64
		if err := row.Scan(&id, &share); err != nil {
			return err
		}
		shares[[16]byte(id)] = share
	}
	for i := range all {
		if share, found := shares[all[i].id]; found {
			all[i].margin = &share
		}
	}
	return nil
}

// standing adds what the run before published of those who bought nothing since.
func (r *runner) standing(ctx context.Context, all []customer) error {
	stood := make(map[[16]byte]*customer, len(all))
	for i := range all {
		stood[all[i].id] = &all[i]
	}
	for row, err := range r.tx.Query(ctx, statement("standing")) {
		if err != nil {
			return err
		}
		var id []byte
		var repeats, recency int32
		var s standing
		if err := row.Scan(&id, &repeats, &recency, &s.alive, &s.visits, &s.next, &s.value, &s.profit); err != nil {
			return err
		}
		if c := stood[[16]byte(id)]; c != nil && c.history.Repeats == repeats && c.history.RecencyDays == recency {
			c.stands = &s
		}
	}
	return nil
}

// money fills in how many decimals the chain's currency has.
func (r *runner) money(text string) string {
	factor := "1" + strings.Repeat("0", int(r.rules.decimals))
	return strings.NewReplacer("/*places*/", fmt.Sprint(r.rules.decimals), "/*factor*/", factor).Replace(text)
}

// summaries are the histories, equal ones counted.
func summaries(all []customer) []clv.Summary {
	var rows []clv.Summary
	for _, c := range all {
		row := c.history.Summary
		row.Customers = 0
		if n := len(rows); n > 0 {
			last := rows[n-1]
			last.Customers = 0
			if last == row {
				rows[n-1].Customers++
				continue
			}
		}
		row.Customers = 1
		rows = append(rows, row)
	}
	return rows
}

// spending is what those who came back spent.
func spending(all []customer) []clv.Spend {
	var rows []clv.Spend
	for _, c := range all {
		if c.history.Repeats > 0 {
			rows = append(rows, clv.Spend{Repeats: c.history.Repeats, TotalMinor: c.history.RepeatMinor, Customers: 1})
		}
	}
	return rows
}

// publishable says what of the predictions customers may be addressed by.
type publishable struct{ visits, value bool }

// predict foretells twelve months of everyone and replaces what was foretold before.
func (r *runner) predict(ctx context.Context, all []customer, visits clv.BGNBD, spend clv.GammaGamma, publish publishable) error {
	if _, err := r.tx.Exec(ctx, "create temp table predicted as from predictions limit 0"); err != nil {
		return err
	}
	bands := clv.DefaultBands()
	err := r.tx.Append(ctx, "predicted", func(yield func([]any, error) bool) {
		for i, c := range all {
			if i%100_000 == 0 {
				r.options.Progress("foretell visits", int64(i), int64(len(all)))
			}
			if !yield(predicted(c, clv.Predict(visits, spend, c.history, 0), bands, publish), nil) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	_, err = r.tx.Exec(ctx, statement("predictions"))
	return err
}

// predicted is one row of predictions. What may not be published has no band.
func predicted(c customer, p clv.Prediction, bands clv.Bands, publish publishable) []any {
	row := []any{
		c.id, c.history.Repeats, c.history.RecencyDays, c.history.AgeDays,
		rounded(p.Alive * 1e6), rounded(p.Value.Receipts * 1e3), int32(p.NextPurchaseDays),
		rounded(p.Value.MeanSpendMinor), rounded(p.Value.Minor), nil,
		nil, nil, nil, nil, nil,
	}
	profit := 0.0
	if c.margin != nil {
		profit = p.Value.Minor * float64(*c.margin) / 1e6
		row[9] = rounded(profit)
	}
	band := banded(p, profit, bands)
	if c.stands != nil && c.stands.near(p, profit, bands, publish) {
		band = *c.stands
	}
	if publish.visits {
		row[10], row[11], row[12] = int32(band.alive), band.visits, int32(band.next)
	}
	if publish.value {
		row[13] = band.value
	}
	if publish.value && c.margin != nil {
		row[14] = band.profit
	}
	return row
}

// alivePercent is how many millionths make one in a hundred, in which the probability is published.
const alivePercent = 10_000

// banded is a prediction in bands.
func banded(p clv.Prediction, profit float64, bands clv.Bands) standing {
	b := bands.Publish(p)
	return standing{
		alive: b.AliveMillionths / alivePercent, visits: b.ReceiptsThousandths, next: b.NextPurchaseDays, value: b.ValueMinor,
		profit: bands.Minor.Band(profit),
	}
}

// near reports whether all that is published may stay: every value is in its band or in one beside it. What changes, changes together, so that a
// customer who does nothing is sent anew as seldom as can be.
func (s standing) near(p clv.Prediction, profit float64, bands clv.Bands, publish publishable) bool {
	return (!publish.visits || bands.Alive.Keeps(s.alive*alivePercent, p.Alive*1e6) && bands.Receipts.Keeps(s.visits, p.Value.Receipts*1e3) &&
		bands.NextPurchaseDays.Keeps(s.next, float64(p.NextPurchaseDays))) &&
		(!publish.value || bands.Minor.Keeps(s.value, p.Value.Minor) && bands.Minor.Keeps(s.profit, profit))
}

// rounded is the nearest whole number, bounded by what a table holds.
func rounded(v float64) int64 {
	return int64(math.Round(min(max(v, -math.MaxInt64/2), math.MaxInt64/2)))
}

// calibrate foretells the newest part of the receipts, half of their days and at most twelve months, from what was before, and notes forecast
// and truth side by side. Where the first part bears no model nothing is foretold.
func (r *runner) calibrate(ctx context.Context, run int64, all []customer) error {
	var oldest int32
	for _, c := range all {
		oldest = max(oldest, c.history.AgeDays)
	}
	rest := min((oldest+1)/2, horizonMost)
	if rest == 0 {
		return nil
	}
	r.options.Progress("check the forecast", 0, 0)
	until := r.asOf - rest
	first, err := r.histories(ctx, until)
	if err != nil {
		return err
	}
	visits, told, err := clv.FitBGNBD(summaries(first))
	if err != nil {
		return err
	}
	if err := r.noteModel(ctx, run, modelOf("calibration", until, told)); err != nil || !told.Usable() {
		return err
	}
	outcomes := make([]clv.Outcome, len(first))
	for i, c := range first {
		outcomes[i] = clv.Outcome{Summary: c.history.Summary, Later: c.later}
	}
	table, err := clv.CalibrationTable(visits, outcomes, clv.WeeksOf(rest), classes)
	if err != nil {
		return err
	}
	for _, class := range table.Classes {
		_, err := r.tx.Exec(ctx, statement("note_calibration"), warehouse.Arg("run", run), warehouse.Arg("repeats", class.Repeats),
			warehouse.Arg("or_more", class.OrMore), warehouse.Arg("customers", class.Customers), warehouse.Arg("actual", class.Actual),
			warehouse.Arg("predicted_thousandths", rounded(class.Predicted*1e3)), warehouse.Arg("horizon_days", rest))
		if err != nil {
			return err
		}
	}
	return nil
}
