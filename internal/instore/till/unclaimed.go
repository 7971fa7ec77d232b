package till

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// exposure is what a promise comes to when the till tells nothing: assumed to have been shown, and for the holdout what it was spared.
func (p *promise) exposure() *outcomev1.Exposure {
	made := &outcomev1.Exposure{SuggestionId: p.suggestion, Campaign: p.campaign, Response: outcomev1.Response_RESPONSE_SHOWN_ASSUMED, Question: p.question}
	if p.held {
		made.Arm = outcomev1.Arm_ARM_TREATMENT
	}
	if p.silent {
		made.Arm, made.Response = outcomev1.Arm_ARM_HOLDOUT, outcomev1.Response_RESPONSE_GHOST
	}
	return made
}

// KeepUnclaimed writes into the journal what was suggested for sales whose receipt never came, so that caps and head office count it. The
// assembly calls it every minute; what is still in memory when the server stops is lost.
func (s *Service) KeepUnclaimed(ctx context.Context) error {
	lapsed := s.promises.lapsed(s.cfg.Now())
	exposures := make([]*outcomev1.UnclaimedExposure, 0, len(lapsed))
	for i := range lapsed {
		p := &lapsed[i]
		if s.cfg.Journal.Overlay().Erased(p.account) {
			continue
		}
		exposures = append(exposures, &outcomev1.UnclaimedExposure{AccountId: p.account[:], Exposure: p.exposure(), ShownAt: timestamppb.New(p.made)})
	}
	err := s.cfg.Journal.RecordExposures(ctx, exposures)
	if errors.Is(err, journal.ErrFull) {
		s.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "The journal keeps its last room for receipts; what was shown without one is not kept", slog.Int("exposures", len(exposures)))
		return nil
	}
	return err
}

// lapsed takes out the promises whose time is over.
func (p *promises) lapsed(now time.Time) []promise {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tidy(now)
	out := p.gone
	p.gone = nil
	return out
}
