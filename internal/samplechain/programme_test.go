package samplechain_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/office/programme"
	"github.com/stamklant/stamklant/internal/samplechain"
	"github.com/stamklant/stamklant/internal/segment"
)

var update = flag.Bool("update", false, "write files/programme.json anew from files/programme.yaml.tmpl")

// content returns what is in a file.
func content(tb testing.TB, path string) []byte {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// read reads a chain's programme as head office does.
func read(tb testing.TB, config samplechain.Config) *programmev1.Programme {
	tb.Helper()
	c, err := samplechain.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "programme.yaml")
	var text bytes.Buffer
	if err := c.WriteProgramme(&text); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	document, err := programme.Read(path)
	if err != nil {
		tb.Fatal(err)
	}
	for _, problem := range programme.Check(document) {
		tb.Error(problem)
	}
	return document.Programme
}

func TestProgrammePassesTheCheck(t *testing.T) {
	t.Parallel()
	for _, stores := range []int{2, 12, 40} {
		got := read(t, samplechain.Config{LastDay: lastDay, Stores: stores, Accounts: 1})
		if len(got.GetStores()) != stores {
			t.Errorf("%d stores in the programme, want %d", len(got.GetStores()), stores)
		}
	}
}

func TestProgrammeForAStoreIsTheOneHeadOfficeReads(t *testing.T) {
	want := read(t, samplechain.Config{LastDay: samplechain.ReferenceDay})
	if *update {
		text, err := protojson.MarshalOptions{Multiline: true, UseProtoNames: true}.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("files/programme.json", append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Skip("files/programme.json is written; run the test again without -update")
	}
	for _, day := range []time.Time{samplechain.ReferenceDay, lastDay} {
		got, err := samplechain.Programme(day)
		if err != nil {
			t.Fatal(err)
		}
		if want := read(t, samplechain.Config{LastDay: day}); !proto.Equal(got, want) {
			t.Errorf("files/programme.json is not what the document says for %s: run go test -update", day.Format(time.DateOnly))
		}
	}
}

// rules are the chain's identifier rules.
func rules(tb testing.TB) *identify.Rules {
	tb.Helper()
	p, err := samplechain.Programme(lastDay)
	if err != nil {
		tb.Fatal(err)
	}
	rules, err := identify.Compile(p.GetIdentifiers())
	if err != nil {
		tb.Fatal(err)
	}
	return rules
}

func TestAllCardsAreRecognised(t *testing.T) {
	t.Parallel()
	rules := rules(t)
	seen := make(map[string]bool)
	for _, m := range samplechain.Magic() {
		seen[m.Number] = true
	}
	for customer := range chain(t, small).Customers() {
		for _, card := range customer.Cards {
			got := rules.Read([]byte(card.Number))
			if got.Outcome != identify.Card || !got.Issued || got.Namespace != samplechain.CardNamespace || got.Canonical != card.Number {
				t.Fatalf("card %s is read as %+v", card.Number, got)
			}
			if seen[card.Number] {
				t.Fatalf("card %s is in use twice", card.Number)
			}
			seen[card.Number] = true
		}
	}
}

func TestMagic(t *testing.T) {
	t.Parallel()
	rules := rules(t)
	names := make(map[string]string)
	for _, m := range samplechain.Magic() {
		names[m.Name] = m.Number
		got := rules.Read([]byte(m.Number))
		if got.Outcome != identify.Card || got.Canonical != m.Number {
			t.Errorf("%s: card %s is read as %+v", m.Name, m.Number, got)
		}
		if want := m.Outcome != tillv1.Outcome_OUTCOME_UNKNOWN_CARD; got.Issued != want {
			t.Errorf("%s: card %s issued: %v, want %v", m.Name, m.Number, got.Issued, want)
		}
		customer, registered := m.Customer(20_000)
		known := m.Outcome == tillv1.Outcome_OUTCOME_FOUND || m.Outcome == tillv1.Outcome_OUTCOME_BLOCKED
		if registered != known {
			t.Errorf("%s: registered %v, but answers %v", m.Name, registered, m.Outcome)
		}
		if registered && customer.Cards[0].Number != m.Number {
			t.Errorf("%s: account of card %s", m.Name, customer.Cards[0].Number)
		}
		if (m.Delay > 0) != (m.Name == "slow") || m.Stale != (m.Name == "stale") {
			t.Errorf("%s: delay %v, stale %v", m.Name, m.Delay, m.Stale)
		}
	}
	for _, name := range []string{"found", "champion", "new", "unknown", "blocked", "slow", "stale"} {
		if names[name] == "" {
			t.Errorf("no magic card %q", name)
		}
	}
	if names["found"] != "2900123456785" {
		t.Errorf("the card of all examples is %s", names["found"])
	}
}

// TestEverySegmentHasCustomers scores the chain as head office would: a demonstration needs somebody in each segment, and the magic
// champion to be one.
func TestEverySegmentHasCustomers(t *testing.T) {
	t.Parallel()
	p, err := samplechain.Programme(lastDay)
	if err != nil {
		t.Fatal(err)
	}
	segments, err := segment.Compile(p.GetSegments(), 5)
	if err != nil {
		t.Fatal(err)
	}
	asOf := int32(lastDay.Unix() / 86400)
	var scored []*customerv1.Values
	var days, visits, money []int64
	for customer := range chain(t, samplechain.Config{Seed: 1, Accounts: 5000}).Customers() {
		if v := customer.Account.GetValues(); v != nil {
			scored = append(scored, v)
			days = append(days, int64(asOf-v.GetLastReceiptDay()))
			visits = append(visits, v.GetFrequency())
			money = append(money, v.GetMonetaryMinor())
		}
	}
	slices.Sort(days)
	slices.Sort(visits)
	slices.Sort(money)
	cuts := &customerv1.CutPoints{
		RecencyDays: segment.CutPoints(days, 5), Frequency: segment.CutPoints(visits, 5), MonetaryMinor: segment.CutPoints(money, 5),
		AsOfDay: asOf,
	}
	counts := make(map[string]int)
	for _, v := range scored {
		counts[segments.Lookup(segment.Of(v, cuts))]++
	}
	t.Logf("%d scored: %v", len(scored), counts)
	for _, s := range p.GetSegments() {
		if s.GetCode() != "prospect" && 200*counts[s.GetCode()] < len(scored) { // prospects have no receipt
			t.Errorf("segment %s has %d of %d customers, want at least half a percent", s.GetCode(), counts[s.GetCode()], len(scored))
		}
	}
	for _, m := range samplechain.Magic() {
		customer, ok := m.Customer(asOf)
		if got := segments.Lookup(segment.Of(customer.Account.GetValues(), cuts)); ok && (got == "champions") != (m.Name == "champion") {
			t.Errorf("magic card %s is in segment %s", m.Name, got)
		}
	}
}
