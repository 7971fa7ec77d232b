package till

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/decision"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// maxReasons bounds how many campaigns an answer gives reasons for.
const maxReasons = 10

// sale is the open basket as the pure packages read it.
type sale struct {
	lines  []*outcomev1.Line
	groups []loyalty.GroupSet
	sets   [][]uint64 // the same sets
}

// saleOf finds the product groups of the lines, once for points and for the verdict.
func (c *call) saleOf(lines []*outcomev1.Line) sale {
	s := sale{lines: lines, groups: c.earn.Groups().Of(lines), sets: make([][]uint64, len(lines))}
	for i, set := range s.groups {
		s.sets[i] = set
	}
	return s
}

// paid is the basket as it would be paid: less what is taken off its lines. The lines a till sent stay as they are.
func (s sale) paid(off []*tillv1.LineDiscount) sale {
	if len(off) == 0 {
		return s
	}
	s.lines = slices.Clone(s.lines)
	var copies []outcomev1.Line
	for i, line := range s.lines {
		for _, d := range off {
			if d.GetLine() == line.GetNo() {
				if s.lines[i] == line {
					if len(copies) == 0 { // as many as discounts, and more where lines share a number
						copies = make([]outcomev1.Line, len(off))
					}
					s.lines[i], copies = copyLine(&copies[0], line), copies[1:]
				}
				s.lines[i].NetMinor -= d.GetAmountMinor()
				s.lines[i].DiscountMinor += d.GetAmountMinor()
			}
		}
	}
	return s
}

// copyLine fills a line with another's fields: what a clone comes to, in memory the caller has.
func copyLine(into, line *outcomev1.Line) *outcomev1.Line {
	into.No, into.Sku, into.Group = line.GetNo(), line.GetSku(), line.GetGroup()
	into.QuantityMilli, into.NetMinor, into.DiscountMinor = line.GetQuantityMilli(), line.GetNetMinor(), line.GetDiscountMinor()
	into.NotMerchandise, into.OnPromotion, into.OriginalLine = line.GetNotMerchandise(), line.GetOnPromotion(), line.GetOriginalLine()
	return into
}

// takeOff reckons what the suggested offer and the customer's rights take off the basket, writes it beside each, and returns the basket as it
// would then be paid.
func (c *call) takeOff(rights []*tillv1.Entitlement, suggested *suggestion, basket sale) sale {
	var offered []decision.LineDiscount
	if suggested != nil {
		offered = suggested.offered
	}
	held := make([]string, 0, len(rights))
	for _, right := range rights {
		held = append(held, right.GetCode())
	}
	taken := c.decide.Take(offered, held, &decision.Input{Day: loyalty.Day(c.now), Lines: basket.lines, Groups: basket.sets})
	var all []*tillv1.LineDiscount
	if offer := suggested.offer(); offer != nil {
		offer.LineDiscounts = basket.off(taken.Offer, offer.GetTillCode())
		all = append(all, offer.GetLineDiscounts()...)
	}
	for _, r := range taken.Rights {
		for _, right := range rights {
			if right.GetCode() == r.Code {
				right.LineDiscounts = basket.off(r.Lines, r.Code)
				all = append(all, right.GetLineDiscounts()...)
			}
		}
	}
	return basket.paid(all)
}

// off are discounts as a till reads them.
func (s sale) off(discounts []decision.LineDiscount, why string) []*tillv1.LineDiscount {
	if len(discounts) == 0 {
		return nil
	}
	all, out := make([]tillv1.LineDiscount, len(discounts)), make([]*tillv1.LineDiscount, len(discounts))
	for i, d := range discounts {
		out[i] = &all[i]
		out[i].Line, out[i].AmountMinor, out[i].Why = s.lines[d.Line].GetNo(), d.Amount, why
	}
	return out
}

// stageOf is the stage as the decision knows it.
func stageOf(stage tillv1.Stage) decision.Stage {
	switch stage {
	case tillv1.Stage_STAGE_CLASSIFY:
		return decision.Classify
	case tillv1.Stage_STAGE_BASKET_CHANGED:
		return decision.Basket
	case tillv1.Stage_STAGE_PAYMENT:
		return decision.Payment
	default:
		return decision.Start
	}
}

// suggestion is what was decided for a customer, ready to be put into words.
type suggestion struct {
	proto    *tillv1.Suggestion
	campaign *campaign               // nil for silence
	offered  []decision.LineDiscount // what its offer takes off by itself
}

// offer is what is offered; nil for anything else.
func (s *suggestion) offer() *tillv1.OfferSuggestion {
	if s == nil {
		return nil
	}
	return s.proto.GetOffer()
}

// suggest decides what to say. What was promised for this sale stands; otherwise the verdict is made now, and promised. Nil when the customer
// may not be addressed or the stage suggests nothing.
func (c *call) suggest(req *tillv1.LookupRequest, w *who, s *standing, basket sale) *suggestion {
	stage := stageOf(req.GetStage())
	if w.account == nil || s.silenced || stage == decision.Classify {
		return nil
	}
	in := c.input(w, s, basket, stage)
	in.Abilities, in.Asked.Elsewhere = abilitiesOf(req.GetAbilities()), c.service.asking.elsewhere(req.GetReceiptRef(), w.id, c.now)
	return c.put(c.decided(req, w, in), req, w)
}

// decided is what stands for this sale, or is decided now.
func (c *call) decided(req *tillv1.LookupRequest, w *who, in *decision.Input) *suggestion {
	kept, ok := c.service.promises.of(req.GetReceiptRef(), c.now)
	promised := c.campaigns[kept.campaign]
	ok = ok && kept.account == w.id && promised != nil
	if ok && !kept.silent && promised.source.GetSurvey() != nil {
		if reason := c.decide.StillAsked(promised.source, in); reason != decision.Won {
			return &suggestion{proto: &tillv1.Suggestion{
				Reasons: []string{reason.String() + " " + kept.campaign}, Kind: &tillv1.Suggestion_None{None: &tillv1.NoSuggestion{}},
			}}
		}
	}
	if ok && kept.binds(promised) {
		return c.hold(promised, &kept, in)
	}
	verdict := c.decide.Decide(in)
	if ok && verdict.Shown().GetOffer() == nil {
		return c.hold(promised, &kept, in)
	}
	out := &suggestion{proto: &tillv1.Suggestion{Reasons: reasonsOf(&verdict)}}
	if verdict.Campaign == nil {
		out.proto.Kind = &tillv1.Suggestion_None{None: &tillv1.NoSuggestion{}}
		return out
	}
	made := promise{
		account: w.id, campaign: verdict.Campaign.GetCode(), suggestion: c.suggestionID(req, w, verdict.Campaign.GetCode()),
		silent: verdict.Shown() == nil, held: verdict.Arm != outcomev1.Arm_ARM_UNSPECIFIED, offer: verdict.Campaign.GetOffer(), made: c.now,
		question: verdict.Campaign.GetSurvey().GetKind(),
	}
	if ask := verdict.Campaign.GetAsk(); decision.Place(ask, &in.Abilities) == programmev1.AskOn_ASK_ON_RECEIPT_LINK {
		made.link = strings.ReplaceAll(ask.GetLink(), decision.LinkID, made.suggestion)
	}
	c.service.promises.keep(req.GetReceiptRef(), made)
	c.fill(out, &made, verdict.Discounts)
	return out
}

// hold repeats what was promised, with the discounts of the basket as it is now.
func (c *call) hold(promised *campaign, kept *promise, in *decision.Input) *suggestion {
	out := &suggestion{proto: &tillv1.Suggestion{Reasons: []string{kept.reason() + " " + kept.campaign + " (promised)"}}}
	c.fill(out, kept, c.decide.Discounts(promised.source, in))
	return out
}

// reason is why the promise was made.
func (p *promise) reason() string {
	if p.silent {
		return decision.Holdout.String()
	}
	return decision.Won.String()
}

// input is all that the verdict rests on.
func (c *call) input(w *who, s *standing, basket sale, stage decision.Stage) *decision.Input {
	weekday := int32(c.now.Weekday())
	if weekday == 0 {
		weekday = 7
	}
	return &decision.Input{
		Account: w.id, Silenced: s.silenced, Segment: s.segment, Tier: s.tier, HomeStore: w.account.GetHomeStore(),
		LastVisitDay: s.seen, Traits: w.account.GetTraits(), Predictions: w.account.GetPredictions(),
		Picture: w.account.GetPicture(), PointsAvailable: s.available(), Times: s.times, DetailsDeclinedDay: s.declined, Asked: s.asked,
		Store: c.store, Day: loyalty.Day(c.now), Minute: int32(c.now.Hour()*60 + c.now.Minute()), Weekday: weekday,
		ClockSuspect: c.service.cfg.Journal.Time().Suspect,
		Stage:        stage, Lines: basket.lines, Groups: basket.sets,
	}
}

// fill writes what is to be shown; for the holdout, silence.
func (c *call) fill(out *suggestion, made *promise, discounts []decision.LineDiscount) {
	if made.silent {
		out.proto.Kind = &tillv1.Suggestion_None{None: &tillv1.NoSuggestion{}}
		return
	}
	out.campaign = c.campaigns[made.campaign]
	out.proto.Id, out.proto.Campaign = made.suggestion, made.campaign
	switch kind := out.campaign.source.GetKind().(type) {
	case *programmev1.Campaign_Offer:
		out.offered = discounts
		out.proto.Kind = &tillv1.Suggestion_Offer{Offer: &tillv1.OfferSuggestion{TillCode: kind.Offer.GetTillCode()}}
	case *programmev1.Campaign_Prompt:
		out.proto.Kind = &tillv1.Suggestion_Prompt{Prompt: &tillv1.PromptSuggestion{About: out.campaign.phrase}}
	}
}

// suggestionID names a suggestion: the same for the same sale, customer and campaign, so that asking again changes nothing.
func (c *call) suggestionID(req *tillv1.LookupRequest, w *who, campaign string) string {
	sale := req.GetReceiptRef()
	if sale == "" {
		sale = c.now.Format("2006-01-02") // without a sale's own name, a visit's
	}
	b := make([]byte, 0, 160)
	for _, part := range []string{"stamklant/suggestion/v1", c.service.cfg.ServerID, req.GetCaller().GetTill(), sale, campaign} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	digest := sha256.Sum256(append(b, w.id[:]...))
	return refs.EncodeToString(digest[:15])
}

// reasonsOf is why, for staff and logs: the verdict, and what became of the campaigns before the one that won.
func reasonsOf(v *decision.Verdict) []string {
	out := make([]string, 0, min(len(v.Considered), maxReasons)+1)
	out = append(out, v.Reason.String())
	for _, considered := range v.Considered {
		if len(out) > maxReasons {
			break
		}
		out = append(out, strings.Join([]string{considered.Reason.String(), considered.Campaign.GetCode()}, " "))
	}
	return out
}

// boosts are the multiplied points a sale was promised, also when the release that serves by now offers them no more.
func (c *call) boosts(made promise, ok bool) []loyalty.Boost {
	if !ok || made.silent {
		return nil
	}
	if promised := c.campaigns[made.campaign]; promised != nil && promised.boost != nil {
		return []loyalty.Boost{*promised.boost}
	}
	if times := made.offer.GetTimesPoints(); times > 1 {
		return []loyalty.Boost{{Times: times, Groups: c.earn.Groups().Set(made.offer.GetGroups())}}
	}
	return nil
}
