package till

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// errNoDetailsKey is returned where the release does not say which key contact details are sealed to.
var errNoDetailsKey = errors.New("head office has not published a key for contact details yet; they can be taken after its next release")

// SubmitDetails seals what a customer typed to head office's key, and answers once it is on disk. Nobody in the store can read it back.
func (s *Service) SubmitDetails(ctx context.Context, req *tillv1.SubmitDetailsRequest) (*tillv1.SubmitDetailsResponse, error) {
	var out *tillv1.SubmitDetailsResponse
	err := s.answer(ctx, req.GetCaller(), func(c *call) (err error) {
		if err := c.guard(req.GetCaller(), req.GetIdentifier()); err != nil {
			return err
		}
		out, err = c.submit(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// submit finds the customer, seals, and has the journal keep it.
func (c *call) submit(ctx context.Context, req *tillv1.SubmitDetailsRequest) (*tillv1.SubmitDetailsResponse, error) {
	w, err := c.whom(ctx, req.GetIdentifier(), req.GetAccountRef())
	if err != nil {
		return nil, err
	}
	out := &tillv1.SubmitDetailsResponse{Outcome: w.outcome, AccountRef: w.ref(), Meta: c.meta(), Choices: w.choices}
	phrase := outcomePhrases[w.outcome]
	if w.earns() {
		sealed, err := c.seal(req, w)
		if err != nil {
			return nil, err
		}
		if out.Meta.Replayed, err = c.service.cfg.Journal.KeepDetails(ctx, sealed); err != nil {
			return nil, err
		}
		out.Recorded, phrase = true, "details"
	}
	speech := c.speechFor(req.GetStaffLanguage(), req.GetAbilities(), w)
	words := speech.neutral(phrase)
	out.Staff, out.CustomerDisplay = words.staff, words.display
	return out, nil
}

// seal makes of what was typed what may be stored.
func (c *call) seal(req *tillv1.SubmitDetailsRequest, w *who) (*outcomev1.SubmittedDetails, error) {
	key := c.release.Store.GetDetailsKey()
	if len(key) == 0 {
		return nil, errNoDetailsKey
	}
	kind, given := given(req)
	plain, err := proto.Marshal(given)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	var chain bundle.ChainID
	copy(chain[:], c.release.Manifest.GetChainId())
	sealed, err := bundle.SealFor(key, bundle.ForDetails(chain, c.service.cfg.ServerID), plain)
	if err != nil {
		return nil, err
	}
	at := req.GetOccurredAt().AsTime()
	if at.After(c.now) {
		at = c.now
	}
	out := &outcomev1.SubmittedDetails{Kind: kind, Sealed: sealed, OccurredAt: timestamppb.New(at)}
	if w.account != nil {
		out.AccountId = w.id[:]
	} else {
		out.IdHash, out.Identifier = w.hashes[0][:], recognised(w.scanned)
	}
	return out, nil
}

// given is what was typed.
func given(req *tillv1.SubmitDetailsRequest) (outcomev1.DetailKind, *outcomev1.ContactDetails) {
	switch detail := req.GetDetail().(type) {
	case *tillv1.SubmitDetailsRequest_Email:
		return outcomev1.DetailKind_DETAIL_KIND_EMAIL, &outcomev1.ContactDetails{Email: detail.Email}
	case *tillv1.SubmitDetailsRequest_Phone:
		return outcomev1.DetailKind_DETAIL_KIND_PHONE, &outcomev1.ContactDetails{Phone: detail.Phone}
	default:
		address := req.GetAddress()
		return outcomev1.DetailKind_DETAIL_KIND_ADDRESS, &outcomev1.ContactDetails{Postcode: address.GetPostcode(), HouseNumber: address.GetHouseNumber()}
	}
}
