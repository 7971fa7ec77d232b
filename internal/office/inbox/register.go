package inbox

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
)

// RegisterBatch is how many accounts one Register should add. Account ids are random, so a small batch touches as many pages as a large one:
// a million accounts take half the time in batches of this size that they take in batches of 10,000, and deliveries wait a second or two.
const RegisterBatch = 50_000

// maxAccounts is the most accounts an identifier may lead to, as published.
const maxAccounts = 8

// Identifier is one card number, phone, e-mail, … of an account.
type Identifier struct {
	// Namespace is what kind of identifier it is.
	Namespace string
	// Canonical is its canonical form.
	Canonical string
	// Masked is what may be shown of it; empty: as Config.Mask says.
	Masked string
	// State is what became of it; zero is in use.
	State customerv1.IdentifierState
}

// An account is the value of accounts: what leads to it.
type account struct {
	externals   []string
	identifiers []string // keys in identifiers
}

func (a *account) encode() []byte {
	var b []byte
	for _, list := range [][]string{a.externals, a.identifiers} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		for _, s := range list {
			b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}
	}
	return b
}

func decodeAccount(b []byte) (*account, error) {
	a := &account{}
	for _, list := range []*[]string{&a.externals, &a.identifiers} {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)) {
			return nil, errLayout
		}
		b = b[used:]
		for range n {
			length, used := binary.Uvarint(b)
			if used <= 0 || length > uint64(len(b)-used) {
				return nil, errLayout
			}
			*list = append(*list, string(b[used:used+int(length)]))
			b = b[used+int(length):]
		}
	}
	if len(b) > 0 {
		return nil, errLayout
	}
	return a, nil
}

// Registrar reads and adds to the register within one transaction, and sees what it added. It belongs to one goroutine and ends when the
// function it was handed to returns.
type Registrar struct {
	t *transaction

	accounts    map[[16]byte]*account
	externals   map[string][16]byte
	identifiers map[string]*customerv1.Identifier
}

// Register runs fn with the register and returns when what it added is on disk; an error of fn adds nothing. fn may run more than once and
// must set its results anew each time. One call should add about RegisterBatch accounts.
func (b *Inbox) Register(ctx context.Context, fn func(r *Registrar) error) error {
	return b.update(ctx, func(t *transaction) error {
		r := &Registrar{t: t}
		if err := fn(r); err != nil {
			return err
		}
		return r.flush()
	})
}

// AccountByExternal finds the account of an external id: a customer number in the retailer's own books.
func (r *Registrar) AccountByExternal(id string) (found [16]byte, ok bool, err error) {
	if found, ok = r.externals[id]; ok {
		return found, true, nil
	}
	return r.t.external(id)
}

func (t *transaction) external(id string) (found [16]byte, ok bool, err error) {
	v, err := t.get(inExternals, []byte(id))
	if v == nil || err != nil {
		return found, false, err
	}
	if len(v) != 16 {
		return found, false, fmt.Errorf("%w: externals %x", ErrDamaged, id)
	}
	return [16]byte(v), true, nil
}

// AccountByIdentifier finds the account an identifier leads to. ok is false when nobody knows it, and when it leads to none or to several.
func (r *Registrar) AccountByIdentifier(namespace, canonical string) (found [16]byte, ok bool, err error) {
	known, err := r.identifier(namespace, canonical)
	if err != nil || known == nil {
		return found, false, err
	}
	found, ok = leadsTo(known)
	return found, ok, nil
}

// Numbered reports whether an account has an external id.
func (r *Registrar) Numbered(id [16]byte) (bool, error) {
	a, err := r.account(id)
	return a != nil && len(a.externals) > 0, err
}

// leadsTo is the one account of an identifier.
func leadsTo(known *customerv1.Identifier) (id [16]byte, ok bool) {
	if ids := known.GetAccountIds(); len(ids) == 1 && len(ids[0]) == 16 {
		return [16]byte(ids[0]), true
	}
	return id, false
}

// identifier reads what an identifier leads to; nil when nobody knows it.
func (r *Registrar) identifier(namespace, canonical string) (*customerv1.Identifier, error) {
	key := identifierKey(namespace, canonical)
	if added, ok := r.identifiers[string(key)]; ok {
		return added, nil
	}
	return r.t.identifier(key)
}

func (t *transaction) identifier(key []byte) (*customerv1.Identifier, error) {
	v, err := t.get(inIdentifiers, key)
	if v == nil || err != nil {
		return nil, err
	}
	known := &customerv1.Identifier{}
	if err := proto.Unmarshal(v, known); err != nil {
		return nil, fmt.Errorf("%w: an identifier: %w", ErrDamaged, err)
	}
	return known, nil
}

// Mint makes a new account: 16 random bytes that say nothing.
func (r *Registrar) Mint() ([16]byte, error) {
	id := newAccount()
	r.keep(id, &account{})
	return id, nil
}

// know registers an account under a given id unless it is known.
func (r *Registrar) know(id [16]byte) error {
	had, err := r.account(id)
	if err != nil || had != nil {
		return err
	}
	r.keep(id, &account{})
	return nil
}

// keep holds an account in memory, for flush to write.
func (r *Registrar) keep(id [16]byte, a *account) {
	if r.accounts == nil {
		r.accounts = map[[16]byte]*account{}
	}
	r.accounts[id] = a
}

// account reads an account; nil when there is none.
func (r *Registrar) account(id [16]byte) (*account, error) {
	if changed, ok := r.accounts[id]; ok {
		return changed, nil
	}
	return r.t.account(id)
}

func (t *transaction) account(id [16]byte) (*account, error) {
	v, err := t.get(inAccounts, id[:])
	if v == nil || err != nil {
		return nil, err
	}
	a, err := decodeAccount(v)
	if err != nil {
		return nil, fmt.Errorf("%w: account %x: %w", ErrDamaged, id, err)
	}
	return a, nil
}

// AddExternal gives an account an external id. The same again is harmless; ErrTaken when it belongs to another account.
func (r *Registrar) AddExternal(id [16]byte, external string) error {
	had, ok, err := r.AccountByExternal(external)
	switch {
	case err != nil:
		return err
	case ok && had != id:
		return fmt.Errorf("inbox: external id %q: %w", external, ErrTaken)
	case ok:
		return nil
	case external == "":
		return errors.New("inbox: an external id is empty")
	}
	err = r.change(id, func(a *account) { a.externals = append(a.externals, external) })
	if err != nil {
		return err
	}
	if r.externals == nil {
		r.externals = map[string][16]byte{}
	}
	r.externals[external] = id
	return nil
}

// AddIdentifier gives an account an identifier, or changes what is known of it. An identifier that leads to another account then leads to
// both (a telephone in a family); ErrTooMany when those are more than eight.
func (r *Registrar) AddIdentifier(id [16]byte, given Identifier) error {
	key, known, err := r.describe(given)
	if err != nil {
		return err
	}
	if !leads(known, id) {
		if len(known.GetAccountIds()) == maxAccounts {
			return fmt.Errorf("inbox: an identifier of namespace %s %w", given.Namespace, ErrTooMany)
		}
		known.AccountIds = append(known.AccountIds, id[:])
		if err := r.change(id, func(a *account) { a.identifiers = append(a.identifiers, key) }); err != nil {
			return err
		}
	}
	r.keepIdentifier(key, known)
	return nil
}

// AddAnonymous registers an identifier that gives points to nobody: a card kept at the desk. Accounts it led to are led to no more.
func (r *Registrar) AddAnonymous(given Identifier) error {
	given.State = customerv1.IdentifierState_IDENTIFIER_STATE_ANONYMOUS
	key, known, err := r.describe(given)
	if err != nil {
		return err
	}
	for _, id := range known.GetAccountIds() {
		err := r.change([16]byte(id), func(a *account) {
			a.identifiers = slices.DeleteFunc(a.identifiers, func(other string) bool { return other == key })
		})
		if err != nil {
			return err
		}
	}
	known.AccountIds = nil
	r.keepIdentifier(key, known)
	return nil
}

// describe finds what is known of an identifier, and brings mask and state up to date.
func (r *Registrar) describe(given Identifier) (key string, known *customerv1.Identifier, err error) {
	if given.Namespace == "" || given.Canonical == "" {
		return "", nil, errors.New("inbox: an identifier has no namespace or no canonical form")
	}
	if known, err = r.identifier(given.Namespace, given.Canonical); err != nil {
		return "", nil, err
	}
	if known == nil {
		known = &customerv1.Identifier{}
	}
	if known.Masked = given.Masked; known.Masked == "" {
		known.Masked = r.t.box.cfg.Mask(given.Namespace, given.Canonical)
	}
	if known.State = given.State; known.State == customerv1.IdentifierState_IDENTIFIER_STATE_UNSPECIFIED {
		known.State = customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE
	}
	return string(identifierKey(given.Namespace, given.Canonical)), known, nil
}

// keepIdentifier holds an identifier in memory, for flush to write.
func (r *Registrar) keepIdentifier(key string, known *customerv1.Identifier) {
	if r.identifiers == nil {
		r.identifiers = map[string]*customerv1.Identifier{}
	}
	r.identifiers[key] = known
}

func leads(known *customerv1.Identifier, id [16]byte) bool {
	return slices.ContainsFunc(known.GetAccountIds(), func(other []byte) bool { return [16]byte(other) == id })
}

// change alters an account in memory, for flush to write.
func (r *Registrar) change(id [16]byte, change func(*account)) error {
	a, err := r.account(id)
	if err != nil {
		return err
	}
	if a == nil {
		return fmt.Errorf("inbox: account %x: %w", id, ErrNotFound)
	}
	change(a)
	r.keep(id, a)
	return nil
}

// flush writes what was added, each bucket in the order of its keys: neighbours then share the pages they touch.
func (r *Registrar) flush() error {
	ids := slices.SortedFunc(maps.Keys(r.accounts), func(a, b [16]byte) int { return slices.Compare(a[:], b[:]) })
	for _, id := range ids {
		if err := r.t.put(inAccounts, id[:], r.accounts[id].encode()); err != nil {
			return err
		}
	}
	for _, external := range slices.Sorted(maps.Keys(r.externals)) {
		id := r.externals[external]
		if err := r.t.put(inExternals, []byte(external), id[:]); err != nil {
			return err
		}
	}
	changed := slices.Sorted(maps.Keys(r.identifiers))
	for _, key := range changed {
		v, err := proto.MarshalOptions{Deterministic: true}.Marshal(r.identifiers[key])
		if err != nil {
			return err
		}
		if err := r.t.put(inIdentifiers, []byte(key), v); err != nil {
			return err
		}
	}
	if err := r.adopt(changed); err != nil {
		return err
	}
	r.accounts, r.externals, r.identifiers = nil, nil, nil
	return nil
}

// adopt gives accounts what waited for identifiers that lead to them now.
func (r *Registrar) adopt(changed []string) error {
	if len(changed) == 0 {
		return nil
	}
	if waits, err := r.t.anyWaits(); err != nil || !waits {
		return err
	}
	for _, key := range changed {
		if id, ok := leadsTo(r.identifiers[key]); ok {
			if err := r.t.adopt(key, id); err != nil {
				return err
			}
		}
	}
	return nil
}
