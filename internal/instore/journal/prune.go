package journal

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// pruneStep is how many rows one transaction removes; receipts of tills come in between.
const pruneStep = 500

// Counted is what one release has counted.
type Counted struct {
	// CutOff answers up to which sequence of an incarnation its balances and contacts, and its scores, have counted; 0 for one it does
	// not know.
	CutOff func(incarnation [16]byte) (ledgerThrough, receiptsThrough uint64)
	// ScoredAsOf is the day it was scored as of, in days since 1970-01-01: later receipts still count locally. 0 when it has no scores
	// of its own.
	ScoredAsOf int32
}

// Prune removes rows, oldest first, that head office confirmed and all releases that may still be opened have counted, with what is kept
// of them by subject. It stops at the first that must stay, and returns how many went. Receipt keys and what a return needs of a sale stay
// until Forget. Without a release nothing goes.
func (j *Journal) Prune(ctx context.Context, openable []Counted) (removed int, err error) {
	if len(openable) == 0 {
		return 0, nil
	}
	for {
		n := 0
		err := j.update(ctx, func(w *writer) (err error) {
			n, err = w.prune(openable)
			return err
		})
		removed += n
		if err != nil || n < pruneStep {
			return removed, err
		}
	}
}

func (w *writer) prune(openable []Counted) (n int, err error) {
	for ; n < pruneStep && w.marks.pruned < w.marks.confirmed; n++ {
		number := w.marks.pruned + 1
		row, tag, err := w.tagged(number)
		if err != nil || !w.mayGo(number, row, openable) {
			return n, err
		}
		if err := w.drop(number, row, tag); err != nil {
			return n, err
		}
		w.marks.pruned = number
	}
	return n, nil
}

// mayGo reports whether every release has counted a row.
func (w *writer) mayGo(number uint64, row *outcomev1.OutboxRow, openable []Counted) bool {
	return !slices.ContainsFunc(openable, func(c Counted) bool {
		through := w.cutOffs(func(id [16]byte) uint64 {
			ledger, receipts := c.CutOff(id)
			if row.GetReceipt() == nil {
				return ledger
			}
			return min(ledger, receipts)
		})
		return !w.lives.counted(number, through) || c.ScoredAsOf != 0 && receiptDay(row.GetReceipt()) > c.ScoredAsOf
	})
}

// receiptDay is the business day of a receipt, in days since 1970-01-01. A till whose calendar runs ahead does not keep a row for ever: the
// day after it was recorded is the latest.
func receiptDay(row *outcomev1.RecordedReceipt) int32 {
	day, err := time.Parse(time.DateOnly, row.GetReceipt().GetKey().GetBusinessDate())
	if err != nil {
		return math.MinInt32
	}
	const seconds = 24 * 60 * 60
	return int32(min(day.Unix()/seconds, row.GetRecordedAt().GetSeconds()/seconds+1))
}

// drop removes a row and what is kept of it by subject.
func (w *writer) drop(number uint64, row *outcomev1.OutboxRow, tag *place) error {
	if err := w.remove(inRows, numberKey(number)); err != nil {
		return err
	}
	if e := row.GetExposure(); e != nil && len(e.GetAccountId()) == 16 {
		return w.remove(inLocal, localKey([16]byte(e.GetAccountId()), localContact, number, 0))
	}
	if p := row.GetPreference(); p != nil && len(p.GetAccountId()) == 16 {
		return w.remove(inLocal, localKey([16]byte(p.GetAccountId()), localPreference, number, 0))
	}
	if subject, known := detailsSubject(row.GetDetails()); known {
		return w.remove(inLocal, localKey(subject, localDetails, number, 0))
	}
	for i, e := range row.GetOutcome().GetEntries() {
		if err := w.dropEntry(number, i, e); err != nil {
			return err
		}
	}
	rec := row.GetReceipt()
	if rec == nil {
		return nil
	}
	for i, e := range rec.GetEntries() {
		if err := w.dropEntry(number, i, e); err != nil {
			return err
		}
	}
	if subject, known := subjectOf(rec); known {
		for i := range rec.GetExposures() {
			if err := w.remove(inLocal, localKey(subject, localContact, number, i)); err != nil {
				return err
			}
		}
		if err := w.remove(inLocal, localKey(subject, localReceipt, number, 0)); err != nil {
			return err
		}
	}
	return w.keepSale(number, rec, tag)
}

func (w *writer) dropEntry(number uint64, ordinal int, e *outcomev1.LedgerEntry) error {
	subject, hash, known := entrySubject(e)
	if !known {
		return nil
	}
	if err := w.remove(inLocal, localKey(subject, localEntry, number, ordinal)); err != nil || !hash {
		return err
	}
	latest, err := w.get(inHashes, subject[:])
	if err != nil || len(latest) != 8 || binary.BigEndian.Uint64(latest) > number {
		return err
	}
	return w.remove(inHashes, subject[:])
}

// keepSale keeps, with the receipt key, what a return needs of a sale whose row goes: neither card nor what was shown.
func (w *writer) keepSale(number uint64, row *outcomev1.RecordedReceipt, tag *place) error {
	at, err := w.placeOf(number, tag)
	if err != nil || at == nil {
		return err // a row of somebody whose key was lost
	}
	if err := w.put(inAges, numberKey(number), at.encode()); err != nil {
		return err
	}
	rec, err := w.receipt(at.id, at.fork, nil)
	if err != nil || rec == nil {
		return err
	}
	sale := proto.CloneOf(row)
	sale.Exposures = nil
	if sale.Receipt != nil {
		sale.Receipt.Identifier, sale.Receipt.Tenders, sale.Receipt.ReceiptRef = nil, nil, ""
	}
	if rec.sale, err = proto.Marshal(sale); err != nil {
		return err
	}
	return w.put(inReceipts, at.key(), rec.encode())
}

// KeyDays is for how many days a server keeps the keys of receipts. Whether it had an older one before, head office alone knows.
const KeyDays = 120

// Forget ages what was recorded: of answers from before wholeBefore only their brief is left, and receipts from before keysBefore whose rows
// are gone are forgotten with their keys. Times must be trusted ones: what is forgotten would be booked again. It returns how many
// keys went.
func (j *Journal) Forget(ctx context.Context, wholeBefore, keysBefore time.Time) (forgotten int, err error) {
	for {
		aged, n := 0, 0
		err := j.update(ctx, func(w *writer) (err error) {
			if aged, err = w.shorten(wholeBefore.Unix()); err != nil {
				return err
			}
			n, err = w.forget(keysBefore.Unix())
			return err
		})
		forgotten += n
		if err != nil || aged < pruneStep && n < pruneStep {
			return forgotten, err
		}
	}
}

// An aged is a receipt that was recorded before some time.
type aged struct {
	place
	number uint64
}

// older collects at most pruneStep receipts after a number that were recorded before a time, oldest first: those whose rows are gone from ages, the
// others from their rows.
func (w *writer) older(after uint64, before int64) (found []aged, err error) {
	young := false
	collect := func(number uint64, at *place) bool {
		if young = at.at >= before; young {
			return false
		}
		found = append(found, aged{*at, number})
		return len(found) < pruneStep
	}
	err = w.from(inAges, numberKey(after+1), func(key, plain []byte) (bool, error) {
		at, err := decodePlace(plain)
		if err != nil || len(key) != 8 {
			return false, fmt.Errorf("%w: ages %x", ErrDamaged, key)
		}
		number := binary.BigEndian.Uint64(key)
		return number <= w.marks.pruned && collect(number, at), nil
	})
	for number := max(after, w.marks.pruned) + 1; err == nil && !young && len(found) < pruneStep && number <= w.marks.last; number++ {
		var at *place
		if at, err = w.placeOfRow(number); at != nil {
			collect(number, at)
		}
	}
	return found, err
}

// shorten leaves of old answers only their brief.
func (w *writer) shorten(before int64) (int, error) {
	found, err := w.older(w.marks.aged, before)
	if err != nil {
		return 0, err
	}
	for _, a := range found {
		w.marks.aged = a.number
		rec, err := w.receipt(a.id, a.fork, nil)
		if err != nil {
			return 0, err
		}
		if rec == nil {
			continue
		}
		rec.answer, rec.brief = rec.brief, nil
		if err := w.put(inReceipts, a.key(), rec.encode()); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// forget removes old receipt keys and the ids of their entries.
func (w *writer) forget(before int64) (n int, err error) {
	found, err := w.older(w.marks.forgotten, before)
	for _, a := range found {
		if err != nil || a.number > w.marks.pruned {
			break
		}
		w.marks.forgotten = a.number
		n++
		err = w.forgetReceipt(&a)
	}
	return n, err
}

func (w *writer) forgetReceipt(a *aged) error {
	rec, err := w.receipt(a.id, a.fork, nil)
	if err != nil {
		return err
	}
	if rec != nil {
		st, err := w.standing(rec)
		if err != nil {
			return err
		}
		if err := w.forgetEntries(st.Sale.GetEntries()); err != nil {
			return err
		}
	}
	if err := w.remove(inReceipts, a.key()); err != nil {
		return err
	}
	return w.remove(inAges, numberKey(a.number))
}
