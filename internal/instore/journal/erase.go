package journal

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// Forgetting is what Anonymise must know beyond the lane's words.
type Forgetting struct {
	// Hash is the hash of an identifier under the content key.
	Hash func(namespace, canonical string) [16]byte
	// Answer is what may stay of a stored answer to a till.
	Answer func(stored []byte) []byte
}

// Anonymise takes out of all rows, stored answers and what is kept by subject whatever points to customers who were erased: account,
// identifier, points, contacts, preferences. Receipts stay, as anybody's. Rows that head office has not confirmed go up as they are then. It
// returns how many rows and receipts it changed; until Compact the bytes of the file still hold what was there.
func (j *Journal) Anonymise(ctx context.Context, words []*bundlev1.LaneRecord, with Forgetting) (changed int, err error) {
	if len(words) == 0 {
		return 0, nil
	}
	// Who books from now on sees the words. What was booked before is on disk once this returns.
	if err := j.update(ctx, func(*writer) error { return nil }); err != nil {
		return 0, err
	}
	g := newGone(words, j.Overlay(), with)
	if err := j.View(g.find); err != nil {
		return 0, err
	}
	steps := slices.Concat(g.rows.steps(), g.receipts.steps(), g.subjectSteps())
	for len(steps) > 0 {
		n := min(len(steps), pruneStep)
		err := j.update(ctx, func(w *writer) error {
			for _, step := range steps[:n] {
				if err := step(w, g); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		steps = steps[n:]
	}
	last := words[len(words)-1].GetNumber()
	return len(g.rows) + len(g.receipts), j.changeLane(ctx, func(w *writer, m *laneMarks) error {
		m.anonymous = max(m.anonymous, last)
		return w.removeWords(func(r *bundlev1.LaneRecord) bool { return r.GetErasure() == nil && g.isAbout(r) })
	})
}

// gone is whom to forget, and where they were found.
type gone struct {
	with     Forgetting
	subjects map[[16]byte]bool // accounts, and identifiers as they are published
	cards    map[[16]byte]bool // identifiers under the content key
	numbers  map[uint64]bool
	rows     foundRows
	receipts foundReceipts
}

// An amend is one change in a transaction.
type amend func(w *writer, g *gone) error

type (
	foundRows     []uint64
	foundReceipts [][]byte
)

func newGone(words []*bundlev1.LaneRecord, o *Overlay, with Forgetting) *gone {
	g := &gone{with: with, subjects: map[[16]byte]bool{}, cards: map[[16]byte]bool{}, numbers: map[uint64]bool{}}
	for _, w := range words {
		account := [16]byte(w.GetErasure().GetAccountId())
		g.subjects[account] = true
		for _, merged := range o.Merged(account) {
			g.subjects[merged] = true
		}
		for _, hash := range w.GetErasure().GetIdHashes() {
			g.subjects[[16]byte(hash)] = true
		}
		for _, card := range w.GetErasure().GetIdentifiers() {
			g.cards[[16]byte(card)] = true
		}
	}
	return g
}

func (g *gone) is(id []byte) bool { return len(id) == 16 && g.subjects[[16]byte(id)] }

// isAbout reports whether a word of the lane names somebody who is gone.
func (g *gone) isAbout(r *bundlev1.LaneRecord) bool {
	b := r.GetBlock()
	return g.is(r.GetPreference().GetAccountId()) || g.is(b.GetAccountId()) || len(b.GetIdentifier()) == 16 && g.cards[[16]byte(b.GetIdentifier())] ||
		g.is(r.GetMerge().GetMerged()) || g.is(r.GetMerge().GetSurvivor())
}

// carries reports whether a receipt's identifier is of somebody who is gone.
func (g *gone) carries(r *outcomev1.Receipt) bool {
	i := r.GetIdentifier()
	return i.GetCanonical() != "" && g.cards[g.with.Hash(i.GetNamespace(), i.GetCanonical())]
}

// booked reports whether a booking is of somebody who is gone. Identifiers its entries hang on are from then on gone too.
func (g *gone) booked(r *outcomev1.RecordedReceipt) bool {
	named := g.is(r.GetAccountId()) || g.carries(r.GetReceipt())
	for _, e := range r.GetEntries() {
		named = named || g.is(e.GetAccountId()) || g.is(e.GetIdHash())
	}
	for _, e := range r.GetEntries() {
		if named && len(e.GetIdHash()) == 16 {
			g.subjects[[16]byte(e.GetIdHash())] = true
		}
	}
	return named
}

func (g *gone) inRow(row *outcomev1.OutboxRow) bool {
	switch kind := row.GetRow().(type) {
	case *outcomev1.OutboxRow_Receipt:
		return g.booked(kind.Receipt)
	case *outcomev1.OutboxRow_Conflict:
		return g.carries(kind.Conflict.GetRefused())
	case *outcomev1.OutboxRow_Exposure:
		return g.is(kind.Exposure.GetAccountId())
	case *outcomev1.OutboxRow_Preference:
		return g.is(kind.Preference.GetAccountId())
	case *outcomev1.OutboxRow_Outcome:
		return g.is(kind.Outcome.GetAccountId())
	case *outcomev1.OutboxRow_Details:
		card := kind.Details.GetIdentifier()
		return g.is(kind.Details.GetAccountId()) || g.is(kind.Details.GetIdHash()) ||
			card.GetCanonical() != "" && g.cards[g.with.Hash(card.GetNamespace(), card.GetCanonical())]
	}
	return false
}

// find looks through all rows and all receipts that are kept.
func (g *gone) find(v *View) error {
	m, err := v.marks()
	if err != nil {
		return err
	}
	for number := m.pruned + 1; number <= m.last; number++ {
		row, err := v.row(number)
		if err != nil {
			return err
		}
		if g.inRow(row) {
			g.rows, g.numbers[number] = append(g.rows, number), true
		}
	}
	return v.scan(inReceipts, nil, func(key, plain []byte) (bool, error) {
		rec, err := decodeRecord(plain)
		if err != nil {
			return false, err
		}
		named := g.numbers[rec.number]
		if rec.sale != nil && !named {
			sale := &outcomev1.RecordedReceipt{}
			if err := proto.Unmarshal(rec.sale, sale); err != nil {
				return false, err
			}
			named = g.booked(sale)
		}
		if named {
			g.receipts = append(g.receipts, slices.Clone(key))
		}
		return true, nil
	})
}

// steps anonymise rows.
func (f foundRows) steps() []amend {
	all := make([]amend, len(f))
	for i, number := range f {
		all[i] = func(w *writer, _ *gone) error { return w.anonymiseRow(number) }
	}
	return all
}

func (w *writer) anonymiseRow(number uint64) error {
	if number <= w.marks.pruned {
		return nil // it went meanwhile; what was kept of it stands with the receipt
	}
	row, tag, err := w.tagged(number)
	if err != nil {
		return err
	}
	switch kind := row.GetRow().(type) {
	case *outcomev1.OutboxRow_Receipt:
		if err := w.forgetEntries(kind.Receipt.GetEntries()); err != nil {
			return err
		}
		anonymous(kind.Receipt)
	case *outcomev1.OutboxRow_Conflict:
		kind.Conflict.Refused.Identifier = nil
	case *outcomev1.OutboxRow_Exposure:
		kind.Exposure.AccountId = nil
	case *outcomev1.OutboxRow_Preference:
		kind.Preference.AccountId, kind.Preference.Card = nil, nil
	case *outcomev1.OutboxRow_Details:
		kind.Details.Reset()
	case *outcomev1.OutboxRow_Outcome:
		if err := w.forgetEntries(kind.Outcome.GetEntries()); err != nil {
			return err
		}
		kind.Outcome.AccountId, kind.Outcome.Entries = nil, nil
	}
	return w.putRow(number, row, tag)
}

// forgetEntries takes the entries of a row that becomes anybody's out of the set: they count for nobody.
func (w *writer) forgetEntries(entries []*outcomev1.LedgerEntry) error {
	for _, e := range entries {
		if err := w.remove(inEntries, e.GetEntryId()); err != nil {
			return err
		}
	}
	return nil
}

// anonymous leaves of a booking what is true of anybody.
func anonymous(r *outcomev1.RecordedReceipt) {
	r.AccountId, r.Entries, r.Parked, r.Exposures, r.Provisional = nil, nil, nil, nil, false
	if r.Coupon != nil {
		r.Coupon.AccountId = nil
	}
	if r.Receipt != nil {
		r.Receipt.Identifier, r.Receipt.ReceiptRef = nil, ""
	}
}

// steps anonymise what is kept with a receipt's key.
func (f foundReceipts) steps() []amend {
	all := make([]amend, len(f))
	for i, place := range f {
		all[i] = func(w *writer, g *gone) error { return w.anonymiseReceipt(place, g) }
	}
	return all
}

func (w *writer) anonymiseReceipt(place []byte, g *gone) error {
	plain, err := w.get(inReceipts, place)
	if plain == nil || err != nil {
		return err
	}
	rec, err := decodeRecord(slices.Clone(plain))
	if err != nil {
		return err
	}
	rec.answer, rec.brief = g.with.Answer(rec.answer), g.with.Answer(rec.brief)
	if rec.sale != nil {
		sale := &outcomev1.RecordedReceipt{}
		if err := proto.Unmarshal(rec.sale, sale); err != nil {
			return err
		}
		if err := w.forgetEntries(sale.GetEntries()); err != nil {
			return err
		}
		anonymous(sale)
		if rec.sale, err = proto.Marshal(sale); err != nil {
			return err
		}
	}
	return w.put(inReceipts, place, rec.encode())
}

// subjectSteps take away what is kept by subject.
func (g *gone) subjectSteps() []amend {
	var all []amend
	for subject := range g.subjects {
		all = append(all, func(w *writer, _ *gone) error {
			var keys [][]byte
			err := w.scan(inLocal, subject[:], func(key, _ []byte) (bool, error) {
				keys = append(keys, slices.Clone(key))
				return true, nil
			})
			for _, key := range keys {
				if err != nil {
					break
				}
				err = w.remove(inLocal, key)
			}
			if err != nil {
				return err
			}
			if err := w.emptyWallet(subject); err != nil {
				return err
			}
			return w.remove(inHashes, subject[:])
		})
	}
	return all
}

// RemoveAside removes the journals that were put aside when a back-up took their place: they hold what was erased since.
func (j *Journal) RemoveAside() error { return removeOlder(j.path, "") }
