package main_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// publicProgramme gives every internal word of a retailer a mark by which it is found again wherever it is said.
const publicProgramme = `
chain: zqx-chain
starts_from: [eleven-segments]
currency: EUR
time_zone: Europe/Amsterdam
languages: [nl, en, fr, de]
profiling: legitimate_interest
show_segment_to_cashier: true
stores: {k1: {name: zqx-store, region: zqx-region, owner: zqx-owner, languages: [nl, en, fr, de]}}
identifiers:
  - {name: zqx-card, kind: card, starts_with: "29001", length: 13, check: gs1, issued: 2900100000000-2900199999999, namespace: card}
traits: {zqx_trait: {type: yes_no, purpose: marketing}}
groups: {zqx-group: "46*"}
scoring: {months: 12, method: quantile}
segments:
%s
tiers:
  - {code: zqx_low, name: {nl: Groen, en: Green, fr: Vert, de: Grün}}
  - {code: zqx_high, name: {nl: Goud, en: Gold, fr: Or, de: Gold}, reach_any: [{visits: 900}], gives: [zqx_service]}
points:
  earn: [{name: zqx-rule, points: 1, per_euro: 1}]
customer_groups:
  zqx_trade: {percent: 15, groups: [zqx-group], name: {nl: Hovenier, en: Trade, fr: Professionnel, de: Gewerbe}}
campaigns:
  zqx-thanks: {prompt: thanks, when: {segments: [champions, loyal]}, note: zqx note, holdout_percent: 5}
  zqx-offer: {offer: {percent: 10, groups: [zqx-group], till_code: zqx-code}, when: {segments: [at_risk, cannot_lose, lost]}}
  zqx-times: {offer: {times_points: 2}, when: {segments: [new_customer, promising, potential_loyalist]}}
  zqx-event: {prompt: event, when: {segments: [hibernating]}}
  zqx-care: {prompt: care, when: {segments: [needs_attention]}}
  zqx-details: {prompt: verify_details, when: {segments: [about_to_sleep]}}
%s`

const (
	publicReceipts = `
list: receipts
receipt: [no]
customer: {column: no_of_customer, is: external_id}
columns: {store: {constant: k1}, till: {constant: "9"}, date: date, receipt_no: no, sku: sku, group: {constant: "4601"}, amount: amount, quantity: {constant: "1"}}
`
	publicCustomers = `
list: customers
customer: {column: no, is: external_id}
identifiers: [{column: card, namespace: card}]
columns: {language: language, tier: tier, points: points, objected: objected, minor: minor, groups: groups}
words: {yes: [Y], no: [N]}
`
)

// internalCodes are the segments' own codes that no ordinary text holds.
var internalCodes = []string{
	"champions", "potential_loyalist", "new_customer", "needs_attention", "about_to_sleep", "at_risk", "cannot_lose", "hibernating", "prospect",
	"segment", "stale", "provisional",
}

// somebody is a generated customer, with what must never be read of him.
type somebody struct {
	card  string
	spent []string       // past spend, in digits
	days  []string       // dates of the past, as patterns
	owed  string         // points owed, in digits; empty for none
	past  *regexp.Regexp // all days
	last  time.Time
}

// checkDigit completes a card's number.
func checkDigit(digits string) string {
	sum := 0
	for i, d := range digits {
		weight := 1
		if (len(digits)-i)%2 == 1 {
			weight = 3
		}
		sum += weight * int(d-'0')
	}
	return digits + string(rune('0'+(10-sum%10)%10))
}

// population makes up customers and the lists they come in.
func population(n int) (people []somebody, customers, receipts string) {
	var list, sales strings.Builder
	list.WriteString("no,card,language,tier,points,objected,minor,groups\n")
	sales.WriteString("no,no_of_customer,date,sku,amount\n")
	today := time.Now()
	for i := range n {
		p := somebody{card: checkDigit(fmt.Sprintf("2900100%05d", i))}
		total := int64(0)
		for visit := range 1 + i%7 {
			day := today.AddDate(0, 0, -(2 + (i*13+visit*29)%340))
			minor := int64(3_000_000_7) + int64(i)*1009 + int64(visit)*100_003
			total += minor
			p.days = append(p.days, datesOf(day))
			if visit == 0 {
				p.last = day
			}
			p.spent = append(p.spent, fmt.Sprint(minor), fmt.Sprint(minor/100))
			_, _ = fmt.Fprintf(&sales, "r%d-%d,%d,%s,1,%d.%02d\n", i, visit, i, day.Format(time.DateOnly), minor/100, minor%100)
		}
		p.spent = append(p.spent, fmt.Sprint(total), fmt.Sprint(total/100))
		points := int64(i%977) * 3
		if i%10 == 0 {
			points = -(7_000_003 + int64(i)*17)
			p.owed = fmt.Sprint(-points)
		}
		group := ""
		if i%15 == 0 {
			group = "zqx_trade"
		}
		yes := func(when bool) string { return map[bool]string{true: "Y", false: "N"}[when] }
		_, _ = fmt.Fprintf(&list, "%d,%s,%s,%s,%d,%s,%s,%s\n", i, p.card, []string{"nl", "en", "fr", "de", "pl"}[i%5], []string{"zqx_low", "zqx_high"}[i%2], points,
			yes(i%20 == 3), yes(i%30 == 7), group)
		p.past = regexp.MustCompile("(?i)" + strings.Join(p.days, "|"))
		people = append(people, p)
	}
	return people, list.String(), sales.String()
}

// said of a customer, and what is wrong with it; empty for nothing.
func (p *somebody) leak(text string) string {
	low := strings.ToLower(text)
	if strings.Contains(low, "zqx") {
		return "an internal word"
	}
	for _, code := range internalCodes {
		if strings.Contains(low, code) {
			return "an internal word"
		}
	}
	digits := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		if strings.ContainsRune(".,' \u00a0\u202f-−", r) {
			return -1
		}
		return '|'
	}, text)
	for _, spent := range p.spent {
		if strings.Contains(digits, spent) {
			return "past spend"
		}
	}
	if p.owed != "" && strings.Contains(digits, p.owed) || negative.MatchString(text) {
		return "owed points"
	}
	if p.past.MatchString(text) {
		return "a date of the past"
	}
	return ""
}

var negative = regexp.MustCompile(`(^|\s)[-−]\s?\d`)

var months = [12]string{
	"jan", "feb|fév|fev", "maart|mar|mrt|mär", "apr|avr", "mei|may|mai", "jun|juin", "jul|juil", "aug|aoû", "sep", "okt|oct", "nov", "dec|déc|dez",
}

// datesOf is a pattern for a day in whatever way a till would write it.
func datesOf(day time.Time) string {
	d, m := day.Day(), int(day.Month())
	return fmt.Sprintf(`\b0?%d[-/. ]+(0?%d\b|(%s))|\b(%s)\w*\.? 0?%d\b|\b%s\b`, d, m, months[m-1], months[m-1], d, day.Format(time.DateOnly))
}

// publicShop is a shop with so many customers, its head office's folder and a server of it.
func publicShop(t *testing.T, customers int) (home string, people []somebody, addr, data string) {
	t.Helper()
	home = t.TempDir()
	people, list, receipts := population(customers)
	write(t, filepath.Join(home, "programme.yaml"), publicWith(""))
	office(t, home, 0, "init", "--yes")
	office(t, home, 0, "keys", "server", "k1-a", "--store", "k1", "--bundles", filepath.Join(home, "bundles"))
	office(t, home, 0, "import", "customers", write(t, filepath.Join(home, "c.csv"), list), "--mapping", write(t, filepath.Join(home, "c.yaml"), publicCustomers))
	office(t, home, 0, "import", "receipts", write(t, filepath.Join(home, "r.csv"), receipts), "--mapping", write(t, filepath.Join(home, "r.yaml"), publicReceipts))
	office(t, home, 0, "score")
	office(t, home, 0, "publish")
	data = t.TempDir()
	p, c := serveStore(t, filepath.Join(home, "servers", "k1-a.enrol.json"), data)
	released(t, c, 1)
	return home, people, p.addr, data
}

// publicWith is the programme with one campaign more.
func publicWith(campaign string) string {
	var segments strings.Builder
	for _, code := range []string{
		"champions", "loyal", "potential_loyalist", "new_customer", "promising", "needs_attention", "about_to_sleep", "at_risk", "cannot_lose", "hibernating", "lost",
	} {
		short := code[:min(len(code), 16)] // a name fits a display
		words := "{nl: zqx " + short + ", en: zqx " + short + ", fr: zqx " + short + ", de: zqx " + short + "}"
		_, _ = fmt.Fprintf(&segments, "  %s: {name: %s, public_name: %s, hint: %s, persona: zqx}\n", code, words, words, words)
	}
	return fmt.Sprintf(publicProgramme, segments.String(), campaign)
}

// reader asks about customers at many tills, and keeps what was wrong with what they could read.
type reader struct {
	t     *testing.T
	addr  string
	data  string
	mu    sync.Mutex
	texts int
	lines map[string]bool
	wrong map[string][]string
}

// read looks at texts a customer can read.
func (r *reader) read(p *somebody, blocks ...*tillv1.TextBlock) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range blocks {
		if len(b.GetLines()) == 0 {
			continue
		}
		r.texts++
		r.lines[said(b)] = true
		if wrong := p.leak(strings.Join(b.GetLines(), " ")); wrong != "" && len(r.wrong[wrong]) < 5 {
			r.wrong[wrong] = append(r.wrong[wrong], p.card+": "+said(b))
		}
	}
}

// everyone asks about all customers, at four counters with a hundred tills each: looked up by each, and a part of them in every other call.
func (r *reader) everyone(people []somebody) {
	var wait sync.WaitGroup
	for counter := range 4 {
		c := newTill(r.t, r.addr, r.data, "k1", "1")
		wait.Go(func() {
			for i := counter; i < len(people); i += 4 {
				at := *c
				at.code = fmt.Sprintf("%d-%d", counter, i/4%100)
				if err := r.customer(&at, i, &people[i]); err != nil {
					r.t.Errorf("customer %d: %v", i, err)
					return
				}
			}
		})
	}
	wait.Wait()
}

// customer is one customer at a till.
func (r *reader) customer(c *till, i int, p *somebody) error {
	ctx := r.t.Context()
	ask := c.lookup(p.card)
	ask.Abilities = &tillv1.Abilities{DisplayLines: 2, PrinterColumns: []int32{0, 32, 42}[i%3]}
	if i%2 == 0 {
		ask.Stage, ask.Basket = tillv1.Stage_STAGE_PAYMENT, &tillv1.Basket{Lines: []*outcomev1.Line{goods(1, "4601", 1, 2495)}}
	}
	answer, err := c.Lookup(ctx, ask)
	if err != nil {
		return err
	}
	r.read(p, answer.GetCustomerDisplay(), answer.GetReceipt())
	if i%10 == 0 {
		presented, err := c.PresentCard(ctx, &tillv1.PresentCardRequest{Caller: c.caller(), Identifier: scanned(p.card)})
		if err != nil {
			return err
		}
		r.read(p, presented.GetCustomerDisplay())
	}
	if i%10 > 1 {
		return nil
	}
	sale := c.paid(p.card, fmt.Sprint("x", i), time.Time{}, goods(1, "4601", 1, 2495))
	if i%20 == 0 {
		sale.Customer = nil
	}
	booked, err := c.RecordReceipt(ctx, sale)
	if err != nil {
		return err
	}
	r.read(p, booked.GetCustomerDisplay(), booked.GetReceipt())
	if i%20 == 0 {
		claimed, err := c.ClaimReceipt(ctx, &tillv1.ClaimReceiptRequest{
			Caller: c.caller(), Receipt: sale.GetReceipt().GetKey(), Customer: &tillv1.ClaimReceiptRequest_Identifier{Identifier: scanned(p.card)},
		})
		if err != nil {
			return err
		}
		r.read(p, claimed.GetCustomerDisplay(), claimed.GetReceipt())
	}
	if i%40 == 1 {
		told, err := c.SetPreference(ctx, &tillv1.SetPreferenceRequest{
			Caller: c.caller(), OccurredAt: timestamp(time.Now()), Customer: &tillv1.SetPreferenceRequest_Identifier{Identifier: scanned(p.card)},
			Wish: &tillv1.SetPreferenceRequest_Object{Object: outcomev1.Purpose_PURPOSE_PROFILING},
		})
		if err != nil {
			return err
		}
		r.read(p, told.GetCustomerDisplay(), told.GetReceipt())
	}
	return nil
}

// TestLeaksAreFound plants what must not be said into texts as a till writes them.
func TestLeaksAreFound(t *testing.T) {
	t.Parallel()
	people, _, _ := population(11)
	p := &people[10]
	spent := p.spent[0] // minor units
	for text, want := range map[string]string{
		"Dag! U hebt 0 punten":       "",
		"Gespaard: 24 punten":        "",
		"Nieuw saldo: -24 punten":    "owed points",
		"Nog te goed: " + p.owed:     "owed points",
		"U bent een Champions-klant": "an internal word",
		"zqx":                        "an internal word",
		"Besteed: € " + spent[:2] + "." + spent[2:5] + "." + spent[5:len(spent)-2] + "," + spent[len(spent)-2:]: "past spend",
		"Vorige keer: " + p.last.Format("2-1-2006"):                                                             "a date of the past",
		"Last seen " + p.last.Format("2 January"):                                                               "a date of the past",
		"Seen " + p.last.Format("Jan 2"):                                                                        "a date of the past",
	} {
		if got := p.leak(text); got != want {
			t.Errorf("%q: found %q, want %q", text, got, want)
		}
	}
}

// TestNothingInternalIsSaid reads what ten thousand customers could read at the tills of a shop: no internal word, no past spend, no date of their
// past, no points owed. Then the retailer's own words carry two of those, and both are found.
func TestNothingInternalIsSaid(t *testing.T) {
	t.Parallel()
	const customers = 10_000
	home, people, addr, data := publicShop(t, customers)
	clean := &reader{t: t, addr: addr, data: data, lines: map[string]bool{}, wrong: map[string][]string{}}
	clean.everyone(people)
	t.Logf("%d customers read %d texts, %d of them different", customers, clean.texts, len(clean.lines))
	if clean.texts < 2*customers || len(clean.lines) < 2000 {
		t.Errorf("only %d texts were read, %d of them different", clean.texts, len(clean.lines))
	}
	for wrong, where := range clean.wrong {
		t.Errorf("%s is said:\n  %s", wrong, strings.Join(where, "\n  "))
	}
	betrayed := &people[2] // one whose words the campaign below carries
	loose := fmt.Sprintf(`
  said-too-much:
    offer: {times_points: 2}
    priority: 9
    say:
      cashier: {nl: x, en: x, fr: x, de: x}
      display: {nl: "zqx klant", en: "zqx customer", fr: "zqx client", de: "zqx Kunde"}
      receipt: {nl: "Voor het laatst op %[1]s", en: "Last seen %[1]s", fr: "Vu le %[1]s", de: "Zuletzt am %[1]s"}
`, betrayed.last.Format("02-01"))
	write(t, filepath.Join(home, "programme.yaml"), publicWith(loose[1:]))
	office(t, home, 0, "publish")
	released(t, newTill(t, addr, data, "k1", "1"), 2)
	leaky := &reader{t: t, addr: addr, data: data, lines: map[string]bool{}, wrong: map[string][]string{}}
	leaky.everyone(people[:200])
	for _, want := range []string{"an internal word", "a date of the past"} {
		if !slices.ContainsFunc(leaky.wrong[want], func(where string) bool { return where != "" }) {
			t.Errorf("%s is said to two hundred customers, and not found", want)
		}
	}
}
