package inbox

import (
	"context"
	"fmt"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
)

// BlockCard refuses an identifier at all tills, or ends that. ErrNotFound when nobody knows it.
func (b *Inbox) BlockCard(ctx context.Context, namespace, canonical string, blocked bool, said Said) (record *bundlev1.LaneRecord, err error) {
	err = b.update(ctx, func(t *transaction) error {
		record, err = t.blockCard(namespace, canonical, blocked, said)
		return err
	})
	return record, err
}

func (t *transaction) blockCard(namespace, canonical string, blocked bool, said Said) (*bundlev1.LaneRecord, error) {
	if t.box.cfg.Suppress == nil {
		return nil, ErrNoSuppression
	}
	reg := &Registrar{t: t}
	known, err := reg.identifier(namespace, canonical)
	if err != nil {
		return nil, err
	}
	if known == nil {
		return nil, fmt.Errorf("a %s: %w", namespace, ErrNotFound)
	}
	known.State = customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE
	what := "a card is no longer blocked"
	if blocked {
		known.State, what = customerv1.IdentifierState_IDENTIFIER_STATE_BLOCKED, "a card is blocked"
	}
	reg.keepIdentifier(string(identifierKey(namespace, canonical)), known)
	if err := reg.flush(); err != nil {
		return nil, err
	}
	hash := t.box.cfg.Suppress(namespace, canonical)
	return t.speak(&bundlev1.LaneRecord{Word: &bundlev1.LaneRecord_Block{Block: &bundlev1.LaneBlock{
		Thing: &bundlev1.LaneBlock_Identifier{Identifier: hash[:]}, Blocked: blocked,
	}}}, what, said)
}

// BlockAccount refuses all cards of an account, or ends that. ErrNotFound when nobody knows it.
func (b *Inbox) BlockAccount(ctx context.Context, account [16]byte, blocked bool, said Said) (record *bundlev1.LaneRecord, err error) {
	err = b.update(ctx, func(t *transaction) error {
		account, err := t.alive(account)
		if err != nil {
			return err
		}
		o, err := t.told(account)
		if err != nil {
			return err
		}
		what := "an account is no longer blocked"
		if o.Blocked = blocked; blocked {
			what = "an account is blocked"
		}
		if err := t.put(inTold, account[:], o.encode()); err != nil {
			return err
		}
		record, err = t.speak(&bundlev1.LaneRecord{Word: &bundlev1.LaneRecord_Block{Block: &bundlev1.LaneBlock{
			Thing: &bundlev1.LaneBlock_AccountId{AccountId: account[:]}, Blocked: blocked,
		}}}, what, said)
		return err
	})
	return record, err
}
