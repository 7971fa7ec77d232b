package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// A small shop that brings its own scores, and no receipt at all.
const (
	ownProgramme = `
chain: Kaaswinkel
starts_from: [eleven-segments]
currency: EUR
time_zone: Europe/Amsterdam
languages: [en, nl]
profiling: legitimate_interest
show_segment_to_cashier: true
scoring: imported
stores:
  k1: {name: Kaaswinkel}
identifiers:
  - {name: card, kind: card, starts_with: "29001", length: 13, check: gs1, issued: 2900100000000-2900199999999}
tiers:
  - {code: basic, name: {en: Basic, nl: Basis}}
  - {code: gold, name: {en: Gold, nl: Goud}, reach_any: [{spend: 750.00}]}
points:
  earn:
    - {name: base, points: 1, per_euro: 1}
campaigns:
  thanks:
    prompt: thanks
    when: {segments: [champions]}
`
	ownMapping = `
list: customers
customer: {column: no, is: external_id}
identifiers:
  - {column: card, namespace: card}
columns: {segment: segment, r: r, f: f, m: m, tier: tier, points: points}
`
	ownCustomers = "no,card,segment,r,f,m,tier,points\n" +
		"1,2900123456785,champions,5,5,5,gold,1245\n" +
		"2,2900100000017,hibernating,2,2,2,basic,12\n"
)

// shop makes a head office with the shop's programme and enrols one server in store k1.
func shop(t *testing.T) (home, enrolment string) {
	t.Helper()
	home = t.TempDir()
	write(t, filepath.Join(home, "programme.yaml"), ownProgramme)
	office(t, home, 0, "init", "--yes")
	office(t, home, 0, "keys", "server", "k1-a", "--store", "k1", "--bundles", filepath.Join(home, "bundles"))
	return home, filepath.Join(home, "servers", "k1-a.enrol.json")
}

// serveStore starts a store's server and returns a till of it.
func serveStore(t *testing.T, enrolment, data string) (*process, *till) {
	t.Helper()
	p := start(t, "stamklant-store", "serve", "--enrol", enrolment, "--data", data, "--listen", "127.0.0.1:0", "--poll", "1s")
	return p, newTill(t, p.addr, data, "k1", "1")
}

// released waits until the store serves at least a manifest version.
func released(t *testing.T, c *till, version uint64) {
	t.Helper()
	eventually(t, "the store runs the newest release", func() bool {
		answer, err := c.GetStatus(t.Context(), &tillv1.GetStatusRequest{Caller: c.caller()})
		return err == nil && answer.GetMeta().GetRelease() >= version
	})
}

// importOwn imports the shop's own scores.
func importOwn(t *testing.T, home string) {
	t.Helper()
	dir := t.TempDir()
	office(t, home, 0, "import", "customers", write(t, filepath.Join(dir, "customers.csv"), ownCustomers),
		"--mapping", write(t, filepath.Join(dir, "mapping.yaml"), ownMapping))
}

func TestScenario33OwnScores(t *testing.T) {
	t.Parallel()
	home, enrolment := shop(t)
	importOwn(t, home)
	office(t, home, 0, "score")
	office(t, home, 0, "publish")
	_, c := serveStore(t, enrolment, t.TempDir())
	released(t, c, 1)

	champion := c.card("2900123456785")
	if champion.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || champion.GetSegment().GetCode() != "champions" ||
		champion.GetLoyalty().GetTier() != "gold" || champion.GetLoyalty().GetPointsAvailable() != 1245 ||
		champion.GetSuggestion().GetCampaign() != "thanks" {
		t.Errorf("the champion's answer is not what the list said: %v", champion)
	}
	quiet := c.card("2900100000017")
	if quiet.GetSegment().GetCode() != "hibernating" || quiet.GetLoyalty().GetPointsAvailable() != 12 || quiet.GetSuggestion().GetNone() == nil {
		t.Errorf("the other customer's answer is not what the list said: %v", quiet)
	}
}

// The balance at the till is the same before, between and after: earned, delivered, published, applied; twice over, with receipts arriving
// meanwhile.
func TestBalanceHoldsThroughDeliveryAndPublication(t *testing.T) {
	t.Parallel()
	home, _ := shop(t)
	importOwn(t, home)
	office(t, home, 0, "publish")
	head := start(t, "stamklant-office", "--data", home, "serve", "--listen", "127.0.0.1:0")
	enrolment := filepath.Join(t.TempDir(), "k1-b.json")
	office(t, home, 0, "keys", "server", "k1-b", "--store", "k1", "--office", head.addr, "--out", enrolment)
	office(t, home, 0, "publish")
	_, c := serveStore(t, enrolment, t.TempDir())
	released(t, c, 1)

	want := int64(1245)
	expect := func(when string) {
		t.Helper()
		if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != want {
			t.Fatalf("%s: %d points, want %d", when, got, want)
		}
	}
	expect("at first")
	sell := func(no string, euros int64) {
		t.Helper()
		answer := c.record(c.sale("2900123456785", no, euros*100, "EUR"))
		want += euros
		if answer.GetPoints() != euros || answer.GetLoyalty().GetPointsAvailable() != want {
			t.Fatalf("receipt %s: booked %d, then %d points; want %d and %d", no, answer.GetPoints(), answer.GetLoyalty().GetPointsAvailable(), euros, want)
		}
		expect("after receipt " + no)
	}
	for round, no := range []string{"a", "b"} {
		sell(no+"1", 47)
		eventually(t, "receipts are delivered", func() bool { expect("while delivering"); return c.status().GetOutboxWaiting() == 0 })
		sell(no+"2", 5) // not delivered yet, or just so: either way it counts once
		before := c.status().GetMeta().GetRelease()
		office(t, home, 0, "publish")
		sell(no+"3", 11)
		eventually(t, "the new release serves", func() bool { expect("while applying"); return c.status().GetMeta().GetRelease() > before })
		expect([]string{"after the first round", "after the second round"}[round])
	}
}

func TestHeadOfficeAwayAndStoreKilled(t *testing.T) {
	t.Parallel()
	home, _ := shop(t)
	importOwn(t, home)
	head := start(t, "stamklant-office", "--data", home, "serve", "--listen", "127.0.0.1:0")
	enrolment := filepath.Join(t.TempDir(), "k1-b.json")
	office(t, home, 0, "keys", "server", "k1-b", "--store", "k1", "--office", head.addr, "--out", enrolment)
	office(t, home, 0, "publish")
	data := t.TempDir()
	store, c := serveStore(t, enrolment, data)
	released(t, c, 1)

	head.kill()
	first := c.sale("2900123456785", "1", 4700, "EUR")
	booked := c.record(first)
	if booked.GetPoints() != 47 || c.card("2900123456785").GetLoyalty().GetPointsAvailable() != 1292 {
		t.Fatalf("without head office: %v", booked)
	}
	// A power cut right after the acknowledgement.
	store.kill()
	store, c = serveStore(t, enrolment, data)
	if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != 1292 {
		t.Fatalf("after the power cut: %d points, want 1292", got)
	}
	again := c.record(first)
	if !again.GetMeta().GetReplayed() || again.GetPoints() != booked.GetPoints() || strings.Join(again.GetReceipt().GetLines(), "|") != strings.Join(booked.GetReceipt().GetLines(), "|") {
		t.Errorf("a re-send is not answered as the first time: %v, then %v", booked, again)
	}
	changed := c.sale("2900123456785", "1", 4800, "EUR")
	if _, err := c.RecordReceipt(t.Context(), changed); status.Code(err) != codes.AlreadyExists || !strings.Contains(reasonOf(err), "RECEIPT_CONFLICT") {
		t.Errorf("other content under the same key: %v", err)
	}
	// Head office is back: everything arrives, once.
	head = start(t, "stamklant-office", "--data", home, "serve", "--listen", head.addr)
	eventually(t, "everything is delivered", func() bool { return c.status().GetOutboxWaiting() == 0 })
	if out := office(t, home, 0, "conflicts"); !strings.Contains(out, "4700") || !strings.Contains(out, "4800") {
		t.Errorf("head office does not list the conflict:\n%s", out)
	}
	if out := office(t, home, 0, "publish"); !strings.Contains(out, "Published 2 accounts") {
		t.Errorf("publish: %s", out)
	}
	released(t, c, 2)
	if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != 1292 {
		t.Errorf("after delivery and publication: %d points, want 1292", got)
	}
	store.stop()
	head.stop()
}

func TestJobsWithAndWithoutServer(t *testing.T) {
	t.Parallel()
	home, _ := shop(t)
	importOwn(t, home)
	office(t, home, 0, "score")
	office(t, home, 0, "publish")

	head := start(t, "stamklant-office", "--data", home, "serve", "--listen", "127.0.0.1:0")
	if out := office(t, home, 0, "score"); !strings.Contains(out, "scored") {
		t.Errorf("score through the server says %q", out)
	}
	office(t, home, 0, "publish")
	if out := office(t, home, 1, "serve", "--listen", "127.0.0.1:0"); !strings.Contains(out, head.addr) {
		t.Errorf("a second server does not name the first: %s", out)
	}
	// Without the address file the lock is all there is to see.
	address := filepath.Join(home, "office.addr")
	kept, err := os.ReadFile(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(address); err != nil {
		t.Fatal(err)
	}
	if out := office(t, home, 1, "score"); !strings.Contains(out, "office.addr") || !strings.Contains(out, "inbox.db") {
		t.Errorf("the error does not name the locked file and the missing one: %s", out)
	}
	write(t, address, string(kept))
	head.kill() // leaves the address file behind
	out := office(t, home, 1, "score")
	if !strings.Contains(out, "office.addr") || !strings.Contains(out, "remove") {
		t.Errorf("the error does not say what to do about the stale address: %s", out)
	}
	if err := os.Remove(address); err != nil {
		t.Fatal(err)
	}
	office(t, home, 0, "score")
}

// The memory that head office is given is what its database takes: a list that does not fit in it is not read, and is with more.
func TestMemoryOfHeadOffice(t *testing.T) {
	t.Parallel()
	home, _ := shop(t)
	list := write(t, filepath.Join(t.TempDir(), "customers.csv"), ownCustomers)
	read := []string{"import", "customers", list, "--mapping", write(t, filepath.Join(t.TempDir(), "mapping.yaml"), ownMapping)}
	if said := office(t, home, 1, append([]string{"--memory", "much"}, read...)...); !strings.Contains(said, "much") || !strings.Contains(said, "4GB") {
		t.Errorf("what is no amount is refused with %q", said)
	}
	if said := office(t, home, 1, append([]string{"--memory", "1KB"}, read...)...); !strings.Contains(said, "--memory") {
		t.Errorf("too little is refused with %q", said)
	}
	office(t, home, 0, append([]string{"--memory", "256MB"}, read...)...)
}
