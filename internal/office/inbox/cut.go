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
	tx, err := b.db.Begin(false)
	if err != nil {
		return nil, fmt.Errorf("inbox %s: %w", b.path, err)
	}
	c := &Cut{t: transaction{tx: tx, box: b}}
	for s, err := range c.t.streams() {
		if err != nil {
			return nil, errors.Join(err, tx.Rollback())
		}
		c.streams = append(c.streams, s)
	}
	slices.SortFunc(c.streams, func(a, b cutStream) int {
		return cmp.Or(cmp.Compare(a.server, b.server), bytes.Compare(a.incarnation[:], b.incarnation[:]))
	})
	return c, nil
}

// Close lets the frozen pages go. Closing twice is harmless.
func (c *Cut) Close() error {
	if err := c.t.tx.Rollback(); !errors.Is(err, berrors.ErrTxClosed) {
		return err
	}
	return nil
}

// each visits, in order, all of a bucket, checksums taken off.
func (t *transaction) each(bucket string, prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		b := t.tx.Bucket([]byte(bucket))
		if b == nil {
			return
		}
		c := b.Cursor()
		for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if !yield(k, v) {
				return
			}
		}
	}
}

func (t *transaction) streams() iter.Seq2[cutStream, error] {
	return func(yield func(cutStream, error) bool) {
		for key, stored := range t.each(inStreams, nil) {
			s, err := readStream(key, stored)
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

func readStream(key, stored []byte) (s cutStream, err error) {
	v, err := checked(inStreams, key, stored)
	if err != nil {
		return s, err
	}
	if s.server, s.incarnation, err = splitStreamKey(key); err != nil {
		return s, err
	}
	if s.held, err = decodeStream(v); err != nil {
		return s, fmt.Errorf("%w: streams %x: %w", ErrDamaged, key, err)
	}
	return s, nil
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
	// Entries is how many those are.
	Entries uint64
	// FirstDay and LastDay are the first and last day they count for, in days since 1970-01-01; both 0 without entries.
	FirstDay, LastDay int32
}

// Accounts visits every account, in the order of their ids. After an error the visit ends; ErrDamaged comes at its end when balances are
// missing.
func (c *Cut) Accounts() iter.Seq2[CutAccount, error] {
	return func(yield func(CutAccount, error) bool) {
		var seen totals
		balances := c.t.tx.Bucket([]byte(inBalances)).Cursor()
		bk, bv := balances.First()
		for key, stored := range c.t.each(inAccounts, nil) {
			var sum []byte
			if bytes.Equal(bk, key) {
				sum = bv
				bk, bv = balances.Next()
			}
			a, err := c.account(key, stored, sum)
			if !yield(a, err) || err != nil {
				return
			}
			seen.add(a)
		}
		if all, err := c.t.total(); err != nil || *all != seen {
			yield(CutAccount{}, errors.Join(fmt.Errorf("%w: not all balances that were booked are there", ErrDamaged), err))
		}
	}
}

func (a *totals) add(one CutAccount) {
	if one.Entries > 0 {
		a.balances++
		a.entries += one.Entries
		a.points += one.Points
	}
}

// account reads one account, with the stored value of its balance or nil.
func (c *Cut) account(key, stored, storedSum []byte) (a CutAccount, err error) {
	if len(key) != 16 {
		return a, fmt.Errorf("%w: accounts %x", ErrDamaged, key)
	}
	a.ID = [16]byte(key)
	v, err := checked(inAccounts, key, stored)
	if err != nil {
		return a, err
	}
	record, err := decodeAccount(v)
	if err != nil {
		return a, fmt.Errorf("%w: account %x: %w", ErrDamaged, key, err)
	}
	a.Externals = record.externals
	if a.Identifiers, err = c.t.identifiersOf(record); err != nil {
		return a, err
	}
	if storedSum == nil {
		return a, nil
	}
	if v, err = checked(inBalances, key, storedSum); err != nil {
		return a, err
	}
	sum, err := decodeBalance(v)
	if err != nil {
		return a, fmt.Errorf("%w: balance of %x: %w", ErrDamaged, key, err)
	}
	a.Points, a.Entries, a.FirstDay, a.LastDay = sum.points, sum.entries, sum.first, sum.last
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
	return func(yield func(CutIdentifier, error) bool) {
		for key, stored := range c.t.each(inIdentifiers, nil) {
			one, err := readIdentifier(key, stored)
			if !yield(one, err) || err != nil {
				return
			}
		}
	}
}

func readIdentifier(key, stored []byte) (one CutIdentifier, err error) {
	v, err := checked(inIdentifiers, key, stored)
	if err != nil {
		return one, err
	}
	if one.Namespace, one.Canonical, err = splitIdentifierKey(key); err != nil {
		return one, err
	}
	one.Record = &customerv1.Identifier{}
	if err := proto.Unmarshal(v, one.Record); err != nil {
		return one, fmt.Errorf("%w: an identifier of namespace %s: %w", ErrDamaged, one.Namespace, err)
	}
	return one, nil
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
	return func(yield func(DeliveredReceipt, error) bool) {
		for _, s := range c.streams {
			rows := c.t.tx.Bucket([]byte(inRows)).Cursor()
			start := place{s.held.number, after(s.server, s.incarnation) + 1}
			for key, stored := rows.Seek(start.key()); key != nil; key, stored = rows.Next() {
				at, err := decodePlace(key)
				if err == nil && at.stream != s.held.number {
					break
				}
				r, stands, err := c.receipt(s, at, stored)
				if err == nil && !stands {
					continue
				}
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

func (c *Cut) receipt(s cutStream, at place, stored []byte) (r DeliveredReceipt, stands bool, err error) {
	message, err := readRow(at, stored)
	if err != nil || message.GetReceipt() == nil {
		return r, false, err
	}
	r = DeliveredReceipt{ServerID: s.server, Incarnation: s.incarnation, Sequence: at.sequence, Receipt: message.GetReceipt()}
	if stands, err = c.t.standing(at, r.Receipt); err != nil || !stands {
		return r, false, err
	}
	if len(r.Receipt.GetAccountId()) == 16 {
		r.Account = [16]byte(r.Receipt.GetAccountId())
		return r, true, nil
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

// readRow reads a stored row.
func readRow(at place, stored []byte) (*outcomev1.OutboxRow, error) {
	v, err := checked(inRows, at.key(), stored)
	if err != nil {
		return nil, err
	}
	message := &outcomev1.OutboxRow{}
	if len(v) < sha256.Size || proto.Unmarshal(v[sha256.Size:], message) != nil {
		return nil, fmt.Errorf("%w: row %d of stream %d", ErrDamaged, at.sequence, at.stream)
	}
	return message, nil
}

// row reads one row by its place.
func (t *transaction) row(at place) (*outcomev1.OutboxRow, error) {
	b := t.tx.Bucket([]byte(inRows))
	var stored []byte
	if b != nil {
		stored = b.Get(at.key())
	}
	return readRow(at, stored)
}
