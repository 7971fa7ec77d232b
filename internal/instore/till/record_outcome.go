package till

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// RecordOutcome records what came of a suggestion after its receipt, and answers once it is on disk.
func (s *Service) RecordOutcome(ctx context.Context, req *tillv1.RecordOutcomeRequest) (*tillv1.RecordOutcomeResponse, error) {
	var out *tillv1.RecordOutcomeResponse
	err := s.answer(ctx, req.GetCaller(), func(c *call) (err error) {
		out, err = c.late(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// late finds out of whom the word is, and has the journal keep it.
func (c *call) late(ctx context.Context, req *tillv1.RecordOutcomeRequest) (*tillv1.RecordOutcomeResponse, error) {
	if key := req.GetReceipt(); key != nil {
		if key.GetStore() != c.store {
			return nil, fmt.Errorf("%w: the receipt is of store %q, this server stands in %q", errWrongStore, key.GetStore(), c.store)
		}
		if _, err := time.Parse(time.DateOnly, key.GetBusinessDate()); err != nil {
			return nil, fmt.Errorf("%w: receipt.business_date %q is no day", errInvalid, key.GetBusinessDate())
		}
	}
	if err := c.answer("outcome", req.GetOutcome()); err != nil {
		return nil, err
	}
	account, err := c.ofOutcome(ctx, req)
	if err != nil {
		return nil, err
	}
	at := req.GetOccurredAt().AsTime()
	if at.After(c.now) {
		at = c.now
	}
	told := &outcomev1.LateOutcome{
		Receipt: req.GetReceipt(), DecisionId: req.GetDecisionId(), Outcome: req.GetOutcome(), Kind: req.GetKind(),
		OccurredAt: timestamppb.New(at), AccountId: account, Store: c.store,
	}
	key, said := outcomeKey(req), outcomeSaid(req.GetOutcome())
	beside, thanked, err := c.lateAnswer(ctx, told)
	if err != nil {
		return nil, err
	}
	kept, err := c.service.cfg.Journal.RecordOutcome(ctx, key, said, told, beside...)
	if err != nil {
		return nil, err
	}
	out := &tillv1.RecordOutcomeResponse{Result: tillv1.OutcomeResult_OUTCOME_RESULT_RECORDED, Meta: c.meta()}
	if !kept.Replayed && !kept.Another {
		for _, e := range told.GetEntries() {
			out.Points += e.GetPoints()
		}
	}
	out.Receipt = thanked
	out.Meta.Replayed = kept.Replayed
	if kept.Another {
		out.Result = tillv1.OutcomeResult_OUTCOME_RESULT_ANOTHER_STANDS
	}
	return out, nil
}

// ofOutcome is the account of a late word: that of the receipt, else the one the till names; nil where nobody is known, or who was erased.
func (c *call) ofOutcome(ctx context.Context, req *tillv1.RecordOutcomeRequest) (account []byte, err error) {
	if req.GetReceipt() != nil {
		err := c.service.cfg.Journal.View(func(v *journal.View) error {
			standing, err := v.Receipt(loyalty.KeyBytes(req.GetReceipt()))
			if errors.Is(err, journal.ErrNotFound) {
				return nil
			}
			if err == nil {
				account = standing.Sale.GetAccountId()
			}
			return err
		})
		if err != nil || len(account) == 16 {
			return account, err
		}
	}
	if req.GetAccountRef() == "" {
		return nil, nil
	}
	w, err := c.referred(ctx, req.GetAccountRef())
	if err != nil || w.account == nil {
		return nil, err
	}
	return w.id[:], nil
}

// outcomeKey is what makes a late word the same wherever it arrives: the receipt or the decision, the suggestion, the kind.
func outcomeKey(req *tillv1.RecordOutcomeRequest) []byte {
	about := []byte(req.GetDecisionId())
	if req.GetReceipt() != nil {
		about = loyalty.KeyBytes(req.GetReceipt())
	}
	var key []byte
	for _, part := range [][]byte{[]byte("stamklant/late/v1"), about, []byte(req.GetOutcome().GetSuggestionId()), {byte(req.GetKind())}} {
		key = append(binary.AppendUvarint(key, uint64(len(part))), part...)
	}
	return key
}

// outcomeSaid is what was said under that key.
func outcomeSaid(o *outcomev1.Exposure) []byte {
	said := binary.AppendUvarint(nil, uint64(len(o.GetCampaign())))
	said = append(append(said, o.GetCampaign()...), byte(o.GetArm()), byte(o.GetResponse()))
	if a := o.GetAnswer(); a != nil {
		said = append(said, byte(a.GetKind()), byte(a.GetNumber()), byte(a.GetFollowUp()))
	}
	return said
}
