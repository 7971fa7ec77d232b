package till

import (
	"context"

	"google.golang.org/protobuf/proto"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// Lookup answers who this is and the one thing worth saying now.
func (s *Service) Lookup(ctx context.Context, req *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
	var out *tillv1.LookupResponse
	err := s.answer(ctx, req.GetCaller(), func(c *call) (err error) {
		if err := c.guard(req.GetCaller(), req.GetIdentifier()); err != nil {
			return err
		}
		out, err = c.lookup(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// lookup resolves, reads, decides and answers on one release.
func (c *call) lookup(ctx context.Context, req *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
	w, presented, err := c.asked(ctx, req)
	if err == nil {
		err = c.narrow(ctx, w, req)
	}
	if err != nil {
		return nil, err
	}
	var st *standing
	var wallet []*tillv1.Voucher
	if w.earns() {
		err = c.service.cfg.Journal.View(func(v *journal.View) error {
			if st, err = c.stands(w, v); err == nil && req.GetBasket() != nil {
				st.sale, err = c.earning(v, w, st, c.now, loyalty.Day(c.now))
			}
			if err == nil && w.account != nil && !w.lost {
				wallet, err = c.wallet(w, v)
			}
			if err == nil {
				st.spendable, err = c.spendable(v, w, st, req.GetReceiptRef())
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if w.lost {
			w = w.withoutCustomer()
		}
	}
	speech := c.speechFor(req.GetStaffLanguage(), req.GetAbilities(), w)
	out := &tillv1.LookupResponse{
		Outcome: w.outcome, AccountRef: w.ref(), Choices: w.choices, Meta: c.meta(), Presented: presented, Vouchers: wallet,
	}
	if !w.earns() {
		if out.Voucher, err = c.scannedVoucher(w); err != nil {
			return nil, err
		}
		phrase := outcomePhrases[w.outcome]
		if unusable := voucherPhrases[voucherResults[out.GetVoucher().GetState()]]; unusable != "" {
			phrase = unusable
		}
		words := speech.neutralWith(phrase, voucherFacts(out.GetVoucher()))
		out.Staff, out.CustomerDisplay, out.Receipt = words.staff, words.display, words.receipt
		return out, nil
	}
	c.decideAndSay(out, req, w, st, &speech)
	return out, nil
}

// asked finds out whom a lookup is about; presented is the card, where the till asks for the one presented at it.
func (c *call) asked(ctx context.Context, req *tillv1.LookupRequest) (w *who, presented *tillv1.Identifier, err error) {
	if !req.GetPresented() {
		w, err = c.whom(ctx, req.GetIdentifier(), req.GetAccountRef())
		return w, nil, err
	}
	presented = c.service.presented.take(req.GetCaller().GetTill(), req.GetReceiptRef(), c.now)
	if presented == nil {
		return &who{outcome: tillv1.Outcome_OUTCOME_NOTHING_PRESENTED}, nil, nil
	}
	w, err = c.scanned(ctx, presented)
	return w, presented, err
}

// whom finds out whom a till asks about.
func (c *call) whom(ctx context.Context, i *tillv1.Identifier, ref string) (*who, error) {
	if i != nil {
		return c.scanned(ctx, i)
	}
	return c.referred(ctx, ref)
}

// decideAndSay adds points, rights, verdict and words of a customer to an answer.
func (c *call) decideAndSay(out *tillv1.LookupResponse, req *tillv1.LookupRequest, w *who, st *standing, speech *speech) {
	basket := c.saleOf(req.GetBasket().GetLines())
	out.Loyalty = c.loyaltyOf(w, st, speech.customer.locale.code)
	c.redeemable(out.GetLoyalty(), st, req.GetBasket())
	out.Segment = c.shownSegment(st, speech.staff.locale.code)
	out.Entitlements = c.entitlements(w.account, st.tier, speech.customer.locale.code)
	suggested := c.suggest(req, w, st, basket)
	basket = c.takeOff(out.GetEntitlements(), suggested, basket)
	facts := &public{points: st.available(), tier: out.GetLoyalty().GetTierName()}
	saldo := "balance"
	if req.GetBasket() != nil {
		made, ok := c.service.promises.of(req.GetReceiptRef(), c.now)
		facts.earned = c.estimate(st, req.GetBasket().GetCurrency(), basket, c.boosts(made, ok && made.account == w.id))
		facts.points = max(0, sum(st.balance, facts.earned)-st.pending)
		out.EstimatedPoints, saldo = proto.Int64(facts.earned), "earned"
		if w.account != nil {
			c.service.told.keep(req.GetReceiptRef(), w.id, c.now)
			tier, done := c.withBasket(w, st, req.GetBasket().GetCurrency(), basket, facts.earned)
			out.Loyalty.NextStepWithBasket = c.nextStep(w.account, tier, done, speech.customer.locale.code)
		}
	}
	words := c.lookupWords(speech, w, st, facts, suggested, saldo)
	out.Staff, out.CustomerDisplay, out.Receipt = words.staff, words.display, words.receipt
	if suggested != nil {
		out.Suggestion = suggested.proto
	}
}

// estimate is what the basket would earn if it were paid now.
func (c *call) estimate(st *standing, currency string, basket sale, boosts []loyalty.Boost) int64 {
	sold := st.sale
	sold.Currency, sold.Lines, sold.Groups, sold.Boosts = currency, basket.lines, basket.groups, boosts
	return c.earn.Earn(sold).Points
}

// lookupWords are the three texts of a customer: the suggestion where there is one, else a greeting; on the receipt the points as well.
func (c *call) lookupWords(s *speech, w *who, st *standing, facts *public, suggested *suggestion, saldo string) blocks {
	greeted := *facts
	greeted.points = st.available()
	staff, shown := c.greeting(s, w, st, &greeted)
	printed := ""
	if suggested != nil && suggested.campaign != nil {
		said := suggested.campaign
		if said.phrase == promptPhrases[programmev1.PromptKind_PROMPT_KIND_TIER_PROGRESS] {
			said = c.progress(said, w, st)
		}
		staff, shown, printed = said.say(s.staff, cashier), said.say(s.customer, display), said.say(s.customer, receipt)
	}
	points := s.customer.say(saldo, receipt, facts)
	if w.account == nil {
		points = s.customer.say("new_card", receipt, facts)
	}
	onReceipt := s.devices[receipt].fit([]string{printed, points}, []string{printed, s.customer.say("unchanged", receipt, facts)}, []string{printed})
	return blocks{
		staff:   s.staff.block(s.devices[cashier], staff),
		display: s.customer.block(s.devices[display], shown),
		receipt: s.customer.block(s.devices[receipt], onReceipt...),
	}
}
