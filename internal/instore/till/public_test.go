package till_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// sayable are the fields whose words or figures customers may read. Everything else is internal.
var sayable = []string{
	"stamklant.customer.v1.Account.first_name",
	"stamklant.customer.v1.LoyaltyState.balance", "stamklant.customer.v1.LoyaltyState.pending", // as points that may be spent
	"stamklant.programme.v1.Tier.name", "stamklant.programme.v1.CustomerGroup.name", "stamklant.programme.v1.CustomerGroup.percent",
	"stamklant.programme.v1.Campaign.say", "stamklant.programme.v1.Offer.percent", "stamklant.programme.v1.Offer.amount",
	"stamklant.programme.v1.Offer.times_points",
}

// needed are internal fields that carry meaning to the code: which language, which tier, which rule. They keep their values, some of which are
// codes that must not be said either.
var needed = []string{
	"stamklant.customer.v1.Account.language", "stamklant.customer.v1.Account.home_store", "stamklant.customer.v1.Account.customer_groups",
	"stamklant.customer.v1.LoyaltyState.tier", "stamklant.customer.v1.ImportedScores.segment", "stamklant.customer.v1.Trait.name",
	"stamklant.programme.v1.Programme.currency", "stamklant.programme.v1.Programme.currency_decimals", "stamklant.programme.v1.Programme.time_zone",
	"stamklant.programme.v1.Programme.languages", "stamklant.programme.v1.Translation.language", "stamklant.programme.v1.Store.languages",
	"stamklant.programme.v1.Store.time_zone", "stamklant.programme.v1.Store.code", "stamklant.programme.v1.IdentifierRule",
	"stamklant.programme.v1.Condition", "stamklant.programme.v1.EarnRule", "stamklant.programme.v1.ProductGroup.patterns",
	"stamklant.programme.v1.Period", "stamklant.programme.v1.Campaign.holdout_percent",
}

const marker = "zqx"

// planter fills every internal field of a message: strings with a marker, numbers with primes of their own.
type planter struct {
	next    int64
	planted map[string]string // what was planted, and where
	codes   map[string]string // marked codes, the same for the same code
}

// prime is the next prime from a hundred million on: no figure that a customer may read comes near.
func (p *planter) prime() int64 {
	for n := max(p.next, 100_000_007); ; n += 2 {
		prime := true
		for d := int64(3); d*d <= n; d += 2 {
			if n%d == 0 {
				prime = false
				break
			}
		}
		if prime {
			p.next = n + 2
			return n
		}
	}
}

// plant fills a message and all within it.
func (p *planter) plant(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		name := string(f.FullName())
		if slices.Contains(sayable, name) || slices.Contains(needed, name) || slices.Contains(needed, string(m.Descriptor().FullName())) {
			continue
		}
		if f.ContainingOneof() != nil && !m.Has(f) {
			continue // another kind was chosen
		}
		switch {
		case f.IsMap():
		case f.IsList() && f.Message() != nil:
			for j := range m.Get(f).List().Len() {
				p.plant(m.Get(f).List().Get(j).Message())
			}
		case f.IsList():
			for j := range m.Get(f).List().Len() {
				if f.Kind() == protoreflect.StringKind {
					word := p.code(m.Get(f).List().Get(j).String())
					m.Mutable(f).List().Set(j, protoreflect.ValueOfString(word))
					p.planted[word] = name
				}
			}
		case f.Message() != nil:
			if m.Has(f) || name == "stamklant.customer.v1.Account.values" || name == "stamklant.customer.v1.Account.memory" {
				p.plant(m.Mutable(f).Message())
			}
		default:
			p.scalar(m, f, name)
		}
	}
}

func (p *planter) scalar(m protoreflect.Message, f protoreflect.FieldDescriptor, name string) {
	switch f.Kind() {
	case protoreflect.StringKind:
		word := p.code(m.Get(f).String())
		m.Set(f, protoreflect.ValueOfString(word))
		p.planted[word] = name
	case protoreflect.Int64Kind:
		n := p.prime()
		m.Set(f, protoreflect.ValueOfInt64(n))
		p.planted[strconv.FormatInt(n, 10)] = name
	case protoreflect.Int32Kind:
		n := p.prime()
		m.Set(f, protoreflect.ValueOfInt32(int32(n)))
		p.planted[strconv.FormatInt(n, 10)] = name
	default: // flags say nothing that could be read
	}
}

// code is a marked word, the same for the same word, so that codes still name what they named.
func (p *planter) code(word string) string {
	if strings.Contains(word, marker) {
		return word
	}
	if word == "" {
		return fmt.Sprintf("%s%dx", marker, len(p.planted))
	}
	if p.codes[word] == "" {
		p.codes[word] = marker + "-" + word
	}
	return p.codes[word]
}

var allSegments = []string{
	"champions", "loyal", "potential_loyalist", "new_customer", "promising", "needs_attention", "about_to_sleep", "at_risk", "cannot_lose",
	"hibernating", "lost", "prospect",
}

// marked is the programme of the world with every internal field planted, all segments, a campaign for each kind of suggestion, and codes that
// no text may show.
func marked(p *planter) *programmev1.Programme {
	m := linde()
	m.Languages, m.Address = []string{"nl", "en", "fr", "de"}, programmev1.Address(rand.IntN(3))
	m.StaleAfterDays = 0
	m.Segments = nil
	for _, code := range allSegments {
		m.Segments = append(m.Segments, &programmev1.Segment{
			Code: p.code(code), Name: names(p.code("naam "+code), p.code("name "+code)), Hint: names(p.code("hint "+code), p.code("hint "+code)),
			PublicName: names(p.code("publiek "+code), p.code("public "+code)), Persona: "x",
		})
	}
	for i, tier := range m.GetTiers() {
		tier.Code = p.code(tier.GetCode())
		tier.Gives = []string{p.code(fmt.Sprint("gift", i))}
	}
	m.CustomerGroups[0].Code = p.code("hovenier")
	own := m.GetCampaigns()[0]
	own.When = &programmev1.Condition{Segments: []string{p.code("promising")}}
	m.Campaigns = []*programmev1.Campaign{own}
	for kind := programmev1.PromptKind_PROMPT_KIND_EVENT; kind <= programmev1.PromptKind_PROMPT_KIND_TIER_PROGRESS; kind++ {
		m.Campaigns = append(m.Campaigns, &programmev1.Campaign{
			Code: fmt.Sprint("c", int(kind)), When: &programmev1.Condition{Segments: []string{p.code(allSegments[int(kind)%len(allSegments)])}},
			Kind: &programmev1.Campaign_Prompt{Prompt: &programmev1.Prompt{Kind: kind}}, HoldoutPercent: 500,
		})
	}
	m.Campaigns = append(m.Campaigns,
		&programmev1.Campaign{Code: "amount", When: &programmev1.Condition{Segments: []string{p.code("champions")}}, Kind: &programmev1.Campaign_Offer{Offer: &programmev1.Offer{Amount: 500}}},
		&programmev1.Campaign{Code: "times", When: &programmev1.Condition{Segments: []string{p.code("prospect")}}, Kind: &programmev1.Campaign_Offer{Offer: &programmev1.Offer{TimesPoints: 3}}},
	)
	p.plant(m.ProtoReflect())
	return m
}

// customer is a made-up account with every internal field planted.
func (p *planter) customer(draw *rand.Rand, m *programmev1.Programme) *customerv1.Account {
	a := &customerv1.Account{
		HomeStore: "s01", Language: []string{"nl", "en", "fr", "de", "pl", ""}[draw.IntN(6)],
		Imported: &customerv1.ImportedScores{Segment: m.GetSegments()[draw.IntN(len(m.GetSegments()))].GetCode()},
		Loyalty: &customerv1.LoyaltyState{
			Balance: draw.Int64N(5000) - 500, Tier: m.GetTiers()[draw.IntN(len(m.GetTiers()))].GetCode(), NextExpiry: &customerv1.Expiry{},
		},
		Traits: []*customerv1.Trait{
			{Name: "x", Value: &customerv1.Trait_Word{Word: "y"}}, {Name: "n", Value: &customerv1.Trait_Number{Number: 1}},
		},
		Consents: &customerv1.Consents{Objected: draw.IntN(10) == 0}, Minor: draw.IntN(20) == 0,
	}
	if draw.IntN(3) == 0 {
		a.FirstName = []string{"Anna", "Jan-Willem-Alexander", "Žofia"}[draw.IntN(3)]
	}
	if draw.IntN(5) == 0 {
		a.CustomerGroups = []string{m.GetCustomerGroups()[0].GetCode()}
	}
	p.plant(a.ProtoReflect())
	return a
}

// TestNothingInternal plants a marker in every internal word and a prime of its own in every internal number of programme and customers,
// by the messages' descriptors, so that a field added tomorrow is planted too. None of them is ever read by a customer: 10,000 customers, all
// segments, lookups and receipts, and all texts within the lengths of their devices.
func TestNothingInternal(t *testing.T) {
	t.Parallel()
	p := &planter{planted: map[string]string{}, codes: map[string]string{}}
	var programme *programmev1.Programme
	w := newWorld(t, func(m *programmev1.Programme) {
		programme = marked(p)
		proto.Reset(m)
		proto.Merge(m, programme)
	})
	draw := rand.New(rand.NewPCG(1, 2))
	const customers = 10_000
	ids := make([][16]byte, customers)
	for i := range ids {
		ids[i] = [16]byte{0xff, byte(i), byte(i >> 8)}
		w.account(ids[i], p.customer(draw, programme))
	}
	w.publish()
	said := map[string]bool{}
	segments := map[string]int{}
	for i, id := range ids {
		columns := []int32{42, 32, 0}[i%3]
		able := &tillv1.Abilities{DisplayLines: 2, PrinterColumns: columns, NoEuroSign: i%2 == 0}
		got := w.lookup("", func(req *tillv1.LookupRequest) {
			req.Customer, req.Abilities, req.ReceiptRef = &tillv1.LookupRequest_AccountRef{AccountRef: refOf(id)}, able, fmt.Sprint("s", i)
			if i%2 == 0 {
				req.Basket = &tillv1.Basket{Lines: []*outcomev1.Line{line(1, "460", 1, 2495)}}
			}
		})
		segments[got.GetSegment().GetCode()]++
		blocks := []*tillv1.TextBlock{got.GetCustomerDisplay(), got.GetReceipt()}
		if i%50 == 0 { // receipts take a flush of the disk each
			req := receipt(fmt.Sprint(i), "", line(1, "460", 1, 2495))
			req.Receipt.ReceiptRef, req.Abilities = fmt.Sprint("s", i), able
			req.Customer = &tillv1.RecordReceiptRequest_AccountRef{AccountRef: refOf(id)}
			recorded := w.record(req)
			blocks = append(blocks, recorded.GetCustomerDisplay(), recorded.GetReceipt())
		}
		for j, b := range blocks {
			limits := []struct{ columns, lines int }{{20, 2}, {42, 4}}[j%2]
			if j%2 == 1 && columns == 32 {
				limits.columns, limits.lines = 32, 6
			}
			if len(b.GetLines()) > limits.lines {
				t.Fatalf("%d lines: %q", len(b.GetLines()), b.GetLines())
			}
			for _, text := range b.GetLines() {
				said[text] = true
				if utf8.RuneCountInString(text) > limits.columns {
					t.Fatalf("%q is longer than %d", text, limits.columns)
				}
			}
		}
	}
	if len(segments) < len(allSegments) || len(said) < 500 {
		t.Fatalf("only %d segments and %d different lines were seen", len(segments), len(said))
	}
	for text := range said {
		if strings.Contains(strings.ToLower(text), marker) {
			t.Errorf("an internal word is said: %q", text)
		}
		figures := strings.NewReplacer(".", "", ",", "", "\u00a0", "", " ", "").Replace(text)
		for start := range figures {
			if end := start + 9; end <= len(figures) {
				if from, planted := p.planted[figures[start:end]]; planted {
					t.Errorf("the number of %s is said: %q", from, text)
				}
			}
		}
		if strings.Contains(text, "-") && strings.ContainsAny(text, "0123456789") && strings.Contains(text, "punt") {
			t.Errorf("owed points are said: %q", text)
		}
	}
	t.Logf("%d planted words and numbers, %d different lines said", len(p.planted), len(said))
}
