package office

import (
	"context"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/office/inbox"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// register lets imports find and mint accounts in the inbox, which alone knows who is who.
type register struct{ box *inbox.Inbox }

var _ warehouse.Accounts = register{}

// ByExternal returns the accounts of the shop's own customer numbers.
func (g register) ByExternal(ctx context.Context, ids []string) ([][16]byte, error) {
	return each(ctx, g.box, ids, func(r *inbox.Registrar, id string) ([16]byte, error) {
		account, ok, err := r.AccountByExternal(id)
		if ok || err != nil {
			return account, err
		}
		if gone, err := r.GoneExternal(id); gone || err != nil {
			return [16]byte{}, err
		}
		if account, err = r.Mint(); err != nil {
			return account, err
		}
		return account, r.AddExternal(account, id)
	})
}

// ByIdentifier returns the accounts of identifiers of one namespace.
func (g register) ByIdentifier(ctx context.Context, namespace string, canonical []string) ([][16]byte, error) {
	return each(ctx, g.box, canonical, func(r *inbox.Registrar, c string) ([16]byte, error) {
		return byIdentifier(r, inbox.Identifier{Namespace: namespace, Canonical: c})
	})
}

// Register returns the accounts of customers and lets their identifiers lead there.
func (g register) Register(ctx context.Context, customers []warehouse.CustomerIdentity) ([][16]byte, error) {
	return each(ctx, g.box, customers, registerOne)
}

// householdHas are the namespaces of what several people may have together: it leads to a customer who has no number yet, and never makes one customer
// of two numbers.
var householdHas = map[string]bool{
	identify.Namespace(programmev1.IdentifierKind_IDENTIFIER_KIND_PHONE):                     true,
	identify.Namespace(programmev1.IdentifierKind_IDENTIFIER_KIND_EMAIL):                     true,
	identify.Namespace(programmev1.IdentifierKind_IDENTIFIER_KIND_POSTCODE_AND_HOUSE_NUMBER): true,
}

func registerOne(r *inbox.Registrar, c warehouse.CustomerIdentity) (account [16]byte, err error) {
	if pass, err := passOver(r, &c); pass || err != nil {
		return [16]byte{}, err
	}
	known := false
	if c.ExternalID != "" {
		account, known, err = r.AccountByExternal(c.ExternalID)
	}
	for _, one := range c.Identifiers {
		if known || err != nil {
			break
		}
		account, known, err = r.AccountByIdentifier(one.Namespace, one.Canonical)
		if known && err == nil && c.ExternalID != "" && householdHas[one.Namespace] {
			var numbered bool
			numbered, err = r.Numbered(account)
			known = !numbered
		}
	}
	if err == nil && !known {
		account, err = r.Mint()
	}
	if err == nil && c.ExternalID != "" {
		err = r.AddExternal(account, c.ExternalID)
	}
	for _, one := range c.Identifiers {
		if err != nil {
			break
		}
		err = r.AddIdentifier(account, inbox.Identifier{Namespace: one.Namespace, Canonical: one.Canonical, State: one.State})
	}
	return account, err
}

// passOver reports whether a list's customer is nobody any more: erased, or merged into another account, of whom this row says nothing. Of who stays,
// identifiers of somebody who was erased are left out.
func passOver(r *inbox.Registrar, c *warehouse.CustomerIdentity) (bool, error) {
	if c.ExternalID != "" {
		if gone, err := r.GoneExternal(c.ExternalID); gone || err != nil {
			return gone, err
		}
		if other, err := r.Alias(c.ExternalID); other || err != nil {
			return other, err
		}
	}
	stay := make([]warehouse.CustomerIdentifier, 0, len(c.Identifiers))
	for _, one := range c.Identifiers {
		gone, err := r.Gone(one.Namespace, one.Canonical)
		if err != nil {
			return false, err
		}
		if !gone {
			stay = append(stay, one)
		}
	}
	lost := c.ExternalID == "" && len(stay) < len(c.Identifiers)
	c.Identifiers = stay
	return lost, nil
}

func byIdentifier(r *inbox.Registrar, id inbox.Identifier) ([16]byte, error) {
	account, ok, err := r.AccountByIdentifier(id.Namespace, id.Canonical)
	if ok || err != nil {
		return account, err
	}
	if gone, err := r.Gone(id.Namespace, id.Canonical); gone || err != nil {
		return [16]byte{}, err
	}
	if account, err = r.Mint(); err != nil {
		return account, err
	}
	return account, r.AddIdentifier(account, id)
}

// each finds one account per value, all in one transaction.
func each[T any](ctx context.Context, box *inbox.Inbox, values []T, find func(*inbox.Registrar, T) ([16]byte, error)) ([][16]byte, error) {
	var accounts [][16]byte
	err := box.Register(ctx, func(r *inbox.Registrar) error {
		accounts = make([][16]byte, 0, len(values))
		for _, v := range values {
			account, err := find(r, v)
			if err != nil {
				return err
			}
			accounts = append(accounts, account)
		}
		return nil
	})
	return accounts, err
}
