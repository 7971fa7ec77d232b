package till

import (
	"fmt"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/decision"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/loyalty"
	"github.com/stamklant/stamklant/internal/segment"
)

// prepared is a programme made ready, so that a lookup compiles, sorts and searches nothing. It is immutable.
type prepared struct {
	programme *programmev1.Programme
	rules     *identify.Rules
	earn      *loyalty.Rules
	decide    *decision.Programme
	segments  *segment.Map // nil under imported scores
	counting  segment.Counting
	named     map[string]*programmev1.Segment
	stores    map[string]*place
	elsewhere *place // a store the programme does not name
	tongues   map[string]*tongue
	tiers     map[string]int // place among the programme's tiers
	groups    map[string]*programmev1.CustomerGroup
	services  map[string]*programmev1.Service
	campaigns map[string]*campaign
	coupons   []couponCampaign // in order of choice

	couponsCapped bool // one of them counts how often a customer had it
}

// place is one store: its time and its languages.
type place struct {
	zone      *time.Location
	languages []string
	name      string
	country   string
}

// campaign is what a campaign comes to once it has won.
type campaign struct {
	source *programmev1.Campaign
	phrase string // of the ready-made texts
	facts  public
	tier   func(language string) string // the public name of the tier it speaks of; nil for none
	boost  *loyalty.Boost               // nil for campaigns that multiply nothing
	asked  *question                    // of a question that is put to a customer: where
}

// Prepare compiles a programme for serving. The result goes into the release that carries the programme; an error keeps that release from
// being switched to, and says what in the programme is wrong.
func Prepare(p *programmev1.Programme) (any, error) {
	out := &prepared{
		programme: p, named: map[string]*programmev1.Segment{}, stores: map[string]*place{}, tiers: map[string]int{},
		groups: map[string]*programmev1.CustomerGroup{}, services: map[string]*programmev1.Service{}, campaigns: map[string]*campaign{},
	}
	for _, step := range []func() error{out.compileRules, out.compileSegments, out.compilePlaces, out.compileTongues, out.compileCoupons} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("programme: %w", err)
		}
	}
	for i, tier := range p.GetTiers() {
		out.tiers[tier.GetCode()] = i
	}
	for _, group := range p.GetCustomerGroups() {
		out.groups[group.GetCode()] = group
	}
	for _, service := range p.GetServices() {
		out.services[service.GetCode()] = service
	}
	for _, c := range p.GetCampaigns() {
		out.campaigns[c.GetCode()] = out.compileCampaign(c)
	}
	return out, nil
}

// compileRules has the pure packages read their parts.
func (p *prepared) compileRules() (err error) {
	if p.rules, err = identify.Compile(p.programme.GetIdentifiers()); err != nil {
		return err
	}
	p.rules = p.rules.WithScanners(p.programme.GetScanners())
	if p.earn, err = loyalty.Compile(p.programme); err != nil {
		return err
	}
	p.counting = segment.Counting{Currency: p.programme.GetCurrency()}
	if hidden := p.earn.Groups().Set(p.programme.GetSensitive()); hidden != nil {
		p.counting.Hidden = func(line *outcomev1.Line) bool {
			return p.earn.Groups().Of([]*outcomev1.Line{line})[0].Meets(hidden)
		}
	}
	p.decide, err = decision.Compile(p.programme)
	return err
}

// compileSegments makes the segment map. Imported scores come with their segment and need none.
func (p *prepared) compileSegments() (err error) {
	for _, s := range p.programme.GetSegments() {
		p.named[s.GetCode()] = s
	}
	scoring := p.programme.GetScoring()
	if scoring.GetSource() == programmev1.ScoringSource_SCORING_SOURCE_IMPORTED || len(p.programme.GetSegments()) == 0 {
		return nil
	}
	p.segments, err = segment.Compile(p.programme.GetSegments(), int(scoring.GetScores()))
	return err
}

// compilePlaces loads the stores' time zones and languages.
func (p *prepared) compilePlaces() error {
	chain := &place{languages: p.programme.GetLanguages()}
	if len(chain.languages) == 0 {
		chain.languages = spoken[:1]
	}
	var err error
	if chain.zone, err = time.LoadLocation(p.programme.GetTimeZone()); err != nil {
		return fmt.Errorf("time_zone: %w", err)
	}
	p.elsewhere = chain
	for _, s := range p.programme.GetStores() {
		at := &place{zone: chain.zone, languages: s.GetLanguages(), name: s.GetName(), country: s.GetCountry()}
		if len(at.languages) == 0 {
			at.languages = chain.languages
		}
		if s.GetTimeZone() != "" {
			if at.zone, err = time.LoadLocation(s.GetTimeZone()); err != nil {
				return fmt.Errorf("stores %s: time_zone: %w", s.GetCode(), err)
			}
		}
		p.stores[s.GetCode()] = at
	}
	return nil
}

// compileTongues reads the ready-made texts in the programme's form of address.
func (p *prepared) compileTongues() error {
	p.tongues = make(map[string]*tongue, len(spoken))
	for _, language := range spoken {
		polite, familiar, err := readPhrases(language)
		if err != nil {
			return err
		}
		phrases := polite
		if p.programme.GetAddress() == programmev1.Address_ADDRESS_JE {
			phrases = familiar
		}
		p.tongues[language] = &tongue{
			phrases: phrases, locale: locales[language], currency: p.programme.GetCurrency(), decimals: p.programme.GetCurrencyDecimals(),
		}
	}
	return nil
}

// compileCampaign works out which ready-made texts a campaign falls back to, and what it promises.
func (p *prepared) compileCampaign(c *programmev1.Campaign) *campaign {
	out := &campaign{source: c, phrase: "benefit"}
	switch kind := c.GetKind().(type) {
	case *programmev1.Campaign_Offer:
		out.facts = public{percent: kind.Offer.GetPercent(), money: kind.Offer.GetAmount(), times: kind.Offer.GetTimesPoints()}
		switch {
		case out.facts.percent > 0:
			out.phrase = "percent"
		case out.facts.money > 0:
			out.phrase = "amount"
		case out.facts.times > 1:
			out.phrase = "multiple"
			out.boost = &loyalty.Boost{Times: out.facts.times, Groups: p.earn.Groups().Set(kind.Offer.GetGroups())}
		}
	case *programmev1.Campaign_Prompt:
		out.phrase = promptPhrases[kind.Prompt.GetKind()]
	case *programmev1.Campaign_Survey:
		out.phrase = surveyPhrases[kind.Survey.GetKind()]
	}
	return out
}

// promptPhrases are the ready-made texts of prompts.
var promptPhrases = map[programmev1.PromptKind]string{
	programmev1.PromptKind_PROMPT_KIND_EVENT:             "event",
	programmev1.PromptKind_PROMPT_KIND_NEW_ARTICLES:      "new_articles",
	programmev1.PromptKind_PROMPT_KIND_CROSS_SELL:        "cross_sell",
	programmev1.PromptKind_PROMPT_KIND_CARE:              "care",
	programmev1.PromptKind_PROMPT_KIND_WARRANTY:          "warranty",
	programmev1.PromptKind_PROMPT_KIND_REPLENISHMENT:     "replenishment",
	programmev1.PromptKind_PROMPT_KIND_MEMBER_GET_MEMBER: "member_get_member",
	programmev1.PromptKind_PROMPT_KIND_VERIFY_DETAILS:    "verify_details",
	programmev1.PromptKind_PROMPT_KIND_THANKS:            "thanks",
	programmev1.PromptKind_PROMPT_KIND_TIER_PROGRESS:     "tier_progress",
}

// surveyPhrases are the ready-made texts of questions.
var surveyPhrases = map[programmev1.SurveyKind]string{
	programmev1.SurveyKind_SURVEY_KIND_NPS:    "nps",
	programmev1.SurveyKind_SURVEY_KIND_CSAT:   "csat",
	programmev1.SurveyKind_SURVEY_KIND_YES_NO: "yes_no",
	programmev1.SurveyKind_SURVEY_KIND_CHOICE: "choice",
}

// at is the store a server stands in.
func (p *prepared) at(store string) *place {
	if at, ok := p.stores[store]; ok {
		return at
	}
	return p.elsewhere
}

// staffTongue is how to speak to the cashier: in the language asked for, else the store's first.
func (p *prepared) staffTongue(asked string, at *place) *tongue {
	if asked == "" {
		asked = at.languages[0]
	}
	return p.tongues[known(asked)]
}

// customerTongue is how to speak to the customer: in the customer's language where the store promises it, else the store's first.
func (p *prepared) customerTongue(preferred string, at *place) *tongue {
	for _, promised := range at.languages {
		if promised == preferred {
			return p.tongues[known(preferred)]
		}
	}
	for _, promised := range p.programme.GetLanguages() {
		if promised == preferred {
			return p.tongues[known(preferred)]
		}
	}
	return p.tongues[known(at.languages[0])]
}

// named is a name in a language, else the first it is given in.
func named(names []*programmev1.Translation, language string) string {
	for _, name := range names {
		if name.GetLanguage() == language {
			return name.GetText()
		}
	}
	if len(names) > 0 {
		return names[0].GetText()
	}
	return ""
}
