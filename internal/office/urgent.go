package office

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/decision"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/inbox"
	"github.com/stamklant/stamklant/internal/office/programme"
	"github.com/stamklant/stamklant/internal/office/publisher"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// ErrNobody is returned when head office does not know whom an urgent word is about.
var ErrNobody = errors.New("nobody is known by that")

// ErrTooSoon is returned when a customer agrees within a day of objecting: the objection wins.
var ErrTooSoon = errors.New("an objection holds for a day, whatever is said after it")

// refs writes accounts as tills and lists show them.
var refs = base32.StdEncoding.WithPadding(base32.NoPadding)

// subject is whom an urgent word is about.
type subject struct {
	account [16]byte
	card    identify.Reading // when one was named
}

// urgent does what is to be done, and has all stores able to read of it when it returns. It runs beside any other job.
func (o *Office) urgent(ctx context.Context, job *officev1.LaneJob, to hub.Terminal) error {
	who, err := o.subject(job.GetSubject())
	if err != nil {
		return err
	}
	record, err := o.say(ctx, job, who)
	if err != nil {
		return err
	}
	if err := o.writeLane(ctx); err != nil {
		return fmt.Errorf("lane record %d is kept, and stores cannot read it yet: %w", record.GetNumber(), err)
	}
	fmt.Fprintf(to, "Lane record %d: stores ask for it within a minute or so.\n", record.GetNumber())
	if !o.working.TryLock() {
		return nil // the job that runs, or the next one, works it into the warehouse
	}
	defer o.working.Unlock()
	p, err := o.programme("")
	if err != nil {
		fmt.Fprintf(to, "Note: it is worked into the lists once the programme has no faults: %v\n", err)
		return nil
	}
	return o.settle(ctx, p.GetTiers())
}

// say has the inbox do it.
func (o *Office) say(ctx context.Context, job *officev1.LaneJob, who subject) (*bundlev1.LaneRecord, error) {
	said := inbox.Said{By: "a command of head office", Why: job.GetReason()}
	switch action := job.GetAction(); action {
	case officev1.LaneAction_LANE_ACTION_OBJECT, officev1.LaneAction_LANE_ACTION_ALLOW:
		return o.prefer(ctx, who.account, action == officev1.LaneAction_LANE_ACTION_ALLOW, said)
	case officev1.LaneAction_LANE_ACTION_BLOCK, officev1.LaneAction_LANE_ACTION_UNBLOCK:
		blocked := action == officev1.LaneAction_LANE_ACTION_BLOCK
		if who.card.Canonical != "" {
			return o.inbox.BlockCard(ctx, who.card.Namespace, who.card.Canonical, blocked, said)
		}
		return o.inbox.BlockAccount(ctx, who.account, blocked, said)
	case officev1.LaneAction_LANE_ACTION_ERASE:
		keys, err := publisher.LoadKeys(o.home.Keys())
		if err != nil {
			return nil, err
		}
		_, key := keys.IdentifierKey()
		return o.inbox.Erase(ctx, who.account, func(namespace, canonical string) [16]byte { return identify.Hash(key, namespace, canonical) }, said)
	case officev1.LaneAction_LANE_ACTION_MERGE:
		into, err := o.subject(job.GetInto())
		if err != nil {
			return nil, fmt.Errorf("into whom: %w", err)
		}
		return o.inbox.Merge(ctx, who.account, into.account, said)
	default:
		return nil, fmt.Errorf("this version knows no %s", action)
	}
}

func (o *Office) prefer(ctx context.Context, account [16]byte, agreed bool, said inbox.Said) (*bundlev1.LaneRecord, error) {
	now := o.now()
	if agreed {
		objected, _, err := o.inbox.Preference(account, outcomev1.Purpose_PURPOSE_ALL)
		if err != nil {
			return nil, err
		}
		if !decision.Agreed(true, objected, now) {
			return nil, fmt.Errorf("%w: try again after %s", ErrTooSoon, objected.Add(decision.ObjectionHolds).Format(time.DateTime))
		}
	}
	return o.inbox.Prefer(ctx, &outcomev1.Preference{
		AccountId: account[:], Purpose: outcomev1.Purpose_PURPOSE_ALL, Agreed: agreed, OccurredAt: timestamppb.New(now),
	}, said)
}

// subject finds whom a command names. A card is read by the programme's rules, as a till reads it.
func (o *Office) subject(s *officev1.Subject) (who subject, err error) {
	known := false
	switch by := s.GetWho().(type) {
	case *officev1.Subject_Card:
		if who.card, err = o.read(by.Card); err != nil {
			return who, err
		}
		who.account, known, err = o.inbox.AccountByIdentifier(who.card.Namespace, who.card.Canonical)
	case *officev1.Subject_ExternalId:
		who.account, known, err = o.inbox.AccountByExternal(by.ExternalId)
	case *officev1.Subject_AccountRef:
		n, decodeErr := refs.Decode(who.account[:], []byte(strings.ToUpper(by.AccountRef)))
		known = decodeErr == nil && n == len(who.account)
	}
	if err == nil && !known {
		err = fmt.Errorf("%w: name one card, customer number or account", ErrNobody)
	}
	return who, err
}

// read recognises a card.
func (o *Office) read(card string) (identify.Reading, error) {
	doc, err := programme.Read(o.home.Programme())
	if doc == nil {
		return identify.Reading{}, err
	}
	rules, err := identify.Compile(doc.Programme.GetIdentifiers())
	if err != nil {
		return identify.Reading{}, fmt.Errorf("%s: %w: see `stamklant-office check`", o.home.Programme(), err)
	}
	reading := rules.Read([]byte(card))
	if reading.Outcome != identify.Card {
		return identify.Reading{}, fmt.Errorf("%w: it is no card by the programme's rules", ErrNobody)
	}
	return reading, nil
}

// writeLane has stores be able to read every lane record: where releases lie, and where the last one was published to besides.
func (o *Office) writeLane(ctx context.Context) error {
	head, err := o.inbox.LaneHead()
	if err != nil || head <= o.written.Load() {
		return err
	}
	keys, err := publisher.LoadKeys(o.home.Keys())
	if err != nil {
		return err
	}
	targets := []string{o.home.Bundles()}
	if other, err := os.ReadFile(o.home.lastTarget()); err == nil {
		targets = append(targets, string(other))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, target := range targets {
		if _, err := publisher.WriteLane(ctx, keys, target, head, o.inbox.Lane); err != nil {
			return err
		}
	}
	for had := o.written.Load(); had < head && !o.written.CompareAndSwap(had, head); had = o.written.Load() {
	}
	return nil
}

// lastTarget is the file that names where releases go besides the usual place.
func (h Home) lastTarget() string { return filepath.Join(h.Published(), "target") }

// goesTo remembers where releases go besides the usual place, and has the lane be there too.
func (o *Office) goesTo(ctx context.Context, target string) error {
	if target != o.home.Bundles() {
		if err := os.MkdirAll(o.home.Published(), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(o.home.lastTarget(), []byte(target), 0o600); err != nil {
			return err
		}
		o.written.Store(0)
	}
	return o.writeLane(ctx)
}

// settle works into the warehouse what the lane said since the last time, and has what customers said of themselves stand over the lists.
func (o *Office) settle(ctx context.Context, tiers []*programmev1.Tier) error {
	done, err := o.inbox.Settled()
	if err != nil {
		return err
	}
	records, err := o.inbox.Lane(done + 1)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := o.settleOne(ctx, r, tiers); err != nil {
			return fmt.Errorf("work lane record %d into the warehouse: %w", r.GetNumber(), err)
		}
	}
	var told []warehouse.Told
	err = o.inbox.EachTold(func(account [16]byte, t *inbox.Told) error {
		told = append(told, toldOf(account, t))
		return nil
	})
	if err != nil {
		return err
	}
	if len(told) > 0 {
		if err := o.warehouse.Tell(ctx, slices.Values(told)); err != nil {
			return err
		}
	}
	if len(records) == 0 {
		return nil
	}
	return o.inbox.SetSettled(ctx, records[len(records)-1].GetNumber())
}

func (o *Office) settleOne(ctx context.Context, r *bundlev1.LaneRecord, tiers []*programmev1.Tier) error {
	no := false
	switch word := r.GetWord().(type) {
	case *bundlev1.LaneRecord_Erasure:
		return o.warehouse.Forget(ctx, [16]byte(word.Erasure.GetAccountId()))
	case *bundlev1.LaneRecord_Merge:
		return o.settleMerge(ctx, r, tiers)
	case *bundlev1.LaneRecord_Preference: // ends, once, what a list said before; a list that says so later counts again
		if p := word.Preference; p.GetAgreed() && p.GetPurpose() == outcomev1.Purpose_PURPOSE_ALL {
			return o.warehouse.Tell(ctx, slices.Values([]warehouse.Told{{AccountID: [16]byte(p.GetAccountId()), Objected: &no}}))
		}
	case *bundlev1.LaneRecord_Block:
		if b := word.Block; !b.GetBlocked() && len(b.GetAccountId()) == 16 {
			return o.warehouse.Tell(ctx, slices.Values([]warehouse.Told{{AccountID: [16]byte(b.GetAccountId()), Blocked: &no}}))
		}
	}
	return nil
}

// settleMerge books what a list gave the account that ended with the other, then has the warehouse know only that one.
func (o *Office) settleMerge(ctx context.Context, r *bundlev1.LaneRecord, tiers []*programmev1.Tier) error {
	from, into := [16]byte(r.GetMerge().GetMerged()), [16]byte(r.GetMerge().GetSurvivor())
	points, err := o.warehouse.Opening(ctx, from)
	if err != nil {
		return err
	}
	if points != 0 {
		day := int32(r.GetIssuedAt().AsTime().Unix() / secondsPerDay)
		if err := o.inbox.AddOpening(ctx, r.GetNumber(), into, points, day); err != nil {
			return err
		}
	}
	codes := make([]string, len(tiers))
	for i, tier := range tiers {
		codes[i] = tier.GetCode()
	}
	return o.warehouse.Merge(ctx, from, into, codes)
}

// toldOf is what stands over the lists now. That somebody no longer objects, or is no longer blocked, a list may take back.
func toldOf(account [16]byte, t *inbox.Told) warehouse.Told {
	out := warehouse.Told{AccountID: account}
	of := func(p outcomev1.Purpose) *bool {
		if t.Objected[p].IsZero() && t.Agreed[p].IsZero() {
			return nil
		}
		agreed := decision.Agreed(false, t.Objected[p], t.Agreed[p])
		return &agreed
	}
	yes := true
	if agreed := of(outcomev1.Purpose_PURPOSE_ALL); agreed != nil && !*agreed {
		out.Objected = &yes
	}
	if t.Blocked {
		out.Blocked = &yes
	}
	out.Profiling, out.Marketing = of(outcomev1.Purpose_PURPOSE_PROFILING), of(outcomev1.Purpose_PURPOSE_MARKETING)
	out.LinkedAnswers = of(outcomev1.Purpose_PURPOSE_LINKED_ANSWERS)
	return out
}
