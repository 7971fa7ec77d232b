package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// RecordRequest is a receipt to be recorded.
type RecordRequest struct {
	// Key is the receipt key's bytes (loyalty.KeyBytes).
	Key []byte
	// Hash is the hash of its content.
	Hash [32]byte
	// Receipt is the receipt as it came, recognised identifier included; it goes up when it conflicts with the one that stands.
	Receipt *outcomev1.Receipt
	// Book decides what is booked. It runs inside the write transaction, sees everything recorded so far, and may run more than once.
	// An error refuses the receipt and records nothing.
	Book func(v *View) (*Booking, error)
	// Reimaged decides whether a receipt with the same key and other content is another till's that was given the same numbers: then it
	// is booked beside the one that stands, with the next fork number. Nil: it never is.
	Reimaged func(standing *Standing) bool
}

// Booking is what a receipt came to.
type Booking struct {
	// Row is what goes up. The journal fills in content hash, fork, and the time when it has none. It must be new in every run of Book.
	Row *outcomev1.RecordedReceipt
	// Own says that the ids of the row's entries follow from the receipt's key: nothing else can bring them, so that remembering the key is enough.
	Own bool
	// Answer is the answer to the till, kept for a re-send.
	Answer []byte
	// Brief is what is kept of the answer later (its points); empty keeps nothing.
	Brief []byte
	// Note is what LocalNotes hands out of this receipt, so that its row need not be read; empty for nothing.
	Note []byte
	// Spends is a key that is spent from now on, as View.Spent tells; nil for none.
	Spends []byte
	// Rights is what the receipt did to coupons and to what its sale held.
	Rights Rights
	// Beside goes up with it in rows of their own, about nobody.
	Beside []*outcomev1.LateOutcome
}

// Recorded is what became of a receipt.
type Recorded struct {
	// Answer is the stored answer: this one's, or that of the first time when Replayed.
	Answer []byte
	// Replayed: this very receipt was recorded before.
	Replayed bool
	// Conflict: another receipt stands under this key. Nothing was booked, and head office will be told. Answer is empty.
	Conflict bool
	// Standing is the receipt that stands, when Replayed or Conflict.
	Standing *Standing

	hashes uint64 // entries that hang on an identifier
}

// How full the file may be, in percent of its largest size, before something is no longer taken.
const (
	fullForReceipts  = 97
	fullForExposures = 90
)

// Record records a receipt once and answers when it is on disk. The same key and content again is Replayed, the same key with other content
// a Conflict; neither is an error. Errors: Book's own; ErrFull; ErrUnavailable and ctx's error, after which the same receipt may simply be
// sent again; ErrDamaged; ErrClosed.
func (j *Journal) Record(ctx context.Context, req RecordRequest) (Recorded, error) {
	if err := j.room(fullForReceipts); err != nil {
		return Recorded{}, err
	}
	var out Recorded
	clock := j.Time()
	at := clock.Best()
	err := j.update(ctx, func(w *writer) (err error) {
		w.clock = clock
		out, err = w.record(&req, at)
		return err
	})
	if err != nil {
		return Recorded{}, err
	}
	if !out.Replayed {
		j.recorded.Store(at.UnixNano())
		j.hashes.Add(out.hashes)
		j.nudge()
	}
	return out, nil
}

func (w *writer) record(req *RecordRequest, at time.Time) (Recorded, error) {
	id := receiptID(req.Key)
	first, same, forks, err := w.known(id, req)
	switch {
	case err != nil:
		return Recorded{}, err
	case same != nil:
		st, err := w.standing(same)
		if err != nil {
			return Recorded{}, err
		}
		return Recorded{Answer: st.Answer, Replayed: true, Standing: st}, nil
	case first != nil:
		st, err := w.standing(first)
		if err != nil {
			return Recorded{}, err
		}
		if req.Reimaged == nil || !req.Reimaged(st) {
			return Recorded{Conflict: true, Standing: st}, w.refuse(id, req, st, at)
		}
	}
	w.fork = forks
	return w.book(id, req, at)
}

// known looks for what is recorded under a key: the first receipt, the one with this very content, and how many there are.
func (w *writer) known(id [16]byte, req *RecordRequest) (first, same *record, forks uint32, err error) {
	for {
		rec, err := w.receipt(id, forks, req.Key)
		if err != nil || rec == nil {
			return first, same, forks, err
		}
		if forks == 0 {
			first = rec
		}
		if rec.hash == req.Hash {
			same = rec
		}
		forks++
	}
}

func (w *writer) book(id [16]byte, req *RecordRequest, now time.Time) (Recorded, error) {
	booking, err := req.Book(w.View)
	if err != nil {
		return Recorded{}, err
	}
	if booking == nil || booking.Row == nil {
		return Recorded{}, errors.New("journal: Book returned neither a booking nor an error")
	}
	row := booking.Row
	row.ContentHash, row.Fork = req.Hash[:], w.fork
	if row.RecordedAt == nil {
		row.RecordedAt = timestamppb.New(w.clock.Wall)
	}
	if w.clock.Suspect {
		row.TrustedAt = timestamppb.New(w.clock.Trusted)
	}
	at := &place{id: id, fork: w.fork, at: now.Unix()}
	number, err := w.appendTagged(&outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Receipt{Receipt: row}}, at)
	if err != nil {
		return Recorded{}, err
	}
	rec := &record{key: req.Key, hash: req.Hash, number: number, at: at.at, answer: booking.Answer, brief: booking.Brief}
	if err := w.put(inReceipts, at.key(), rec.encode()); err != nil {
		return Recorded{}, err
	}
	if booking.Spends != nil {
		if err := w.put(inRefused, refusedKey(receiptID(booking.Spends), [32]byte{}), numberKey(number)); err != nil {
			return Recorded{}, err
		}
	}
	if err := w.settle(req, &booking.Rights); err != nil {
		return Recorded{}, err
	}
	if err := w.beside(booking.Beside); err != nil {
		return Recorded{}, err
	}
	out := Recorded{Answer: booking.Answer}
	for _, e := range row.GetEntries() {
		if len(e.GetIdHash()) > 0 {
			out.hashes++
		}
	}
	return out, w.index(number, row, booking, now)
}

// refuse tells head office of a conflict, once for every content that was refused.
func (w *writer) refuse(id [16]byte, req *RecordRequest, st *Standing, at time.Time) error {
	place := refusedKey(id, req.Hash)
	if told, err := w.get(inRefused, place); told != nil || err != nil {
		return err
	}
	number, err := w.append(&outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Conflict{Conflict: &outcomev1.ReceiptConflict{
		Key: req.Receipt.GetKey(), StandingHash: st.Hash[:], Refused: req.Receipt, RefusedAt: timestamppb.New(at),
	}}})
	if err != nil {
		return err
	}
	return w.put(inRefused, place, numberKey(number))
}

// RecordExposures keeps suggestions whose receipt never came, for caps here and for head office. ErrFull when the journal keeps its last
// room for receipts.
func (j *Journal) RecordExposures(ctx context.Context, exposures []*outcomev1.UnclaimedExposure) error {
	if len(exposures) == 0 {
		return nil
	}
	if err := j.room(fullForExposures); err != nil {
		return err
	}
	err := j.update(ctx, func(w *writer) error {
		for _, e := range exposures {
			if err := w.expose(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		j.nudge()
	}
	return err
}

func (w *writer) expose(e *outcomev1.UnclaimedExposure) error {
	if len(e.GetAccountId()) != 16 {
		return fmt.Errorf("journal: an exposure's account id has %d bytes, not 16", len(e.GetAccountId()))
	}
	number, err := w.append(&outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Exposure{Exposure: e}})
	if err != nil {
		return err
	}
	return w.indexContact([16]byte(e.GetAccountId()), number, 0, e.GetExposure(), e.GetShownAt().AsTime())
}
