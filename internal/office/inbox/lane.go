package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

var (
	// ErrOneAccount is returned when two accounts that are to be merged are one already.
	ErrOneAccount = errors.New("they are one account already")
	// ErrNoSuppression is returned when somebody is to be erased or a card blocked and Config has no Suppress.
	ErrNoSuppression = errors.New("the inbox was opened without the key of the suppression list")
)

// Said is who said something urgent, and why, for the book.
type Said struct {
	// By is who, as far as head office knows.
	By string
	// Why is the reason given; no names, no card numbers.
	Why string
}

// Told is what is known of an account beyond lists and receipts.
type Told struct {
	// Objected and Agreed are the newest objection and the newest agreement, by purpose; zero times for none.
	Objected, Agreed map[outcomev1.Purpose]time.Time
	// Blocked says whether it is blocked.
	Blocked bool
	// Survivor is the account it was merged into; zero while it is one of its own.
	Survivor [16]byte
}

// purposes is how many purposes there are, the unset one included.
const purposes = 5

func (o *Told) encode() []byte {
	b := make([]byte, 0, purposes*16+17)
	for p := range outcomev1.Purpose(purposes) {
		b = binary.BigEndian.AppendUint64(b, uint64(nano(o.Objected[p])))
		b = binary.BigEndian.AppendUint64(b, uint64(nano(o.Agreed[p])))
	}
	if o.Blocked {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return append(b, o.Survivor[:]...)
}

func decodeTold(b []byte) (*Told, error) {
	o := &Told{Objected: map[outcomev1.Purpose]time.Time{}, Agreed: map[outcomev1.Purpose]time.Time{}}
	if b == nil {
		return o, nil
	}
	if len(b) != purposes*16+17 {
		return nil, errLayout
	}
	for p := range outcomev1.Purpose(purposes) {
		for i, into := range []map[outcomev1.Purpose]time.Time{o.Objected, o.Agreed} {
			if n := int64(binary.BigEndian.Uint64(b[16*int(p)+8*i:])); n != 0 {
				into[p] = time.Unix(0, n).UTC()
			}
		}
	}
	o.Blocked, o.Survivor = b[purposes*16] == 1, [16]byte(b[purposes*16+1:])
	return o, nil
}

func nano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// hear notes a preference unless a newer one of its kind is known.
func (o *Told) hear(p *outcomev1.Preference) {
	into := o.Objected
	if p.GetAgreed() {
		into = o.Agreed
	}
	if at := p.GetOccurredAt().AsTime(); at.After(into[p.GetPurpose()]) {
		into[p.GetPurpose()] = at
	}
}

// join adds what was told of an account that was merged into this one.
func (o *Told) join(other *Told) {
	o.Blocked = o.Blocked || other.Blocked
	for p := range outcomev1.Purpose(purposes) {
		if at := other.Objected[p]; at.After(o.Objected[p]) {
			o.Objected[p] = at
		}
		if at := other.Agreed[p]; at.After(o.Agreed[p]) {
			o.Agreed[p] = at
		}
	}
}

func (t *transaction) told(account [16]byte) (*Told, error) {
	v, err := t.get(inTold, account[:])
	if err != nil {
		return nil, err
	}
	o, err := decodeTold(v)
	if err != nil {
		return nil, fmt.Errorf("%w: what was told of %x: %w", ErrDamaged, account, err)
	}
	return o, nil
}

// survivor is the account that stands for another now: itself, unless it was merged.
func (t *transaction) survivor(account [16]byte) ([16]byte, error) {
	for {
		o, err := t.told(account)
		if err != nil || o.Survivor == ([16]byte{}) {
			return account, err
		}
		account = o.Survivor
	}
}

// speak adds the next urgent word, and a line to the book.
func (t *transaction) speak(record *bundlev1.LaneRecord, what string, said Said) (*bundlev1.LaneRecord, error) {
	n, err := t.number(inLane)
	if err != nil {
		return nil, err
	}
	now := t.box.cfg.Now()
	record.Number, record.IssuedAt = n, timestamppb.New(now)
	v, err := proto.MarshalOptions{Deterministic: true}.Marshal(record)
	if err != nil {
		return nil, err
	}
	if err := t.put(inLane, binary.BigEndian.AppendUint64(nil, n), v); err != nil {
		return nil, err
	}
	if record.GetErasure() != nil {
		if err := t.put(inMeta, keyErased, binary.BigEndian.AppendUint64(nil, n)); err != nil {
			return nil, err
		}
	}
	line, err := t.number(inAudit)
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("lane record %d: %s, by %s", n, what, said.By)
	if said.Why != "" {
		text += ": " + said.Why
	}
	return record, t.put(inAudit, binary.BigEndian.AppendUint64(nil, line), append(binary.BigEndian.AppendUint64(nil, uint64(now.Unix())), text...))
}

// Prefer keeps what a customer wants and tells all stores. The account must be known; the one it was merged into hears.
func (b *Inbox) Prefer(ctx context.Context, p *outcomev1.Preference, said Said) (record *bundlev1.LaneRecord, err error) {
	err = b.update(ctx, func(t *transaction) error {
		account, err := t.alive([16]byte(p.GetAccountId()))
		if err != nil {
			return err
		}
		record, err = t.prefer(account, p, said)
		return err
	})
	return record, err
}

func (t *transaction) prefer(account [16]byte, p *outcomev1.Preference, said Said) (*bundlev1.LaneRecord, error) {
	o, err := t.told(account)
	if err != nil {
		return nil, err
	}
	heard := proto.CloneOf(p)
	heard.AccountId = account[:]
	if o.hear(heard); heard.GetPurpose() <= 0 || int(heard.GetPurpose()) >= purposes {
		return nil, fmt.Errorf("inbox: purpose %d is not known", heard.GetPurpose())
	}
	if err := t.put(inTold, account[:], o.encode()); err != nil {
		return nil, err
	}
	what := "objected"
	if heard.GetAgreed() {
		what = "agreed"
	}
	return t.speak(&bundlev1.LaneRecord{Word: &bundlev1.LaneRecord_Preference{Preference: heard}}, what, said)
}

// alive is the account that stands for another now; ErrNotFound when nobody knows it.
func (t *transaction) alive(account [16]byte) ([16]byte, error) {
	account, err := t.survivor(account)
	if err != nil {
		return account, err
	}
	known, err := t.account(account)
	if err == nil && known == nil {
		err = fmt.Errorf("account: %w", ErrNotFound)
	}
	return account, err
}

// Preference is what an account's customer said of a purpose: the newest objection and the newest agreement.
func (b *Inbox) Preference(account [16]byte, purpose outcomev1.Purpose) (objected, agreed time.Time, err error) {
	err = b.view(func(t *transaction) error {
		account, err := t.survivor(account)
		if err != nil {
			return err
		}
		o, err := t.told(account)
		if err == nil {
			objected, agreed = o.Objected[purpose], o.Agreed[purpose]
		}
		return err
	})
	return objected, agreed, err
}

// LaneHead is the number of the newest lane record; 0 before the first.
func (b *Inbox) LaneHead() (head uint64, err error) {
	err = b.view(func(t *transaction) error {
		head, err = t.laneHead()
		return err
	})
	return head, err
}

func (t *transaction) laneHead() (uint64, error) {
	lane, err := t.bucket(inLane)
	if err != nil {
		return 0, err
	}
	return lane.Sequence(), nil
}

// Lane returns the lane records from a number on, in order.
func (b *Inbox) Lane(from uint64) (records []*bundlev1.LaneRecord, err error) {
	err = b.view(func(t *transaction) error {
		records = nil
		return t.each(inLane, binary.BigEndian.AppendUint64(nil, from), nil, func(key, value []byte) (bool, error) {
			r := new(bundlev1.LaneRecord)
			if err := proto.Unmarshal(value, r); err != nil {
				return false, fmt.Errorf("%w: lane %x: %w", ErrDamaged, key, err)
			}
			records = append(records, r)
			return true, nil
		})
	})
	return records, err
}

// EachTold visits what was told of accounts that are of their own, by account.
func (b *Inbox) EachTold(visit func(account [16]byte, o *Told) error) error {
	return b.view(func(t *transaction) error {
		return t.each(inTold, nil, nil, func(key, value []byte) (bool, error) {
			o, err := decodeTold(value)
			if err != nil || len(key) != 16 {
				return false, fmt.Errorf("%w: told %x: %w", ErrDamaged, key, errLayout)
			}
			if o.Survivor != ([16]byte{}) {
				return true, nil
			}
			return true, visit([16]byte(key), o)
		})
	})
}

// AuditLine is one line of the book of what was done to customers.
type AuditLine struct {
	// At is when.
	At time.Time
	// Text is what, by whom, why.
	Text string
}

// Audit returns the book, oldest first.
func (b *Inbox) Audit() (lines []AuditLine, err error) {
	err = b.view(func(t *transaction) error {
		lines = nil
		return t.each(inAudit, nil, nil, func(key, value []byte) (bool, error) {
			if len(value) < 8 {
				return false, fmt.Errorf("%w: audit %x", ErrDamaged, key)
			}
			lines = append(lines, AuditLine{At: time.Unix(int64(binary.BigEndian.Uint64(value)), 0).UTC(), Text: string(value[8:])})
			return true, nil
		})
	})
	return lines, err
}

// Settled is the newest lane record the warehouse has worked in.
func (b *Inbox) Settled() (through uint64, err error) {
	err = b.view(func(t *transaction) error {
		through, err = t.settled()
		return err
	})
	return through, err
}

func (t *transaction) settled() (uint64, error) {
	v, err := t.get(inMeta, keySettled)
	if len(v) != 8 {
		return 0, err
	}
	return binary.BigEndian.Uint64(v), err
}

// SetSettled notes that the warehouse has worked in the lane up to a record. It never goes back.
func (b *Inbox) SetSettled(ctx context.Context, through uint64) error {
	return b.update(ctx, func(t *transaction) error {
		had, err := t.settled()
		if err != nil || had >= through {
			return err
		}
		return t.put(inMeta, keySettled, binary.BigEndian.AppendUint64(nil, through))
	})
}

// AddOpening books, with the account that another was merged into, what a list gave the one that ended: once for a lane record, however often it is
// asked for.
func (b *Inbox) AddOpening(ctx context.Context, number uint64, account [16]byte, points int64, day int32) error {
	id := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("stamklant/entry/v1\x00merge"), number))
	return b.update(ctx, func(t *transaction) error {
		seen, err := t.get(inEntries, id[:16])
		if seen != nil || err != nil {
			return err
		}
		account, err := t.alive(account)
		if errors.Is(err, ErrNotFound) {
			return nil // erased since
		}
		if err != nil {
			return err
		}
		return t.count(place{0, number}, account, &outcomev1.LedgerEntry{
			EntryId: id[:16], AccountId: account[:], Kind: outcomev1.EntryKind_ENTRY_KIND_OPENING, Points: points, Day: day,
		}, "")
	})
}

// LaneThrough is the newest lane record that is worked into this cut and into the warehouse, and the newest of those in the cut that erased a
// customer.
func (c *Cut) LaneThrough() (through, erased uint64, err error) {
	if through, err = c.t.settled(); err != nil {
		return 0, 0, err
	}
	v, err := c.t.get(inMeta, keyErased)
	if len(v) == 8 {
		erased = binary.BigEndian.Uint64(v)
	}
	return through, erased, err
}

// Suppressed visits the hashes of identifiers whose owners were erased. After an error the visit ends.
func (c *Cut) Suppressed() iter.Seq2[[16]byte, error] {
	return visits(func(visit func([16]byte) (bool, error)) error {
		return c.t.each(inSuppressed, nil, nil, func(key, value []byte) (bool, error) {
			if len(key) != 16 || len(value) == 0 {
				return false, fmt.Errorf("%w: suppressed %x", ErrDamaged, key)
			}
			if suppression(value[0]) != suppressedIdentifier {
				return true, nil
			}
			return visit([16]byte(key))
		})
	})
}
