package inbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// Merge makes one account of two, for good: what leads to the first leads to the second from now on, and its ledger is the second's. Accounts that
// were merged before stand for the ones they became. ErrOneAccount when both are the same by now, ErrNotFound when one is not known.
func (b *Inbox) Merge(ctx context.Context, from, into [16]byte, said Said) (record *bundlev1.LaneRecord, err error) {
	err = b.update(ctx, func(t *transaction) error {
		from, err := t.alive(from)
		if err != nil {
			return err
		}
		into, err := t.alive(into)
		if err != nil {
			return err
		}
		if from == into {
			return ErrOneAccount
		}
		if err := t.mergeRegister(from, into); err != nil {
			return err
		}
		if err := t.mergeLedger(from, into); err != nil {
			return err
		}
		if err := t.mergeTold(from, into); err != nil {
			return err
		}
		if err := t.mergeAsked(from, into); err != nil {
			return err
		}
		record, err = t.speak(&bundlev1.LaneRecord{Word: &bundlev1.LaneRecord_Merge{Merge: &bundlev1.LaneMerge{Merged: from[:], Survivor: into[:]}}},
			"two accounts became one", said)
		return err
	})
	return record, err
}

// mergeRegister has all that led to one account lead to another.
func (t *transaction) mergeRegister(from, into [16]byte) error {
	reg := &Registrar{t: t}
	old, err := reg.account(from)
	if err != nil {
		return err
	}
	for _, key := range old.identifiers {
		known, err := t.identifier([]byte(key))
		if err != nil || known == nil {
			return fmt.Errorf("%w: an identifier of %x is missing: %w", ErrDamaged, from, err)
		}
		known.AccountIds = slices.DeleteFunc(known.AccountIds, func(id []byte) bool { return bytes.Equal(id, from[:]) })
		if !leads(known, into) {
			known.AccountIds = append(known.AccountIds, into[:])
			if err := reg.change(into, func(a *account) { a.identifiers = append(a.identifiers, key) }); err != nil {
				return err
			}
		}
		if len(known.GetAccountIds()) == 1 && known.GetState() == customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE {
			known.State = customerv1.IdentifierState_IDENTIFIER_STATE_MERGED
		}
		reg.keepIdentifier(key, known)
	}
	for _, external := range old.externals {
		if err := t.put(inExternals, []byte(external), into[:]); err != nil {
			return err
		}
		if err := t.put(inAliases, []byte(external), into[:]); err != nil {
			return err
		}
		if err := reg.change(into, func(a *account) { a.externals = append(a.externals, external) }); err != nil {
			return err
		}
	}
	if err := reg.flush(); err != nil {
		return err
	}
	return t.remove(inAccounts, from[:])
}

// mergeLedger moves an account's entries to another.
func (t *transaction) mergeLedger(from, into [16]byte) error {
	postings, err := t.postings(from)
	if err != nil {
		return err
	}
	for _, p := range postings {
		if err := t.remove(inLedger, p.key); err != nil {
			return err
		}
		if err := t.put(inLedger, append(append([]byte(nil), into[:]...), p.key[16:]...), p.value); err != nil {
			return err
		}
		if err := t.put(inEntries, p.entry.GetEntryId(), append(append([]byte(nil), into[:]...), p.key[16:]...)); err != nil {
			return err
		}
		if err := t.addToBalance(into, p.entry); err != nil {
			return err
		}
	}
	return t.removeBalance(from)
}

// removeBalance takes an account's balance out of all balances.
func (t *transaction) removeBalance(account [16]byte) error {
	v, err := t.get(inBalances, account[:])
	if v == nil || err != nil {
		return err
	}
	had, err := decodeBalance(v)
	if err != nil {
		return fmt.Errorf("%w: balance of %x: %w", ErrDamaged, account, err)
	}
	all, err := t.total()
	if err != nil {
		return err
	}
	all.balances--
	all.entries -= had.entries
	all.points -= had.points
	return t.remove(inBalances, account[:])
}

// kept is one entry of an account's ledger as it is stored.
type kept struct {
	key, value []byte
	entry      *outcomev1.LedgerEntry
}

// postings are all entries of an account.
func (t *transaction) postings(account [16]byte) ([]kept, error) {
	var all []kept
	err := t.each(inLedger, account[:], account[:], func(key, value []byte) (bool, error) {
		k := kept{key: bytes.Clone(key), value: bytes.Clone(value), entry: &outcomev1.LedgerEntry{}}
		if len(key) != 24 || len(value) < placeLength {
			return false, fmt.Errorf("%w: ledger %x: %w", ErrDamaged, key, errLayout)
		}
		if err := proto.Unmarshal(k.value[placeLength:], k.entry); err != nil {
			return false, fmt.Errorf("%w: ledger %x: %w", ErrDamaged, key, err)
		}
		all = append(all, k)
		return true, nil
	})
	return all, err
}

// mergeTold has what was told of one account hold for another, and says where the first went.
func (t *transaction) mergeTold(from, into [16]byte) error {
	old, err := t.told(from)
	if err != nil {
		return err
	}
	now, err := t.told(into)
	if err != nil {
		return err
	}
	now.join(old)
	if err := t.put(inTold, into[:], now.encode()); err != nil {
		return err
	}
	return t.put(inTold, from[:], (&Told{Survivor: into}).encode())
}

// Alias reports whether an external id is of an account that was merged into another: what a list says of it is not said of the other.
func (r *Registrar) Alias(external string) (bool, error) {
	v, err := r.t.get(inAliases, []byte(external))
	return v != nil, err
}

func (t *transaction) remove(bucket string, key []byte) error {
	b, err := t.bucket(bucket)
	if err != nil {
		return err
	}
	return b.Delete(key)
}

func laneKey(number uint64, server string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, number), server...)
}
