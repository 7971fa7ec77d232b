package till

import (
	"context"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// lateAnswer makes of an answer that came after its receipt the booking of its points, and takes it off the customer where that was not agreed to:
// beside is then what goes up of nobody. Thanked is for the customer to read. What is no answer stays as it is.
func (c *call) lateAnswer(ctx context.Context, told *outcomev1.LateOutcome) (beside []*outcomev1.LateOutcome, thanked *tillv1.TextBlock, err error) {
	e := told.GetOutcome()
	if e.GetAnswer() == nil {
		return nil, nil, nil
	}
	tongue, bonus := c.customerTongue("", c.place), int64(0)
	if len(told.GetAccountId()) == 16 {
		w, err := c.referred(ctx, refs.EncodeToString(told.GetAccountId()))
		if err != nil {
			return nil, nil, err
		}
		tongue = c.customerTongue(w.account.GetLanguage(), c.place)
		if beside, err = c.lateOf(w, told); err != nil {
			return nil, nil, err
		}
	}
	for _, entry := range told.GetEntries() {
		bonus += entry.GetPoints()
	}
	phrase := "answered_plain"
	if bonus > 0 {
		phrase = "answered"
	}
	return beside, tongue.block(devicesOf(nil)[receipt], tongue.say(phrase, receipt, &public{bonus: bonus})), nil
}

// lateOf does so for a customer who is known.
func (c *call) lateOf(w *who, told *outcomev1.LateOutcome) (beside []*outcomev1.LateOutcome, err error) {
	e := told.GetOutcome()
	err = c.service.cfg.Journal.View(func(v *journal.View) error {
		if w.account == nil {
			return nil
		}
		before, err := c.stands(w, v)
		if err != nil {
			return err
		}
		entry, err := c.answerEntry(v, w, before, e, loyalty.Day(told.GetOccurredAt().AsTime().In(c.place.zone)), c.wasAsked(w, v, e))
		if err != nil {
			return err
		}
		if entry != nil {
			told.Entries = []*outcomev1.LedgerEntry{entry}
		}
		linked, err := c.linksAnswers(w, v)
		if err == nil && !linked {
			beside = append(beside, c.ofNobody(e))
		}
		return err
	})
	if err == nil && beside != nil {
		e.Answer = nil
	}
	return beside, err
}

// wasAsked reports whether this server put this very question to the customer.
func (c *call) wasAsked(w *who, v *journal.View, e *outcomev1.Exposure) bool {
	asked := false
	for _, account := range append([][16]byte{w.id}, w.merged...) {
		err := v.LocalContacts(account, never, func(contact journal.Contact) error {
			asked = asked || contact.Exposure.GetSuggestionId() == e.GetSuggestionId()
			return nil
		})
		if err != nil {
			return false
		}
	}
	return asked
}
