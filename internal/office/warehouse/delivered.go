package warehouse

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// Journal is one life of one server's journal.
type Journal struct {
	// ServerID is the server.
	ServerID string
	// Incarnation is the life.
	Incarnation [16]byte
}

// Delivered is a receipt as a store delivered it.
type Delivered struct {
	// Journal and Sequence say where it stood.
	Journal  Journal
	Sequence uint64
	// AccountID is whose it is; zero for nobody's.
	AccountID [16]byte
	// Receipt is the receipt as the store booked it.
	Receipt *outcomev1.RecordedReceipt
}

// DeliveredRequest is a number of delivered receipts to take in.
type DeliveredRequest struct {
	// Receipts are in any order.
	Receipts iter.Seq2[Delivered, error]
	// Decimals is how many places the chain's currency has, 0 to 3.
	Decimals int32
	// Zone is the time zone of a store. Nil: times are kept in UTC.
	Zone func(store string) *time.Location
}

// DeliveredReport says what became of delivered receipts.
type DeliveredReport struct {
	// Added were new, Known were here before, Imported are among the new ones those that a list told of already: the list's lines count.
	Added, Known, Imported int64
}

// DeliveredThrough returns up to which sequence each journal has been taken in.
func (w *Warehouse) DeliveredThrough(ctx context.Context) (map[Journal]uint64, error) {
	through := map[Journal]uint64{}
	err := w.View(ctx, func(ctx context.Context, tx *Tx) error {
		for row, err := range tx.Query(ctx, "select server_id, incarnation, through from delivered_through") {
			if err != nil {
				return err
			}
			var j Journal
			var incarnation []byte
			var sequence uint64
			if err := row.Scan(&j.ServerID, &incarnation, &sequence); err != nil {
				return err
			}
			copy(j.Incarnation[:], incarnation)
			through[j] = sequence
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("delivered receipts: %w", err)
	}
	return through, nil
}

// AddDelivered takes in receipts that stores delivered, all or none. A receipt that is here already, by its key, is passed over; one that
// a list told of too is kept, and does not count for lines and money.
func (w *Warehouse) AddDelivered(ctx context.Context, request DeliveredRequest) (*DeliveredReport, error) {
	report := &DeliveredReport{}
	err := w.Update(ctx, func(ctx context.Context, tx *Tx) error {
		run := &deliveredRun{DeliveredRequest: request, tx: tx, through: map[Journal]uint64{}}
		if err := run.stage(ctx); err != nil {
			return err
		}
		return run.keep(ctx, report)
	})
	if err != nil {
		return nil, fmt.Errorf("delivered receipts: %w", err)
	}
	return report, nil
}

// deliveredRun is one taking in of delivered receipts. Its temporary tables are
//
//	delivered        receipts as they came, numbered
//	delivered_lines  their lines
type deliveredRun struct {
	DeliveredRequest

	tx       *Tx
	number   int64
	receipts [][]any
	lines    [][]any
	through  map[Journal]uint64
}

// stage fills the temporary tables, a batch at a time.
func (r *deliveredRun) stage(ctx context.Context) error {
	if _, err := r.tx.Exec(ctx, statement("delivered_tables")); err != nil {
		return err
	}
	for d, err := range r.Receipts {
		if err != nil {
			return err
		}
		r.number++
		if err := r.add(d); err != nil {
			return fmt.Errorf("%s, sequence %d: %w", d.Journal.ServerID, d.Sequence, err)
		}
		if len(r.receipts) >= batch {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
	return r.flush(ctx)
}

// flush writes a batch.
func (r *deliveredRun) flush(ctx context.Context) error {
	for table, rows := range map[string]*[][]any{"delivered": &r.receipts, "delivered_lines": &r.lines} {
		if err := r.tx.Append(ctx, table, each(*rows)); err != nil {
			return err
		}
		*rows = (*rows)[:0]
	}
	return nil
}

// each yields rows.
func each(rows [][]any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// kinds are the words of the table receipts for kinds of receipts.
var kinds = map[outcomev1.ReceiptKind]string{
	outcomev1.ReceiptKind_RECEIPT_KIND_SALE:      "sale",
	outcomev1.ReceiptKind_RECEIPT_KIND_RETURN:    "return",
	outcomev1.ReceiptKind_RECEIPT_KIND_VOID:      "void",
	outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID: "post_void",
	outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING:  "training",
	outcomev1.ReceiptKind_RECEIPT_KIND_CLAIM:     "claim",
}

// add stages one receipt and its lines.
func (r *deliveredRun) add(d Delivered) error {
	receipt := d.Receipt.GetReceipt()
	key := receipt.GetKey()
	day, err := time.Parse(time.DateOnly, key.GetBusinessDate())
	if err != nil {
		return fmt.Errorf("business date: %w", err)
	}
	kind, known := kinds[receipt.GetKind()]
	if !known {
		return fmt.Errorf("receipt %s/%s/%s: no kind of receipt: %v", key.GetStore(), key.GetTill(), key.GetReceiptNo(), receipt.GetKind())
	}
	row := []any{
		r.number, key.GetStore(), key.GetTill(), key.GetTillEpoch(), day, key.GetReceiptNo(), d.Receipt.GetFork(), kind,
		nil, receipt.GetCurrency(), nil, nil, nil, nil, nil,
	}
	if d.AccountID != ([16]byte{}) {
		row[8] = d.AccountID
	}
	if receipt.GetEndedAt() != nil {
		row[10] = r.local(key.GetStore(), receipt.GetEndedAt().AsTime())
	}
	if original := receipt.GetOriginal(); original != nil {
		row[11], row[12], row[14] = original.GetStore(), original.GetTill(), original.GetReceiptNo()
		if sold, err := time.Parse(time.DateOnly, original.GetBusinessDate()); err == nil {
			row[13] = sold
		}
	}
	r.receipts = append(r.receipts, row)
	for _, line := range receipt.GetLines() {
		r.lines = append(r.lines, []any{
			r.number, line.GetNo(), line.GetSku(), line.GetGroup(), line.GetQuantityMilli(), line.GetNetMinor(), line.GetDiscountMinor(),
			!line.GetNotMerchandise(), line.GetOnPromotion(),
		})
	}
	r.through[d.Journal] = max(r.through[d.Journal], d.Sequence)
	return nil
}

// local is a moment as the clock on the store's wall showed it.
func (r *deliveredRun) local(store string, at time.Time) time.Time {
	if r.Zone == nil {
		return at.UTC()
	}
	zone := r.Zone(store)
	if zone == nil {
		return at.UTC()
	}
	wall := at.In(zone)
	return time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), time.UTC)
}

// keep moves what is new from the temporary tables into the tables.
func (r *deliveredRun) keep(ctx context.Context, report *DeliveredReport) error {
	unit := "1"
	if r.Decimals > 0 {
		unit = "0." + strings.Repeat("0", int(r.Decimals)-1) + "1"
	}
	for _, name := range []string{"delivered_new", "delivered_insert", "delivered_lines_insert", "delivered_accounts", "delivered_claims"} {
		text := strings.ReplaceAll(statement(name), "/*unit*/", unit)
		if _, err := r.tx.Exec(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	err := r.tx.One(ctx, `select count(*) filter (receipt_id is not null), count(*) filter (receipt_id is null), count(*) filter (imported and receipt_id is not null)
		from temp.main.delivered`, nil, &report.Added, &report.Known, &report.Imported)
	if err != nil {
		return err
	}
	for journal, sequence := range r.through {
		_, err := r.tx.Exec(ctx, statement("delivered_through"),
			Arg("server", journal.ServerID), Arg("incarnation", fmt.Sprintf("%x", journal.Incarnation)), Arg("through", sequence))
		if err != nil {
			return fmt.Errorf("delivered_through: %w", err)
		}
	}
	return r.tx.drop(ctx, "delivered", "delivered_lines")
}
