package main_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// A shop with pets: who buys feed every fortnight is asked when the bag must be nearly empty.
const (
	petProgramme = `
chain: Dierenwinkel
currency: EUR
time_zone: Europe/Amsterdam
languages: [en]
profiling: legitimate_interest
show_segment_to_cashier: true
stores: {d1: {name: Dierenwinkel}}
identifiers:
  - {name: card, kind: card, starts_with: "29001", length: 13, check: gs1, issued: 2900100000000-2900199999999}
groups: {feed: "501*", toys: "60*"}
scoring: {scores: 2, method: fixed, recency_cuts: [7], frequency_cuts: [6], monetary_cuts: [200.00]}
segments:
  here: {name: {en: Here}, codes: 222 221 212 211}
  away: {name: {en: Away}, codes: 122 121 112 111}
campaigns:
  feed-again:
    prompt: replenishment
    when: {runs_out: {feed: {at_most: 3}}, favourite_groups: feed, also: "customer.breadth == 1 && group.feed.days_to_replenish >= 0"}
`
	petMapping = `
list: receipts
receipt: [no]
customer: {column: card, is: identifier, namespace: card}
columns: {store: {constant: d1}, till: {constant: "9"}, date: date, receipt_no: no, sku: sku, group: group, amount: amount, quantity: {constant: "1"}}
`
)

// TestKnownCustomersAtTheTill: what head office knows of what a customer buys reaches the till where a campaign asks for it; what is bought there
// counts at once, and head office comes to the same afterwards.
func TestKnownCustomersAtTheTill(t *testing.T) {
	t.Parallel()
	const feeds, plays = "2900123456785", "2900100000017"
	home := t.TempDir()
	write(t, filepath.Join(home, "programme.yaml"), petProgramme)
	office(t, home, 0, "init", "--yes")
	today := time.Now()
	var rows strings.Builder
	rows.WriteString("no,card,date,sku,group,amount\n")
	for i := range 6 {
		fmt.Fprintf(&rows, "f%d,%s,%s,1,5010,30.00\n", i, feeds, today.AddDate(0, 0, -12-14*i).Format(time.DateOnly))
		fmt.Fprintf(&rows, "p%d,%s,%s,2,6010,3.00\n", i, plays, today.AddDate(0, 0, -12-i*i).Format(time.DateOnly))
	}
	office(t, home, 0, "import", "receipts", write(t, filepath.Join(home, "receipts.csv"), rows.String()),
		"--mapping", write(t, filepath.Join(home, "mapping.yaml"), petMapping))
	yesterday := today.AddDate(0, 0, -1).Format(time.DateOnly)
	office(t, home, 0, "score", "--as-of", yesterday)
	head := start(t, "stamklant-office", "--data", home, "serve", "--listen", "127.0.0.1:0")
	enrolment := filepath.Join(t.TempDir(), "d1.json")
	office(t, home, 0, "keys", "server", "d1-a", "--store", "d1", "--office", head.addr, "--out", enrolment)
	office(t, home, 0, "publish")
	data := t.TempDir()
	p := start(t, "stamklant-store", "serve", "--enrol", enrolment, "--data", data, "--listen", "127.0.0.1:0", "--poll", "1s")
	c := newTill(t, p.addr, data, "d1", "1")
	released(t, c, 1)

	if got := c.card(feeds); got.GetSuggestion().GetCampaign() != "feed-again" || got.GetSegment().GetCode() != "away" {
		t.Errorf("who must be out of feed in two days: %v", got)
	}
	if got := c.card(plays); got.GetSuggestion().GetCampaign() != "" || got.GetSegment().GetCode() != "away" {
		t.Errorf("who buys toys: %v", got)
	}

	// This afternoon she is here again, and the bag is full; until then, what is brought back brings her back to where she was.
	sold := c.sale(feeds, "1", 3000, "EUR")
	sold.Receipt.Lines = []*outcomev1.Line{{No: 1, Sku: "1", Group: "5010", QuantityMilli: 1000, NetMinor: 3000}}
	c.record(sold)
	if got := c.card(feeds).GetSegment().GetCode(); got != "here" {
		t.Errorf("after a purchase she is %q", got)
	}
	sold = c.sale(plays, "2", 300, "EUR")
	c.record(sold)
	back := c.sale(plays, "3", -300, "EUR")
	back.Receipt.Kind, back.Receipt.Original = outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, sold.GetReceipt().GetKey()
	back.Receipt.Lines = []*outcomev1.Line{{No: 1, Sku: "4501001", Group: "45010", QuantityMilli: -1000, NetMinor: -300, OriginalLine: 1}}
	c.record(back)
	if got := c.card(plays).GetSegment().GetCode(); got != "away" {
		t.Errorf("who brought all of it back is %q", got)
	}

	eventually(t, "head office has the receipts", func() bool {
		answer, err := c.GetStatus(t.Context(), &tillv1.GetStatusRequest{Caller: c.caller()})
		return err == nil && answer.GetOutboxWaiting() == 0
	})
	office(t, home, 0, "score", "--as-of", today.Format(time.DateOnly))
	before := c.status().GetMeta().GetRelease()
	office(t, home, 0, "publish")
	released(t, c, before+1)
	for card, want := range map[string]string{feeds: "here", plays: "away"} {
		if got := c.card(card); got.GetSegment().GetCode() != want || got.GetSuggestion().GetCampaign() != "" {
			t.Errorf("by head office %s is %q, want %q, and is told %q", card, got.GetSegment().GetCode(), want, got.GetSuggestion().GetCampaign())
		}
	}
}
