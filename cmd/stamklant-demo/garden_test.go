package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// A chain of garden centres, in the Netherlands and in Belgium, that brings its own scores: most scenarios are played in its shops.
const (
	gardenProgramme = `
chain: Tuincentrum De Linde
starts_from: [eleven-segments]
currency: EUR
time_zone: Europe/Amsterdam
languages: [nl, en, fr]
profiling: consent
show_segment_to_cashier: true
scoring: imported
stores:
  k1: {name: Utrecht, languages: [nl, en]}
  b1: {name: Luik, country: BE, languages: [fr, nl], time_zone: Europe/Brussels}
identifiers:
  - {name: kaart, kind: card, starts_with: "29001", length: 13, check: gs1, issued: 2900100000000-2900149999999}
  - {name: app, kind: card, link: "https://delinde.example/k/"}
scanners: {prefixes: ["~"], repair_azerty: true}
groups: {plants: "10* 11*", timber: "45*", paint: "46*", alcohol: "70*"}
restricted:
  alcohol: {at_most_percent: 25, because: "Not more than 25% below the usual price."}
tiers:
  - {code: groen, name: {nl: Groen, en: Green, fr: Vert}}
  - {code: goud, name: {nl: Goud, en: Gold, fr: Or}, reach_any: [{spend: 100.00}]}
points:
  earn:
    - {name: basis, points: 1, per_euro: 1}
    - {name: rustige-ochtend, times: 2, groups: [plants], days: [tue, sun], hours: 10:00-12:00}
customer_groups:
  hovenier: {percent: 15, groups: [plants], not_on_promotion: true, name: {nl: Hovenier, en: Trade, fr: Professionnel}}
  personeel: {percent: 20, name: {nl: Personeel, en: Staff, fr: Personnel}}
discounts_together: best
campaigns:
  verf-bij-tuinhout:
    offer: {percent: 20, groups: [paint], till_code: ACT2311}
    when: {basket: {timber: {pieces: 6}}}
    priority: 2
    say:
      cashier: {nl: "Geef 20% op verf bij dit tuinhout", en: "Give 20% off paint with this timber", fr: "Donnez 20% sur la peinture avec ce bois"}
      display: {nl: "20% korting op verf|bij uw tuinhout", en: "20% off paint|with your timber", fr: "20% sur la peinture|avec votre bois"}
      receipt: {nl: "20% korting op verf is verrekend.", en: "20% off paint has been applied.", fr: "20% sur la peinture: déduit."}
  wijn:
    offer: {percent: 40, till_code: ACT2312}
    when: {basket: {alcohol: {pieces: 1}}}
    priority: 3
    say:
      cashier: {nl: "Geef 40% korting", en: "Give 40% off", fr: "Donnez 40%"}
      display: {nl: "40% korting", en: "40% off", fr: "40%"}
      receipt: {nl: "40% korting is verrekend.", en: "40% off has been applied.", fr: "40%: déduit."}
  dank: {prompt: thanks, when: {segments: [champions]}}
  gegevens: {prompt: verify_details, when: {segments: [loyal]}}
`
	gardenMapping = `
list: customers
customer: {column: no, is: external_id}
identifiers: [{column: card, namespace: card}]
columns: {language: language, segment: segment, tier: tier, points: points, profiling: profiling, minor: minor, objected: objected, groups: groups, blocked: blocked, home_store: home}
words: {yes: [Y], no: [N]}
`
	gardenCustomers = `no,card,language,segment,tier,points,profiling,minor,objected,groups,blocked,home
1,2900123456785,en,champions,goud,1245,Y,N,N,,N,k1
2,2900100000017,en,loyal,groen,40,Y,N,N,,N,k1
3,2900100000024,en,champions,groen,30,Y,Y,N,,N,k1
4,2900100000031,fr,champions,groen,12,Y,N,N,,N,b1
5,2900100000048,en,champions,groen,77,Y,N,Y,,N,k1
6,2900100000055,en,loyal,groen,15,Y,N,N,hovenier,N,k1
7,2900100000062,en,loyal,groen,310,Y,N,N,,Y,k1
8,2900100000079,en,loyal,groen,60,Y,N,N,personeel,N,k1
`
	cardRegular  = "2900123456785"
	cardLoyal    = "2900100000017"
	cardMinor    = "2900100000024"
	cardLiege    = "2900100000031"
	cardObjected = "2900100000048"
	cardTrade    = "2900100000055"
	cardBlocked  = "2900100000062"
	cardStaff    = "2900100000079"
	cardNew      = "2900100000093" // handed out, and nobody has it yet
	cardStranger = "2900190000010" // looks like ours, and was never handed out
)

// garden is the chain's head office after its first evening: a folder with enrolments, and with a release for every server. It is made once, and
// removed at the end.
var garden = sync.OnceValues(func() (string, error) {
	dir, err := programs()
	if err != nil {
		return "", err
	}
	home, err := os.MkdirTemp("", "stamklant-garden-")
	if err != nil {
		return "", err
	}
	gardenHome = home
	return home, firstEvening(dir, home, gardenProgramme)
})

// firstEvening makes a head office of the chain, with its customers and a release for every server.
func firstEvening(dir, home, programme string) error {
	for name, text := range map[string]string{
		"programme.yaml": programme, "mapping.yaml": gardenMapping, "customers.csv": gardenCustomers,
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"init", "--yes"},
		{"keys", "server", "k1-a", "--store", "k1", "--bundles", filepath.Join(home, "bundles")},
		{"keys", "server", "k1-b", "--store", "k1", "--bundles", filepath.Join(home, "bundles")},
		{"keys", "server", "b1-a", "--store", "b1", "--bundles", filepath.Join(home, "bundles")},
		{"import", "customers", filepath.Join(home, "customers.csv"), "--mapping", filepath.Join(home, "mapping.yaml")},
		{"score"},
		{"publish"},
	} {
		if out, err := run(dir, "stamklant-office", append([]string{"--data", home}, args...)...); err != nil {
			return fmt.Errorf("stamklant-office %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// gardenHome is that folder, to be removed.
var gardenHome string

// gardenStore starts a server of the chain on the release of the first evening, and returns a till of it. No head office answers.
func gardenStore(t *testing.T, server, data string, flags ...string) (*process, *till) {
	t.Helper()
	home, err := garden()
	if err != nil {
		t.Fatal(err)
	}
	return storeOf(t, home, server, data, flags...)
}

// storeOf starts a server on the newest release of a head office.
func storeOf(t *testing.T, home, server, data string, flags ...string) (*process, *till) {
	t.Helper()
	enrolment := filepath.Join(home, "servers", server+".enrol.json")
	p := start(t, "stamklant-store", append([]string{
		"serve", "--enrol", enrolment, "--data", data, "--listen", "127.0.0.1:0", "--poll", "1s",
	}, flags...)...)
	store, _, _ := strings.Cut(server, "-")
	c := newTill(t, p.addr, data, store, "1")
	released(t, c, 1)
	return p, c
}

// english has the staff spoken to in English, on the devices of TEXTS.md.
func english(r *tillv1.LookupRequest) *tillv1.LookupRequest {
	r.StaffLanguage = "en"
	r.Abilities = &tillv1.Abilities{DisplayLines: 2, PrinterColumns: 42, BarCodes: true}
	return r
}

// goods is one line of a basket.
func goods(no int32, group string, pieces, minor int64) *outcomev1.Line {
	return &outcomev1.Line{No: no, Sku: group + "001", Group: group, QuantityMilli: 1000 * pieces, NetMinor: minor}
}

// paid makes a receipt of lines, paid by card at a moment.
func (c *till) paid(card, no string, at time.Time, lines ...*outcomev1.Line) *tillv1.RecordReceiptRequest {
	r := c.sale(card, no, 0, "EUR")
	r.StaffLanguage = "en"
	r.Receipt.Lines = lines
	for _, line := range lines {
		r.Receipt.TotalMinor += line.GetNetMinor()
	}
	r.Receipt.Tenders[0].AmountMinor = r.GetReceipt().GetTotalMinor()
	if !at.IsZero() {
		r.Receipt.EndedAt = timestamp(at)
		r.Receipt.Key.BusinessDate = at.Format(time.DateOnly)
	}
	return r
}
