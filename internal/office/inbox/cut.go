package inbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	berrors "go.etcd.io/bbolt/errors"
	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// Cut is the inbox as it was at one moment, for a release: what is delivered meanwhile is not in it. It belongs to one goroutine at a time;
// who made it closes it. While one is open the file keeps the pages it shows.
type Cut struct {
	t       transaction
	done    func() error // lets the pages go, once
	streams []cutStream
}

// A cutStream is one incarnation as a cut has it.
type cutStream struct {
	server      string
	incarnation [16]byte
	held        stream
}

// Cut freezes the inbox.
func (b *Inbox) Cut(ctx context.Context) (*Cut, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	tx, done, err := b.begin()
	if err != nil {
		return nil, err
	}
	c := &Cut{t: transaction{tx: tx, box: b}, done: sync.OnceValue(done)}
	err = c.t.streams(func(s cutStream) error {
		c.streams = append(c.streams, s)
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	slices.SortFunc(c.streams, func(a, b cutStream) int {
		return cmp.Or(cmp.Compare(a.server, b.server), bytes.Compare(a.incarnation[:], b.incarnation[:]))
	})
	return c, nil
}

// Close lets the frozen pages go. Closing twice is harmless.
func (c *Cut) Close() error {
	if err := c.done(); !errors.Is(err, berrors.ErrTxClosed) {
		return err
	}
	return nil
}

// streams visits every incarnation.
func (t *transaction) streams(visit func(cutStream) error) error {
	return t.each(inStreams, nil, nil, func(key, value []byte) (bool, error) {
		var s cutStream
		var err error
		if s.server, s.incarnation, err = splitStreamKey(key); err != nil {
			return false, err
		}
		if s.held, err = decodeStream(value); err != nil {
			return false, fmt.Errorf("%w: streams %x: %w", ErrDamaged, key, err)
		}
		return true, visit(s)
	})
}

// CutOffs is up to where every journal is counted in this cut. Receipts and ledger go equally far; who scored from an earlier cut puts that
// one's into receipts_through.
func (c *Cut) CutOffs() []*bundlev1.CutOff {
	offs := make([]*bundlev1.CutOff, 0, len(c.streams))
	for _, s := range c.streams {
		offs = append(offs, &bundlev1.CutOff{
			ServerId: s.server, Incarnation: bytes.Clone(s.incarnation[:]),
			LedgerThrough: s.held.through, ReceiptsThrough: s.held.through,
		})
	}
	return offs
}

// CutAccount is an account as a cut has it.
type CutAccount struct {
	// ID is the account.
	ID [16]byte
	// Externals are its external ids, in the order in which they came.
	Externals []string
	// Identifiers are its identifiers, in the order in which they came.
	Identifiers []Identifier
	// Points is the sum of its delivered entries that count.
	Points int64
	// Redeemed is what of that was spent, less what of it came back with goods; below zero.
	Redeemed int64
	// Entries is how many those are.
	Entries uint64
	// Language is the one the customer asked for at a till; empty for none.
	Language string
	// Asked is when the customer was last asked something; nil for never.
	Asked *customerv1.Asked
	// FirstDay and LastDay are the first and last day they count for, in days since 1970-01-01; both 0 without entries.
	FirstDay, LastDay int32
}

// visits makes an iterator of a walk. What ends the walk early without the consumer's wish is its last element.
func visits[T any](walk func(visit func(T) (bool, error)) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		stopped := false
		err := walk(func(one T) (bool, error) {
			stopped = !yield(one, nil)
			return !stopped, nil
		})
		if err != nil && !stopped {
			var none T
			yield(none, err)
		}
	}
}

// Accounts visits every account, in the order of their ids. After an error the visit ends; ErrDamaged comes at its end when balances are
// missing.
func (c *Cut) Accounts() iter.Seq2[CutAccount, error] { return visits(c.accounts) }

func (c *Cut) accounts(visit func(CutAccount) (bool, error)) error {
	balances, err := c.t.cursor(inBalances)
	if err != nil {
		return err
	}
	id, sum, err := balances.seek(nil)
	if err != nil {
		return err
	}
	var seen totals
	stopped := false
	err = c.t.each(inAccounts, nil, nil, func(key, value []byte) (bool, error) {
		var own []byte
		if bytes.Equal(id, key) {
			own = sum
			if id, sum, err = balances.next(); err != nil {
				return false, err
			}
		}
		a, err := c.account(key, value, own)
		if err != nil {
			return false, err
		}
		seen.add(a)
		more, err := visit(a)
		stopped = !more
		return more, err
	})
	if err != nil || stopped {
		return err
	}
	all, err := c.t.total()
	if err == nil && *all != seen {
		err = fmt.Errorf("%w: not all balances that were booked are there", ErrDamaged)
	}
	return err
}

func (a *totals) add(one CutAccount) {
	if one.Entries > 0 {
		a.balances++
		a.entries += one.Entries
		a.points += one.Points
	}
}

// account reads one account, with the value of its balance or nil.
func (c *Cut) account(key, value, own []byte) (a CutAccount, err error) {
	if len(key) != 16 {
		return a, fmt.Errorf("%w: accounts %x", ErrDamaged, key)
	}
	a.ID = [16]byte(key)
	record, err := decodeAccount(value)
	if err != nil {
		return a, fmt.Errorf("%w: account %x: %w", ErrDamaged, key, err)
	}
	a.Externals = record.externals
	if a.Language, _, err = c.t.spoken(a.ID); err != nil {
		return a, err
	}
	if a.Asked, err = c.t.asked(a.ID); err != nil {
		return a, err
	}
	if a.Identifiers, err = c.t.identifiersOf(record); err != nil || own == nil {
		return a, err
	}
	sum, err := decodeBalance(own)
	if err != nil {
		return a, fmt.Errorf("%w: balance of %x: %w", ErrDamaged, key, err)
	}
	a.Points, a.Redeemed, a.Entries, a.FirstDay, a.LastDay = sum.points, sum.redeemed, sum.entries, sum.first, sum.last
	return a, nil
}

func (t *transaction) identifiersOf(a *account) ([]Identifier, error) {
	var found []Identifier
	for _, key := range a.identifiers {
		namespace, canonical, err := splitIdentifierKey([]byte(key))
		if err != nil {
			return nil, err
		}
		known, err := t.identifier([]byte(key))
		if err != nil {
			return nil, err
		}
		if known == nil {
			return nil, fmt.Errorf("%w: an identifier of namespace %s is missing", ErrDamaged, namespace)
		}
		found = append(found, Identifier{Namespace: namespace, Canonical: canonical, Masked: known.GetMasked(), State: known.GetState()})
	}
	return found, nil
}

// CutIdentifier is an identifier as a cut has it.
type CutIdentifier struct {
	// Namespace and Canonical are the identifier.
	Namespace, Canonical string
	// Record is what is published of it: state, accounts, mask.
	Record *customerv1.Identifier
}

// Identifiers visits every identifier once, by namespace. After an error the visit ends.
func (c *Cut) Identifiers() iter.Seq2[CutIdentifier, error] {
	return visits(func(visit func(CutIdentifier) (bool, error)) error {
		return c.t.each(inIdentifiers, nil, nil, func(key, value []byte) (bool, error) {
			one, err := readIdentifier(key, value)
			if err != nil {
				return false, err
			}
			return visit(one)
		})
	})
}

func readIdentifier(key, value []byte) (one CutIdentifier, err error) {
	if one.Namespace, one.Canonical, err = splitIdentifierKey(key); err != nil {
		return one, err
	}
	one.Record = &customerv1.Identifier{}
	if err := proto.Unmarshal(value, one.Record); err != nil {
		return one, fmt.Errorf("%w: an identifier of namespace %s: %w", ErrDamaged, one.Namespace, err)
	}
	return one, nil
}

// CutEntry is a counted entry as a cut has it.
type CutEntry struct {
	// Account is on whom it is counted; zero while it waits for a card to be registered.
	Account [16]byte
	// Namespace and Canonical are the identifier it waits for; empty for an entry that is counted, or waits for nothing that is known.
	Namespace, Canonical string
	// Entry is what was booked.
	Entry *outcomev1.LedgerEntry
}

// Ledger visits every counted entry, by account and in the order in which they came, and then those that wait. After an error the visit ends.
func (c *Cut) Ledger() iter.Seq2[CutEntry, error] {
	return visits(func(visit func(CutEntry) (bool, error)) error {
		more := true
		err := c.t.each(inLedger, nil, nil, func(key, value []byte) (bool, error) {
			e, err := postedEntry(value)
			if err != nil || len(key) != 24 {
				return false, fmt.Errorf("%w: ledger %x: %w", ErrDamaged, key, errors.Join(err, errLayout))
			}
			more, err = visit(CutEntry{Account: [16]byte(key), Entry: e})
			return more, err
		})
		if err != nil || !more {
			return err
		}
		waits, err := c.t.waiting()
		if err != nil {
			return err
		}
		return c.t.each(inOrphans, nil, nil, func(key, value []byte) (bool, error) {
			e, err := postedEntry(value)
			if err != nil {
				return false, err
			}
			one := CutEntry{Entry: e}
			if identifier, ok := waits[string(key)]; ok {
				if one.Namespace, one.Canonical, err = splitIdentifierKey([]byte(identifier)); err != nil {
					return false, err
				}
			}
			return visit(one)
		})
	})
}

// waiting is which identifier each orphan waits for.
func (t *transaction) waiting() (map[string]string, error) {
	all := map[string]string{}
	err := t.each(inWaiting, nil, nil, func(key, _ []byte) (bool, error) {
		if len(key) <= 8 {
			return false, fmt.Errorf("%w: waiting %x: %w", ErrDamaged, key, errLayout)
		}
		all[string(key[len(key)-8:])] = string(key[:len(key)-8])
		return true, nil
	})
	return all, err
}

// DeliveredReceipt is a receipt as a server delivered it.
type DeliveredReceipt struct {
	// ServerID and Incarnation are whose journal it was in, Sequence where.
	ServerID    string
	Incarnation [16]byte
	Sequence    uint64
	// Account is whose it is, by the register as of the cut; zero for nobody.
	Account [16]byte
	// Receipt is the receipt.
	Receipt *outcomev1.RecordedReceipt
}

// Receipts visits the receipts that stand, by server, incarnation and sequence, beyond what after answers (0: from the beginning). A receipt
// that another server delivered first is not among them. After an error the visit ends.
func (c *Cut) Receipts(after func(serverID string, incarnation [16]byte) uint64) iter.Seq2[DeliveredReceipt, error] {
	return visits(func(visit func(DeliveredReceipt) (bool, error)) error {
		stopped := false
		for _, s := range c.streams {
			start := place{s.held.number, after(s.server, s.incarnation) + 1}
			err := c.t.each(inRows, start.key(), start.key()[:4], func(key, value []byte) (bool, error) {
				r, stands, err := c.receipt(s, key, value)
				if err != nil || !stands {
					return err == nil, err
				}
				more, err := visit(r)
				stopped = !more
				return more, err
			})
			if err != nil || stopped {
				return err
			}
		}
		return nil
	})
}

func (c *Cut) receipt(s cutStream, key, value []byte) (r DeliveredReceipt, stands bool, err error) {
	at, err := decodePlace(key)
	if err != nil {
		return r, false, fmt.Errorf("%w: rows %x", ErrDamaged, key)
	}
	message, err := readRow(at, value)
	if err != nil || message.GetReceipt() == nil {
		return r, false, err
	}
	r = DeliveredReceipt{ServerID: s.server, Incarnation: s.incarnation, Sequence: at.sequence, Receipt: message.GetReceipt()}
	if stands, err = c.t.standing(at, r.Receipt); err != nil || !stands {
		return r, false, err
	}
	if len(r.Receipt.GetAccountId()) == 16 {
		r.Account, err = c.t.survivor([16]byte(r.Receipt.GetAccountId()))
		return r, err == nil, err
	}
	if given := r.Receipt.GetReceipt().GetIdentifier(); given.GetCanonical() != "" {
		known, err := c.t.identifier(identifierKey(given.GetNamespace(), given.GetCanonical()))
		if err != nil {
			return r, false, err
		}
		r.Account, _ = leadsTo(known)
	}
	return r, true, nil
}

// readRow reads the value of a row.
func readRow(at place, value []byte) (*outcomev1.OutboxRow, error) {
	message := &outcomev1.OutboxRow{}
	if len(value) < sha256.Size || proto.Unmarshal(value[sha256.Size:], message) != nil {
		return nil, fmt.Errorf("%w: row %d of stream %d", ErrDamaged, at.sequence, at.stream)
	}
	return message, nil
}

// row reads one row by its place, where it must be.
func (t *transaction) row(at place) (*outcomev1.OutboxRow, error) {
	value, err := t.get(inRows, at.key())
	if err != nil {
		return nil, err
	}
	return readRow(at, value)
}
