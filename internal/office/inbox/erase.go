package inbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// suppression is what a hash in suppressed is of.
type suppression byte

const (
	suppressedIdentifier suppression = 1
	suppressedExternal   suppression = 2
	suppressedAccount    suppression = 3
)

// Namespaces of the suppression list that no identifier has.
const (
	externalNamespace = "\x00external"
	accountNamespace  = "\x00account"
)

// Erase forgets a customer: the account, what led to it and its ledger go, its receipts become anybody's, and hashes of what led to it are kept,
// so that neither an old list nor a late receipt brings it back. Stores are told in the lane. idHash is how identifiers are published now. What
// leads to others as well stays theirs. ErrNotFound when nobody knows the account.
func (b *Inbox) Erase(ctx context.Context, account [16]byte, idHash func(namespace, canonical string) [16]byte, said Said) (record *bundlev1.LaneRecord, err error) {
	if b.cfg.Suppress == nil {
		return nil, ErrNoSuppression
	}
	var e *erasing
	err = b.view(func(t *transaction) error {
		if account, err = t.alive(account); err != nil {
			return err
		}
		if e, err = t.toErase(account); err != nil {
			return err
		}
		return t.findRows(e)
	})
	if err != nil {
		return nil, err
	}
	err = b.update(ctx, func(t *transaction) error {
		record, err = t.erase(account, *e, idHash, said)
		return err
	})
	return record, err
}

// erasing is what is to go.
type erasing struct {
	account [16]byte
	// The account and all that were merged into it.
	accounts map[[16]byte]bool
	// Keys in identifiers that lead to nobody else, and to others too.
	own, shared []string
	externals   []string
	// Rows that point to the customer, and how far each stream was looked through.
	rows    []place
	through map[uint32]uint64
}

func (t *transaction) toErase(id [16]byte) (*erasing, error) {
	known, err := t.account(id)
	if err != nil {
		return nil, err
	}
	if known == nil {
		return nil, fmt.Errorf("account: %w", ErrNotFound)
	}
	e := &erasing{account: id, externals: known.externals, through: map[uint32]uint64{}}
	if e.accounts, err = t.mergedInto(id); err != nil {
		return nil, err
	}
	for _, key := range known.identifiers {
		identifier, err := t.identifier([]byte(key))
		if err != nil {
			return nil, err
		}
		if len(identifier.GetAccountIds()) > 1 {
			e.shared = append(e.shared, key)
		} else {
			e.own = append(e.own, key)
		}
	}
	return e, nil
}

// mergedInto is an account and all that were merged into it, directly or over others.
func (t *transaction) mergedInto(id [16]byte) (map[[16]byte]bool, error) {
	var merges []struct{ from, into [16]byte }
	err := t.each(inTold, nil, nil, func(key, value []byte) (bool, error) {
		o, err := decodeTold(value)
		if err != nil || len(key) != 16 {
			return false, fmt.Errorf("%w: told %x: %w", ErrDamaged, key, errLayout)
		}
		if o.Survivor != ([16]byte{}) {
			merges = append(merges, struct{ from, into [16]byte }{[16]byte(key), o.Survivor})
		}
		return true, nil
	})
	all := map[[16]byte]bool{id: true}
	for grown := true; grown; {
		grown = false
		for _, m := range merges {
			if all[m.into] && !all[m.from] {
				all[m.from], grown = true, true
			}
		}
	}
	return all, err
}

func (e *erasing) is(id []byte) bool { return len(id) == 16 && e.accounts[[16]byte(id)] }

// findRows looks through all rows beyond those looked through before.
func (t *transaction) findRows(e *erasing) error {
	return t.streams(func(s cutStream) error {
		start := place{s.held.number, e.through[s.held.number] + 1}.key()
		e.through[s.held.number] = s.held.through
		return t.each(inRows, start, start[:4], func(key, _ []byte) (bool, error) {
			at, err := decodePlace(key)
			if err != nil {
				return false, err
			}
			message, err := t.row(at)
			if err != nil {
				return false, err
			}
			if e.in(message) {
				e.rows = append(e.rows, at)
			}
			return true, nil
		})
	})
}

func (e *erasing) in(row *outcomev1.OutboxRow) bool {
	switch kind := row.GetRow().(type) {
	case *outcomev1.OutboxRow_Receipt:
		is := func(entry *outcomev1.LedgerEntry) bool { return e.is(entry.GetAccountId()) }
		return e.is(kind.Receipt.GetAccountId()) || e.carries(kind.Receipt.GetReceipt()) ||
			slices.ContainsFunc(kind.Receipt.GetEntries(), is)
	case *outcomev1.OutboxRow_Conflict:
		return e.carries(kind.Conflict.GetRefused())
	case *outcomev1.OutboxRow_Exposure:
		return e.is(kind.Exposure.GetAccountId())
	case *outcomev1.OutboxRow_Preference:
		return e.is(kind.Preference.GetAccountId())
	case *outcomev1.OutboxRow_Outcome:
		return e.is(kind.Outcome.GetAccountId())
	case *outcomev1.OutboxRow_Details:
		card := kind.Details.GetIdentifier()
		return e.is(kind.Details.GetAccountId()) || card != nil && slices.Contains(e.own, string(identifierKey(card.GetNamespace(), card.GetCanonical())))
	}
	return false
}

func (e *erasing) carries(r *outcomev1.Receipt) bool {
	i := r.GetIdentifier()
	return i != nil && slices.Contains(e.own, string(identifierKey(i.GetNamespace(), i.GetCanonical())))
}

// erase does it, in one transaction.
func (t *transaction) erase(account [16]byte, e erasing, idHash func(namespace, canonical string) [16]byte, said Said) (*bundlev1.LaneRecord, error) {
	now, err := t.toErase(account) // a delivery may have come in between
	if err != nil {
		return nil, err
	}
	e.own, e.shared, e.externals, e.rows = now.own, now.shared, now.externals, slices.Clone(e.rows)
	through := map[uint32]uint64{}
	for stream, sequence := range e.through {
		through[stream] = sequence
	}
	if e.through = through; len(now.own) > 0 || len(e.rows) > 0 {
		if err := t.findRows(&e); err != nil {
			return nil, err
		}
	}
	word := &bundlev1.LaneErasure{AccountId: account[:]}
	for _, key := range e.own {
		namespace, canonical, err := splitIdentifierKey([]byte(key))
		if err != nil {
			return nil, err
		}
		hash, published := t.box.cfg.Suppress(namespace, canonical), idHash(namespace, canonical)
		word.Identifiers, word.IdHashes = append(word.Identifiers, hash[:]), append(word.IdHashes, published[:])
	}
	record, err := t.speak(&bundlev1.LaneRecord{Word: &bundlev1.LaneRecord_Erasure{Erasure: word}}, "a customer is erased", said)
	if err != nil {
		return nil, err
	}
	for _, step := range []func(*erasing, uint64) error{t.eraseRegister, t.eraseLedger, t.eraseRows} {
		if err := step(&e, record.GetNumber()); err != nil {
			return nil, err
		}
	}
	return record, nil
}

func (t *transaction) suppress(kind suppression, namespace, value string, number uint64) error {
	hash := t.box.cfg.Suppress(namespace, value)
	return t.put(inSuppressed, hash[:], binary.BigEndian.AppendUint64([]byte{byte(kind)}, number))
}

// eraseRegister removes the account and what led to it alone, and keeps hashes of that.
func (t *transaction) eraseRegister(e *erasing, number uint64) error {
	for _, key := range e.own {
		namespace, canonical, err := splitIdentifierKey([]byte(key))
		if err != nil {
			return err
		}
		if err := t.suppress(suppressedIdentifier, namespace, canonical, number); err != nil {
			return err
		}
		if err := t.remove(inIdentifiers, []byte(key)); err != nil {
			return err
		}
	}
	reg := &Registrar{t: t}
	for _, key := range e.shared {
		known, err := t.identifier([]byte(key))
		if err != nil {
			return err
		}
		known.AccountIds = slices.DeleteFunc(known.AccountIds, func(id []byte) bool { return bytes.Equal(id, e.account[:]) })
		reg.keepIdentifier(key, known)
	}
	if err := reg.flush(); err != nil {
		return err
	}
	for _, external := range e.externals {
		if err := t.suppress(suppressedExternal, externalNamespace, external, number); err != nil {
			return err
		}
		for _, bucket := range []string{inExternals, inAliases} {
			if err := t.remove(bucket, []byte(external)); err != nil {
				return err
			}
		}
	}
	for id := range e.accounts {
		if err := t.suppress(suppressedAccount, accountNamespace, string(id[:]), number); err != nil {
			return err
		}
		for _, bucket := range []string{inTold, inLanguages, inAsked} {
			if err := t.remove(bucket, id[:]); err != nil {
				return err
			}
		}
	}
	return t.remove(inAccounts, e.account[:])
}

// eraseLedger removes the account's entries; that they were counted once stays known.
func (t *transaction) eraseLedger(e *erasing, _ uint64) error {
	postings, err := t.postings(e.account)
	if err != nil {
		return err
	}
	for _, p := range postings {
		if err := t.remove(inLedger, p.key); err != nil {
			return err
		}
		if err := t.put(inEntries, p.entry.GetEntryId(), make([]byte, 24)); err != nil {
			return err
		}
	}
	return t.removeBalance(e.account)
}

// eraseRows makes the customer's rows anybody's. The chain after each stays as it was delivered.
func (t *transaction) eraseRows(e *erasing, _ uint64) error {
	for _, at := range e.rows {
		v, err := t.get(inRows, at.key())
		if err != nil {
			return err
		}
		message, err := t.row(at)
		if err != nil {
			return err
		}
		raw, err := anonymous(message)
		if err != nil {
			return err
		}
		if err := t.put(inRows, at.key(), append(bytes.Clone(v[:sha256.Size]), raw...)); err != nil {
			return err
		}
	}
	return nil
}

// anonymous leaves of a row what is true of anybody.
func anonymous(message *outcomev1.OutboxRow) ([]byte, error) {
	switch kind := message.GetRow().(type) {
	case *outcomev1.OutboxRow_Receipt:
		r := kind.Receipt
		r.AccountId, r.Entries, r.Parked, r.Exposures, r.Provisional = nil, nil, nil, nil, false
		if r.Coupon != nil {
			r.Coupon.AccountId = nil
		}
		if r.Receipt != nil {
			r.Receipt.Identifier, r.Receipt.ReceiptRef = nil, ""
		}
	case *outcomev1.OutboxRow_Conflict:
		if kind.Conflict.GetRefused() != nil {
			kind.Conflict.Refused.Identifier = nil
		}
	case *outcomev1.OutboxRow_Exposure:
		kind.Exposure.AccountId = nil
	case *outcomev1.OutboxRow_Preference:
		kind.Preference.AccountId, kind.Preference.Card = nil, nil
	case *outcomev1.OutboxRow_Details:
		kind.Details.Reset()
	case *outcomev1.OutboxRow_Outcome:
		kind.Outcome.AccountId, kind.Outcome.Entries = nil, nil
	}
	return proto.Marshal(message)
}

// gone reports whether something is on the suppression list.
func (t *transaction) gone(namespace, value string) (bool, error) {
	if t.box.cfg.Suppress == nil || value == "" {
		return false, nil
	}
	hash := t.box.cfg.Suppress(namespace, value)
	v, err := t.get(inSuppressed, hash[:])
	return v != nil, err
}

// ofErased reports whether a row that is delivered points to somebody who was erased.
func (t *transaction) ofErased(row *outcomev1.OutboxRow) (bool, error) {
	var ids [][]byte
	var receipt *outcomev1.Receipt
	switch kind := row.GetRow().(type) {
	case *outcomev1.OutboxRow_Receipt:
		ids, receipt = append(ids, kind.Receipt.GetAccountId()), kind.Receipt.GetReceipt()
		for _, e := range kind.Receipt.GetEntries() {
			ids = append(ids, e.GetAccountId())
		}
	case *outcomev1.OutboxRow_Conflict:
		receipt = kind.Conflict.GetRefused()
	case *outcomev1.OutboxRow_Exposure:
		ids = append(ids, kind.Exposure.GetAccountId())
	case *outcomev1.OutboxRow_Preference:
		ids = append(ids, kind.Preference.GetAccountId())
	case *outcomev1.OutboxRow_Outcome:
		ids = append(ids, kind.Outcome.GetAccountId())
	case *outcomev1.OutboxRow_Details:
		ids, receipt = append(ids, kind.Details.GetAccountId()), &outcomev1.Receipt{Identifier: kind.Details.GetIdentifier()}
	}
	for _, id := range ids {
		if gone, err := t.gone(accountNamespace, string(id)); gone || err != nil {
			return gone, err
		}
	}
	return t.gone(receipt.GetIdentifier().GetNamespace(), receipt.GetIdentifier().GetCanonical())
}

// Gone reports whether the owner of an identifier was erased: nobody makes it lead anywhere again.
func (r *Registrar) Gone(namespace, canonical string) (bool, error) {
	return r.t.gone(namespace, canonical)
}

// GoneExternal reports the same of an external id.
func (r *Registrar) GoneExternal(id string) (bool, error) { return r.t.gone(externalNamespace, id) }

// erasureReceipt keeps that a server holds nothing more of somebody who was erased.
func (t *transaction) erasureReceipt(server string, r *outcomev1.ErasureReceipt) error {
	return t.put(inErasures, laneKey(r.GetLaneNumber(), server), binary.BigEndian.AppendUint64(nil, uint64(r.GetDoneAt().AsTime().Unix())))
}

// Erasure is one customer who was erased, and which servers said that they hold nothing more.
type Erasure struct {
	// Number is the lane record's, At when it was made.
	Number uint64
	At     time.Time
	// Done is when each server was through, by server.
	Done map[string]time.Time
}

// Erasures returns all erasures, oldest first.
func (b *Inbox) Erasures() (all []Erasure, err error) {
	records, err := b.Lane(1)
	if err != nil {
		return nil, err
	}
	err = b.view(func(t *transaction) error {
		all = nil
		for _, r := range records {
			if r.GetErasure() == nil {
				continue
			}
			e := Erasure{Number: r.GetNumber(), At: r.GetIssuedAt().AsTime(), Done: map[string]time.Time{}}
			prefix := laneKey(r.GetNumber(), "")
			err := t.each(inErasures, prefix, prefix, func(key, value []byte) (bool, error) {
				if len(value) != 8 {
					return false, fmt.Errorf("%w: erasures %x", ErrDamaged, key)
				}
				e.Done[string(key[8:])] = time.Unix(int64(binary.BigEndian.Uint64(value)), 0).UTC()
				return true, nil
			})
			if err != nil {
				return err
			}
			all = append(all, e)
		}
		return nil
	})
	return all, err
}
