package office

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/decision"
	"github.com/stamklant/stamklant/internal/loyalty"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/inbox"
	"github.com/stamklant/stamklant/internal/office/publisher"
	"github.com/stamklant/stamklant/internal/office/scoring"
	"github.com/stamklant/stamklant/internal/office/warehouse"
	"github.com/stamklant/stamklant/internal/segment"
)

// publish cuts a release: the inbox is frozen, and that moment is what the release says it has counted; whatever arrives meanwhile is the
// stores' own until the next.
func (o *Office) publish(ctx context.Context, job *officev1.PublishJob, to hub.Terminal) error {
	p, err := o.programme(job.GetProgramme())
	if err != nil {
		return err
	}
	keys, err := publisher.LoadKeys(o.home.Keys())
	if err != nil {
		return err
	}
	if err := o.settle(ctx, p.GetTiers()); err != nil {
		return err
	}
	cuts, err := o.cutPoints(ctx, p)
	if err != nil {
		return err
	}
	report, err := o.release(ctx, p, keys, scored{accounts: o.warehouse.Published(ctx, p), cuts: cuts}, job.GetTarget(), to)
	if err != nil {
		return err
	}
	printPublished(to, report)
	return nil
}

// scored is what scoring says of customers: their values, and the cut points between scores (nil under imported scores, and where nobody has
// one).
type scored struct {
	accounts iter.Seq2[warehouse.PublishedAccount, error]
	cuts     *customerv1.CutPoints
}

// release freezes the inbox and publishes.
func (o *Office) release(ctx context.Context, p *programmev1.Programme, keys *publisher.Keys, from scored, target string, to hub.Terminal) (*publisher.Report, error) {
	if err := o.issueVouchers(ctx, p, keys); err != nil {
		return nil, err
	}
	cut, err := o.inbox.Cut(ctx)
	if err != nil {
		return nil, err
	}
	report, err := o.publishCut(ctx, p, keys, cut, from, target, to)
	return report, errors.Join(err, cut.Close())
}

func (o *Office) publishCut(ctx context.Context, p *programmev1.Programme, keys *publisher.Keys, cut *inbox.Cut, from scored, target string, to hub.Terminal) (*publisher.Report, error) {
	now := o.now()
	offs, err := o.cutOffs(ctx, cut)
	if err != nil {
		return nil, err
	}
	standing, err := newStanding(p, from.cuts, now)
	if err != nil {
		return nil, err
	}
	if target == "" {
		target = o.home.Bundles()
	}
	lane, erased, err := cut.LaneThrough()
	if err != nil {
		return nil, err
	}
	if err := o.goesTo(ctx, target); err != nil {
		return nil, err
	}
	coupons, err := couponsGiven(cut)
	if err != nil {
		return nil, err
	}
	return publisher.Publish(ctx, publisher.Inputs{
		Programme: p, Accounts: accountsToPublish(cut.Accounts(), from.accounts, standing),
		Identifiers: identifiersToPublish(cut), CutOffs: offs, CutPoints: from.cuts, DataAsOf: now,
		Erased: cut.Suppressed(), LaneThrough: lane, ErasedThrough: erased, Coupons: coupons,
	}, publisher.Target{
		Keys: keys, StateDir: o.home.Published(), Bundles: target, Now: now,
		Progress: func(step string, done, total int64) { to.Progress(step, done, total, "records") },
	})
}

// cutPoints are those of the newest scoring run; nil under imported scores, and before the first run, when nobody has a score.
func (o *Office) cutPoints(ctx context.Context, p *programmev1.Programme) (*customerv1.CutPoints, error) {
	if p.GetScoring().GetSource() == programmev1.ScoringSource_SCORING_SOURCE_IMPORTED {
		return nil, nil
	}
	run, err := scoring.Latest(ctx, o.warehouse)
	if errors.Is(err, scoring.ErrNoRun) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return run.Cuts, nil
}

// cutOffs says up to where each journal is counted: in balances as far as the cut goes, in scores as far as scoring had it.
func (o *Office) cutOffs(ctx context.Context, cut *inbox.Cut) ([]*bundlev1.CutOff, error) {
	scored, err := o.warehouse.DeliveredThrough(ctx)
	if err != nil {
		return nil, err
	}
	offs := cut.CutOffs()
	for _, off := range offs {
		off.ReceiptsThrough = min(off.GetLedgerThrough(),
			scored[warehouse.Journal{ServerID: off.GetServerId(), Incarnation: [16]byte(off.GetIncarnation())}])
	}
	return offs, nil
}

// accountsToPublish joins what the inbox counts with what the warehouse knows, both ascending by id. Who is who is the inbox's to say: an account
// it does not have is not published.
func accountsToPublish(counted iter.Seq2[inbox.CutAccount, error], known iter.Seq2[warehouse.PublishedAccount, error], s *standing) iter.Seq2[publisher.Account, error] {
	return func(yield func(publisher.Account, error) bool) {
		next, stop := iter.Pull2(known)
		defer stop()
		attributes, err, more := next()
		for account, cutErr := range counted {
			err = errors.Join(err, cutErr)
			for err == nil && more && bytes.Compare(attributes.ID[:], account.ID[:]) < 0 {
				attributes, err, more = next()
			}
			if err != nil {
				yield(publisher.Account{}, err)
				return
			}
			published := &customerv1.Account{State: customerv1.AccountState_ACCOUNT_STATE_ACTIVE}
			kept := warehouse.PublishedAccount{Account: published}
			if more && attributes.ID == account.ID {
				kept, published = attributes, attributes.Account
			}
			s.complete(kept, account)
			if !yield(publisher.Account{ID: account.ID, Account: published}, nil) {
				return
			}
		}
	}
}

func identifiersToPublish(cut *inbox.Cut) iter.Seq2[publisher.Identifier, error] {
	return func(yield func(publisher.Identifier, error) bool) {
		for i, err := range cut.Identifiers() {
			if !yield(publisher.Identifier{Namespace: i.Namespace, Canonical: i.Canonical, Identifier: i.Record}, err) || err != nil {
				return
			}
		}
	}
}

// standing adds points and status to an account, and leaves of what is known beyond them what campaigns ask about.
type standing struct {
	tiers    []*programmev1.Tier
	segments *segment.Map // nil under imported scores
	cuts     *customerv1.CutPoints
	asked    decision.Asked
	// campaigns and from are whose questions count, from which day on.
	campaigns *decision.Programme
	from      int32
}

func newStanding(p *programmev1.Programme, cuts *customerv1.CutPoints, now time.Time) (*standing, error) {
	campaigns, err := decision.Compile(p)
	if err != nil {
		return nil, err
	}
	// Somewhere it is still yesterday.
	yesterday := loyalty.Day(now.UTC()) - 1
	s := &standing{tiers: p.GetTiers(), cuts: cuts, asked: campaigns.Asked(yesterday), campaigns: campaigns, from: yesterday}
	if cuts == nil {
		return s, nil
	}
	s.segments, err = segment.Compile(p.GetSegments(), int(p.GetScoring().GetScores()))
	return s, err
}

// complete adds what stores booked to the opening balance, and the tier: the highest that the rules give, that purchases keep for the days of grace,
// or that a list brought. What no live campaign asks about is taken off.
func (s *standing) complete(known warehouse.PublishedAccount, counted inbox.CutAccount) {
	a := known.Account
	a.Predictions, a.Picture = s.asked.Predictions(a.GetPredictions()), s.asked.Picture(a.GetPicture())
	if a.Asked = nil; counted.Asked != nil && s.campaigns.SurveysUntil(s.from) {
		a.Asked = s.lastAsked(counted.Asked)
	}
	if counted.Language != "" {
		a.Language = counted.Language
	}
	if a.Loyalty == nil {
		a.Loyalty = &customerv1.LoyaltyState{}
	}
	l := a.GetLoyalty()
	l.Balance += counted.Points
	l.QualifyingPoints = counted.Points - counted.Redeemed // what was spent lowers no tier
	earned := loyalty.Tier(s.tiers, loyalty.Standing{
		Spend: l.GetQualifyingSpendMinor(), Visits: l.GetQualifyingVisits(), Points: l.GetQualifyingPoints(), Segment: s.segmentOf(a),
	})
	if s.rank(earned) > s.rank(l.GetTier()) {
		l.Tier = earned
	}
	if s.rank(known.KeptTier) > s.rank(l.GetTier()) {
		l.Tier = known.KeptTier
	}
	if l.GetTier() == known.KeptTier {
		l.TierUntilDay = known.KeptUntilDay
	}
}

// lastAsked leaves of what a customer was asked only the questions that are still put.
func (s *standing) lastAsked(all *customerv1.Asked) *customerv1.Asked {
	all.Questions = slices.DeleteFunc(all.Questions, func(q *customerv1.QuestionAsked) bool { return !s.campaigns.LiveSurvey(q.GetCampaign(), s.from) })
	return all
}

// segmentOf is the account's segment; empty for who has none.
func (s *standing) segmentOf(a *customerv1.Account) string {
	if a.GetImported() != nil {
		return a.GetImported().GetSegment()
	}
	if s.segments == nil || a.GetValues() == nil {
		return ""
	}
	return s.segments.Current(a.GetValues(), a.GetMemory(), s.cuts, s.cuts.GetAsOfDay())
}

// rank is a tier's place, −1 for none.
func (s *standing) rank(code string) int {
	return slices.IndexFunc(s.tiers, func(t *programmev1.Tier) bool { return t.GetCode() == code })
}

func printPublished(to hub.Terminal, r *publisher.Report) {
	fmt.Fprintf(to, "Published %d accounts and %d identifiers to %d servers: %d pieces, %.1f MB, in %s.\n",
		r.Accounts, r.Identifiers, len(r.Versions), r.Pieces, float64(r.Bytes)/1e6, r.Took.Round(10*time.Millisecond))
	if r.Changes >= 0 {
		fmt.Fprintf(to, "%d records changed since the release before.\n", r.Changes)
	}
	fmt.Fprintf(to, "Stores call themselves stale after %s.\n", r.ExpiresAt.Format(time.DateOnly))
}
