package till

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/identify"
)

// SetPreference records what a customer wants, and answers once it is on disk: from then on it holds at every till of the store.
func (s *Service) SetPreference(ctx context.Context, req *tillv1.SetPreferenceRequest) (*tillv1.SetPreferenceResponse, error) {
	var out *tillv1.SetPreferenceResponse
	err := s.answer(ctx, req.GetCaller(), func(c *call) (err error) {
		if err := c.guard(req.GetCaller(), req.GetIdentifier()); err != nil {
			return err
		}
		out, err = c.prefer(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// prefer finds the customer, has the journal keep what was said, and says so.
func (c *call) prefer(ctx context.Context, req *tillv1.SetPreferenceRequest) (*tillv1.SetPreferenceResponse, error) {
	w, err := c.whom(ctx, req.GetIdentifier(), req.GetAccountRef())
	if err != nil {
		return nil, err
	}
	out := &tillv1.SetPreferenceResponse{Outcome: w.outcome, AccountRef: w.ref(), Meta: c.meta(), Choices: w.choices}
	phrase := outcomePhrases[w.outcome]
	if w.account == nil && w.outcome == tillv1.Outcome_OUTCOME_NEW_CARD {
		phrase = "unregistered"
	}
	if w.account != nil {
		said, about, err := c.said(ctx, req, w)
		if err != nil {
			return nil, err
		}
		if phrase = about; said != nil {
			if out.Meta.Replayed, err = c.service.cfg.Journal.SetPreference(ctx, said); err != nil {
				return nil, err
			}
			out.Recorded = true
		}
	}
	speech := c.speechFor(req.GetStaffLanguage(), req.GetAbilities(), w)
	words := speech.neutral(phrase)
	out.Staff, out.CustomerDisplay, out.Receipt = words.staff, words.display, words.receipt
	return out, nil
}

// said is what is to be kept of a customer's wish, and which words go with it; nil when a card is said to be lost that is not this customer's.
func (c *call) said(ctx context.Context, req *tillv1.SetPreferenceRequest, w *who) (p *outcomev1.Preference, phrase string, err error) {
	at := req.GetOccurredAt().AsTime()
	if at.After(c.now) {
		at = c.now
	}
	p = &outcomev1.Preference{AccountId: w.id[:], OccurredAt: timestamppb.New(at)}
	switch wish := req.GetWish().(type) {
	case *tillv1.SetPreferenceRequest_Object:
		p.Purpose = wish.Object
		if p.GetPurpose() == outcomev1.Purpose_PURPOSE_ALL || p.GetPurpose() == outcomev1.Purpose_PURPOSE_PROFILING {
			return p, "objection", nil
		}
	case *tillv1.SetPreferenceRequest_Agree:
		p.Purpose, p.Agreed = wish.Agree, true
	case *tillv1.SetPreferenceRequest_Language:
		p.Purpose, p.Language = outcomev1.Purpose_PURPOSE_LANGUAGE, wish.Language
		w.account.Language = wish.Language
	case *tillv1.SetPreferenceRequest_LostCard:
		lost, err := c.scanned(ctx, wish.LostCard)
		if err != nil {
			return nil, "", err
		}
		if lost.account == nil || lost.id != w.id {
			return nil, "not_own_card", nil
		}
		p.Purpose, p.Card = outcomev1.Purpose_PURPOSE_CARD_LOST, recognised(lost.scanned)
		return p, "card_lost", nil
	}
	return p, "preference", nil
}

// recognised is a card as it is kept, sealed, and goes up.
func recognised(r identify.Reading) *outcomev1.RecognisedIdentifier {
	return &outcomev1.RecognisedIdentifier{Namespace: r.Namespace, Canonical: r.Canonical}
}

// withoutCustomer is what remains of a card that was lost: it is blocked, whoever shows it.
func (w *who) withoutCustomer() *who {
	return &who{outcome: tillv1.Outcome_OUTCOME_BLOCKED, reading: w.reading, scanned: w.scanned}
}

// isLost reports whether a card that was said to be lost is the one that is shown.
func (w *who) isLost(card *outcomev1.RecognisedIdentifier) bool {
	return w.scanned.Canonical != "" && card.GetNamespace() == w.scanned.Namespace && card.GetCanonical() == w.scanned.Canonical
}
