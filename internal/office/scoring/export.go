package scoring

import (
	"bufio"
	"context"
	"encoding/base32"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// Columns are the columns that Export writes. Later ones may be added at the end.
var Columns = []string{
	"account_id", "external_id", "recency_days", "frequency", "monetary_minor", "r", "f", "m", "segment",
	"first_receipt", "last_receipt", "previous_segment", "segment_since",
	"falling_to", "held_until",
	"alive_millionths", "visits_thousandths", "next_visit_days", "value_minor", "profit_minor",
	"favourite_group", "favourite_brand", "breadth", "promotion_percent", "usual_weekday", "usual_hours", "usual_season", "usual_store",
	"cluster", "also_bought", "usual_channel",
}

// reference is how an account id is written for people and other systems: base32, 26 characters.
var reference = base32.StdEncoding.WithPadding(base32.NoPadding)

// Export writes one CSV row per scored account, in the order of their ids, and returns how many. Under imported scores it writes the
// accounts that came with a segment, without values. An account without a customer number of the shop's own has an empty external_id. It
// returns ErrNoRun when nobody has been scored yet.
func Export(ctx context.Context, w *warehouse.Warehouse, out io.Writer) (int64, error) {
	run, err := Latest(ctx, w)
	if err != nil {
		return 0, err
	}
	name := "export"
	if run.Imported {
		name = "export_imported"
	}
	buffered := bufio.NewWriter(out)
	table := csv.NewWriter(buffered)
	if err := table.Write(Columns); err != nil {
		return 0, fmt.Errorf("export scores: %w", err)
	}
	var written int64
	err = w.View(ctx, func(ctx context.Context, tx *warehouse.Tx) error {
		for row, err := range tx.Query(ctx, statement(name)) {
			if err != nil {
				return err
			}
			record, err := exported(row)
			if err != nil {
				return err
			}
			if err := table.Write(record); err != nil {
				return err
			}
			written++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("export scores: %w", err)
	}
	table.Flush()
	if err := table.Error(); err != nil {
		return 0, fmt.Errorf("export scores: %w", err)
	}
	return written, buffered.Flush()
}

// exported is one row of the file.
func exported(row warehouse.Row) ([]string, error) {
	var id []byte
	var external, segment, previous, falling *string
	var recency, frequency, money, r, f, m *int64
	var first, last, since, until *time.Time
	var alive, visits, next, value, profit, breadth, promotion, weekday *int64
	var group, brand, hours, season, store, cluster, others, channel *string
	err := row.Scan(&id, &external, &recency, &frequency, &money, &r, &f, &m, &segment, &first, &last, &previous, &since, &falling, &until,
		&alive, &visits, &next, &value, &profit, &group, &brand, &breadth, &promotion, &weekday, &hours, &season, &store, &cluster, &others, &channel)
	if err != nil {
		return nil, err
	}
	return []string{
		reference.EncodeToString(id), word(external), digits(recency), digits(frequency), digits(money), digits(r), digits(f), digits(m),
		word(segment), date(first), date(last), word(previous), date(since), word(falling), date(until),
		digits(alive), digits(visits), digits(next), digits(value), digits(profit),
		word(group), word(brand), digits(breadth), digits(promotion), digits(weekday), word(hours), word(season), word(store), word(cluster), word(others),
		word(channel),
	}, nil
}

// word is a text, empty when there is none.
func word(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// digits is a whole number, empty when there is none.
func digits(v *int64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatInt(*v, 10)
}

// date is a day, empty when there is none.
func date(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.DateOnly)
}
