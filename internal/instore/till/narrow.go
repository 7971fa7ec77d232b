package till

import (
	"context"
	"errors"
	"slices"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

// choose offers the choice between the customers an identifier leads to, masked.
func (c *call) choose(w *who, masked string) error {
	w.outcome, w.choices = tillv1.Outcome_OUTCOME_AMBIGUOUS, nil
	for _, id := range w.several {
		account, err := c.release.Account(id)
		if errors.Is(err, generation.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		shown := masked
		if home := c.at(account.GetHomeStore()).name; home != "" {
			shown += " · " + home
		}
		if w.choices = append(w.choices, &tillv1.Choice{AccountRef: refs.EncodeToString(id[:]), Masked: shown}); len(w.choices) == maxChoices {
			break
		}
	}
	return nil
}

// narrow leaves, of several customers that an identifier leads to, those that something else the customer told leads to as well. Where that leads to
// none of them, all stay: it tells nobody whether what was told is right of somebody else. It counts as a lookup of its own for whoever guesses.
func (c *call) narrow(ctx context.Context, w *who, req *tillv1.LookupRequest) error {
	if req.GetNarrowedBy() == nil || w.outcome != tillv1.Outcome_OUTCOME_AMBIGUOUS {
		return nil
	}
	if err := c.guard(req.GetCaller(), req.GetNarrowedBy()); err != nil {
		return err
	}
	other, err := c.scanned(ctx, req.GetNarrowedBy())
	if err != nil {
		return err
	}
	theirs := other.several
	if other.account != nil {
		theirs = [][16]byte{other.id}
	}
	both := slices.DeleteFunc(slices.Clone(w.several), func(id [16]byte) bool { return !slices.Contains(theirs, id) })
	if len(both) == 0 {
		return nil
	}
	w.several = both
	if len(both) == 1 {
		w.choices = nil
		return c.load(ctx, w, both[0], tillv1.Outcome_OUTCOME_FOUND)
	}
	return c.choose(w, w.reading.Masked)
}
