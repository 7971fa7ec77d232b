package rush

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Verdict is how the books compare with head office's.
type Verdict struct {
	// Receipts, Cards and Points are how many of each were compared; Minor is the sum of all totals in the books, in minor units.
	Receipts, Cards int
	Points, Minor   int64
	// Differences are what differs, in words; empty when the books agree to the point and the cent.
	Differences []string
	// Noticed is how many differences there would be with one receipt left out of the books: when it is 0, the comparison is worth nothing.
	Noticed int
}

// Verify holds the books against head office's two lists, as `stamklant-office export ledger` and `export receipts` write them.
func (r *Report) Verify(ledger, receipts io.Reader) (*Verdict, error) {
	points, err := readLedger(ledger)
	if err != nil {
		return nil, fmt.Errorf("list of bookings: %w", err)
	}
	delivered, err := readReceipts(receipts)
	if err != nil {
		return nil, fmt.Errorf("list of receipts: %w", err)
	}
	facts := r.books.all()
	v := compare(facts, r.books.pointsPerEuro, points, delivered)
	for i, f := range facts {
		if f.card != "" && f.total > 0 {
			fewer := compare(slices.Delete(slices.Clone(facts), i, i+1), r.books.pointsPerEuro, points, delivered)
			v.Noticed = len(fewer.Differences)
			break
		}
	}
	return v, nil
}

// compare does it.
func compare(facts []*fact, perEuro int64, points map[string]int64, delivered map[string][]string) *Verdict {
	own := pointsByCard(facts, perEuro)
	v := &Verdict{Receipts: len(facts), Cards: len(own)}
	made := map[string][]string{}
	for _, f := range facts {
		made[name(f.key)] = append(made[name(f.key)], fmt.Sprintf("%s of %d on card %q", kindOf(f), f.total, f.card))
		v.Minor += f.total
	}
	for _, key := range slices.Sorted(maps.Keys(union(made, delivered))) {
		slices.Sort(made[key])
		slices.Sort(delivered[key])
		if !slices.Equal(made[key], delivered[key]) {
			v.Differences = append(v.Differences, fmt.Sprintf("receipt %s: the tills made %v, head office has %v", key, made[key], delivered[key]))
		}
	}
	for _, card := range slices.Sorted(maps.Keys(union(own, points))) {
		v.Points += own[card]
		if own[card] != points[card] {
			v.Differences = append(v.Differences, fmt.Sprintf("card %s: %d points in the tills' books, %d at head office", card, own[card], points[card]))
		}
	}
	return v
}

// union has the keys of both.
func union[V any](a, b map[string]V) map[string]bool {
	all := map[string]bool{}
	for key := range a {
		all[key] = true
	}
	for key := range b {
		all[key] = true
	}
	return all
}

// kindOf is the kind of a receipt as head office's list names it.
func kindOf(f *fact) string {
	return strings.ToLower(strings.TrimPrefix(f.kind.String(), "RECEIPT_KIND_"))
}

// readLedger sums the points of every card, those that wait for a card to be registered too.
func readLedger(from io.Reader) (map[string]int64, error) {
	points := map[string]int64{}
	return points, eachRow(from, []string{"cards", "points", "kind"}, func(row []string) error {
		n, err := strconv.ParseInt(row[1], 10, 64)
		if err != nil {
			return err
		}
		points[row[0]] += n
		return nil
	})
}

// readReceipts is what stands under every key.
func readReceipts(from io.Reader) (map[string][]string, error) {
	found := map[string][]string{}
	columns := []string{"store", "till", "till_epoch", "business_date", "receipt_no", "kind", "total_minor", "card"}
	return found, eachRow(from, columns, func(row []string) error {
		key := strings.Join(row[:5], "/")
		found[key] = append(found[key], fmt.Sprintf("%s of %s on card %q", row[5], row[6], row[7]))
		return nil
	})
}

// eachRow visits the rows of a list, reduced to some columns.
func eachRow(from io.Reader, columns []string, visit func(row []string) error) error {
	list := csv.NewReader(from)
	head, err := list.Read()
	if err != nil {
		return err
	}
	places := make([]int, len(columns))
	for i, column := range columns {
		if places[i] = slices.Index(head, column); places[i] < 0 {
			return fmt.Errorf("it has no column %s", column)
		}
	}
	for {
		row, err := list.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		picked := make([]string, len(columns))
		for i, place := range places {
			picked[i] = row[place]
		}
		if err := visit(picked); err != nil {
			return err
		}
	}
}
