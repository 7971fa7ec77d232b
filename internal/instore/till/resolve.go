package till

import (
	"context"
	"encoding/base32"
	"errors"
	"log/slog"
	"slices"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

// maxHops bounds how many replacements of a card are followed, so that a circle in the data ends.
const maxHops = 8

// maxChoices bounds how many customers one phone number or address offers.
const maxChoices = 5

// refs writes account ids as tills hand them back.
var refs = base32.StdEncoding.WithPadding(base32.NoPadding)

// who is what an identifier led to.
type who struct {
	outcome tillv1.Outcome
	reading identify.Reading
	id      [16]byte
	account *customerv1.Account // nil for everybody but a customer of the release
	hashes  [][16]byte          // of the identifier and what it was replaced by; a new card's entries hang on the first
	merged  [][16]byte          // accounts that were merged into this one, as far as the lane tells
	scanned identify.Reading    // what was shown, for the hash of a receipt's content; reading forgets it when the owner was erased
	erased  bool                // the owner was erased: a receipt waits for nobody
	lost    bool                // the card that is shown was said to be lost; known once the journal was read
	choices []*tillv1.Choice
	several [][16]byte // all the customers it leads to, where there is more than one
}

// earns reports whether a receipt books points: for a customer, and at once for a card that was handed out.
func (w *who) earns() bool {
	return w.account != nil || w.outcome == tillv1.Outcome_OUTCOME_NEW_CARD
}

// ref is the account as tills hand it back; empty for none.
func (w *who) ref() string {
	if w.account == nil {
		return ""
	}
	return refs.EncodeToString(w.id[:])
}

// bytesOf is what was scanned or typed, as it came.
func bytesOf(i *tillv1.Identifier) []byte {
	if raw := i.GetRaw(); raw != nil {
		return raw
	}
	return []byte(i.GetText())
}

// read tells what was scanned. A call reads one identifier at most twice: to guard it, and to find its owner.
func (c *call) read(i *tillv1.Identifier) identify.Reading {
	if c.lastRead != i {
		c.lastRead, c.reading = i, c.rules.Read(bytesOf(i))
	}
	return c.reading
}

// scanned finds out whom an identifier leads to.
func (c *call) scanned(ctx context.Context, i *tillv1.Identifier) (*who, error) {
	reading := c.read(i)
	w := &who{reading: reading, scanned: reading}
	switch reading.Outcome {
	case identify.NotACard:
		w.outcome = tillv1.Outcome_OUTCOME_NOT_A_CARD
		return w, nil
	case identify.BadCheckDigit:
		w.outcome = tillv1.Outcome_OUTCOME_BAD_CHECK_DIGIT
		return w, nil
	case identify.Voucher:
		w.outcome = tillv1.Outcome_OUTCOME_VOUCHER
		return w, nil
	case identify.Card:
	}
	settled, unblocked := c.urgent(w)
	if settled {
		return w, nil
	}
	hash := identify.Hash(c.identifierKey(), reading.Namespace, reading.Canonical)
	w.hashes = append(w.hashes, hash)
	identifier, err := c.release.Identifier(hash)
	switch {
	case errors.Is(err, generation.ErrNotFound):
		return w, c.unpublished(w)
	case err != nil:
		return nil, err
	}
	if unblocked && identifier.GetState() == customerv1.IdentifierState_IDENTIFIER_STATE_BLOCKED {
		identifier.State = customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE
	}
	return w, c.follow(ctx, w, identifier)
}

// identifierKey is the key this release's identifiers were hashed with.
func (c *call) identifierKey() []byte {
	keys := c.release.Store.GetIdentifierKeys()
	for _, key := range keys {
		if key.GetEpoch() == c.release.Header.GetIdentifierEpoch() {
			return key.GetKey()
		}
	}
	return nil
}

// unpublished decides about an identifier no release knows: a card that was handed out is new, and saves at once; one whose owner was erased
// stays unknown, whatever range it is from.
func (c *call) unpublished(w *who) error {
	w.outcome = tillv1.Outcome_OUTCOME_UNKNOWN_CARD
	erased, err := c.release.Erased(c.suppressed(w.reading))
	if err != nil {
		return err
	}
	if erased {
		w.forget()
		return nil
	}
	if w.reading.Issued {
		w.outcome = tillv1.Outcome_OUTCOME_NEW_CARD
	}
	return nil
}

// follow goes from an identifier to the account that stands behind it now.
func (c *call) follow(ctx context.Context, w *who, identifier *customerv1.Identifier) error {
	found := tillv1.Outcome_OUTCOME_FOUND
	for hop := 0; ; hop++ {
		switch identifier.GetState() {
		case customerv1.IdentifierState_IDENTIFIER_STATE_BLOCKED:
			w.outcome = tillv1.Outcome_OUTCOME_BLOCKED
			return nil
		case customerv1.IdentifierState_IDENTIFIER_STATE_EXPIRED:
			w.outcome = tillv1.Outcome_OUTCOME_EXPIRED
			return nil
		case customerv1.IdentifierState_IDENTIFIER_STATE_ANONYMOUS:
			w.outcome = tillv1.Outcome_OUTCOME_ANONYMOUS_CARD
			return nil
		case customerv1.IdentifierState_IDENTIFIER_STATE_REPLACED:
			found = tillv1.Outcome_OUTCOME_FOUND_REPLACED
		case customerv1.IdentifierState_IDENTIFIER_STATE_MERGED:
			if hop == 0 {
				found = tillv1.Outcome_OUTCOME_FOUND_MERGED
			}
		case customerv1.IdentifierState_IDENTIFIER_STATE_UNSPECIFIED, customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE:
		}
		if len(identifier.GetResolvesTo()) != len(w.id) {
			break
		}
		next, err := c.next(ctx, w, [16]byte(identifier.GetResolvesTo()), hop)
		if next == nil || err != nil {
			return err
		}
		identifier = next
	}
	return c.accountsOf(ctx, w, identifier, found)
}

// next is the identifier that another was replaced by; nil, with the card unknown, where that leads nowhere or in a circle.
func (c *call) next(ctx context.Context, w *who, hash [16]byte, hop int) (*customerv1.Identifier, error) {
	if hop >= maxHops {
		w.outcome = tillv1.Outcome_OUTCOME_UNKNOWN_CARD
		c.service.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "A card was replaced too often or in a circle; it stays unknown",
			slog.String("namespace", w.reading.Namespace), slog.String("masked", w.reading.Masked))
		return nil, nil
	}
	identifier, err := c.release.Identifier(hash)
	if errors.Is(err, generation.ErrNotFound) {
		w.outcome = tillv1.Outcome_OUTCOME_UNKNOWN_CARD
		return nil, nil
	}
	w.hashes = append(w.hashes, hash)
	return identifier, err
}

// accountsOf takes the one account an identifier leads to, or offers the choice between several.
func (c *call) accountsOf(ctx context.Context, w *who, identifier *customerv1.Identifier, found tillv1.Outcome) error {
	ids := identifier.GetAccountIds()
	switch len(ids) {
	case 0:
		w.outcome = tillv1.Outcome_OUTCOME_ANONYMOUS_CARD
		return nil
	case 1:
		return c.load(ctx, w, [16]byte(ids[0]), found)
	}
	for _, id := range ids {
		if survivor := c.overlay.Survivor([16]byte(id)); !c.overlay.Erased([16]byte(id)) && !slices.Contains(w.several, survivor) {
			w.several = append(w.several, survivor)
		}
	}
	masked := identifier.GetMasked()
	if masked == "" {
		masked = w.reading.Masked
	}
	return c.choose(w, masked)
}

// load reads the account, or the one it was merged into, with what was published of all that were merged into that one.
func (c *call) load(ctx context.Context, w *who, id [16]byte, found tillv1.Outcome) error {
	survivor := c.overlay.Survivor(id)
	if survivor != id {
		found = tillv1.Outcome_OUTCOME_FOUND_MERGED
	}
	if c.overlay.Erased(id) || c.overlay.Erased(survivor) {
		w.forget()
		return nil
	}
	account, err := c.published(survivor)
	if err != nil {
		return err
	}
	merged := c.overlay.Merged(survivor)
	for _, other := range merged {
		theirs, err := c.published(other)
		if err != nil {
			return err
		}
		if account == nil {
			account = theirs
		} else if theirs != nil {
			c.fold(account, theirs)
		}
	}
	if account == nil {
		w.outcome = tillv1.Outcome_OUTCOME_UNKNOWN_CARD
		c.service.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "An identifier leads to an account that was not published",
			slog.String("namespace", w.reading.Namespace), slog.String("masked", w.reading.Masked))
		return nil
	}
	blocked, said := c.overlay.Blocked(survivor, c.laneThrough())
	if !said {
		blocked = account.GetState() == customerv1.AccountState_ACCOUNT_STATE_BLOCKED
	}
	if blocked {
		w.outcome = tillv1.Outcome_OUTCOME_BLOCKED
		return nil
	}
	w.outcome, w.id, w.account, w.merged = found, survivor, account, merged
	return nil
}

// published is an account of the release; nil when it has none.
func (c *call) published(id [16]byte) (*customerv1.Account, error) {
	account, err := c.release.Account(id)
	if errors.Is(err, generation.ErrNotFound) {
		return nil, nil
	}
	return account, err
}

// referred finds the account of a reference from an earlier answer.
func (c *call) referred(ctx context.Context, ref string) (*who, error) {
	w := &who{}
	var id [16]byte
	if n, err := refs.Decode(id[:], []byte(ref)); err != nil || n != len(id) {
		w.outcome = tillv1.Outcome_OUTCOME_UNKNOWN_CARD
		return w, nil //nolint:nilerr // a reference that is none leads to nobody
	}
	return w, c.load(ctx, w, id, tillv1.Outcome_OUTCOME_FOUND)
}
