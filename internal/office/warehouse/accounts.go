package warehouse

import (
	"context"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
)

// Accounts is head office's register of accounts: it knows which account a customer number or a card belongs to, and mints an account
// for one it does not know. The warehouse mints nothing.
//
// Each method is handed at most a few thousand values at once, no value twice. It MUST return one account per value, in the same order, and
// the same account for the same value ever after. It MUST be safe to ask again for what was asked before. The zero account says that nobody may be
// kept under the value: the customer was erased, or, from Register, became another account.
type Accounts interface {
	// ByExternal returns the accounts of the shop's own customer numbers.
	ByExternal(ctx context.Context, ids []string) ([][16]byte, error)
	// ByIdentifier returns the accounts of identifiers of one namespace, in canonical form.
	ByIdentifier(ctx context.Context, namespace string, canonical []string) ([][16]byte, error)
	// Register returns the accounts of customers and lets their identifiers lead there.
	Register(ctx context.Context, customers []CustomerIdentity) ([][16]byte, error)
}

// CustomerIdentity is how a customer list names one customer.
type CustomerIdentity struct {
	// ExternalID is the shop's own number; empty where the list has none.
	ExternalID string
	// Identifiers are the customer's cards, phones and so on. Where there is no ExternalID, the first one names the account.
	Identifiers []CustomerIdentifier
}

// CustomerIdentifier is one card, phone or other thing that leads to a customer.
type CustomerIdentifier struct {
	// Namespace keeps codes of different kinds apart.
	Namespace string
	// Canonical is its one form.
	Canonical string
	// State is what became of it; unspecified is in use.
	State customerv1.IdentifierState
}
