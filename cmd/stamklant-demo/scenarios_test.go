package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
)

// capability is something the product is to have as a whole, on which steps of scenarios rest.
type capability string

const (
	// books are redeeming, allotments, vouchers, discounts of customer groups on lines, and the next step of a tier.
	books capability = "books"
	// decisions are surveys, quarantine, budgets and what a till cannot show.
	decisions capability = "decisions"
	// scoring is what head office reckons of its own customers, by the night.
	scoring capability = "scoring"
)

// have says which capabilities the product has. To set one is to promise every step that awaits it: while a step still does, no build passes.
var have = map[capability]bool{books: false, decisions: false, scoring: false}

// step is one thing a scenario promises: either a test of this package shows it, or it awaits a capability.
type step struct {
	does   string
	by     string
	awaits capability
}

// scenario is a piece of a shop's day.
type scenario struct {
	number int
	name   string
	steps  []step
}

// scenarios is the day at the till, and what shows each of its steps.
var scenarios = []scenario{
	{1, "Opening", []step{
		{does: "yesterday's files, head office away: SERVING, data_as_of told", by: "TestScenario01Opening"},
	}},
	{2, "A regular", []step{
		{does: "FOUND with tier, points and one suggestion", by: "TestScenario02ARegular"},
		{does: "ACCEPTED in the receipt, points added, texts within their lengths", by: "TestScenario02ARegular"},
		{does: "the same balance at the next lookup", by: "TestScenario02ARegular"},
	}},
	{3, "Card at the end", []step{
		{does: "twelve lines, card last: the same points", by: "TestScenario03CardAtTheEnd"},
	}},
	{4, "One card, many ways", []step{
		{does: "plain, AIM id, CR/LF, prefix, AZERTY, link: one account_ref", by: "TestScenario04OneCardManyWays"},
		{does: "wrong digit, weighed cheese, coupon", by: "TestScenario04OneCardManyWays"},
	}},
	{5, "Phone", []step{
		{does: "one number, however it is written; on two accounts: a masked choice", by: "TestScenario05Phone"},
		{does: "the seventh try in a minute is refused", by: "TestScenario05PhoneGuessing"},
	}},
	{6, "Lost and replaced", []step{
		{does: "old card: FOUND_REPLACED, points to the account", by: "TestScenario06LostAndReplaced"},
		{does: "old card: redeeming refused", awaits: books},
		{does: "blocked: neutral display, nothing on the receipt", by: "TestScenario06LostAndReplaced"},
	}},
	{7, "Merged", []step{
		{does: "a late receipt on the loser's card lands on the survivor", by: "TestScenario07Merged"},
		{does: "merged in a circle: refused, and nothing hangs", by: "TestScenario07InACircle"},
	}},
	{8, "Objection at the counter", []step{
		{does: "at the next till no segment, no suggestion; points go on", by: "TestScenario08ObjectionAtTheCounter"},
		{does: "head office has no scores, the other store within a cycle", by: "TestScenario08ObjectionAtTheCounter"},
		{does: "from head office to every till", by: "TestScenario08ObjectionFromHeadOffice"},
	}},
	{9, "Anonymous, child, sensitive", []step{
		{does: "who objected: points without segment", by: "TestScenario09NotToBeAddressed"},
		{does: "under age: neither segment nor suggestion", by: "TestScenario09NotToBeAddressed"},
		{does: "sensitive lines change no score", by: "TestScenario09SensitiveGroups"},
		{does: "sensitive lines change no offer and no question", awaits: decisions},
	}},
	{10, "Survey", []step{
		{does: "two lookups in one visit: the same verdict", by: "TestScenario10SameVerdict"},
		{does: "a Belgian French speaker is addressed in French", by: "TestScenario10SameVerdict"},
		{does: "eligible: a question in French, 9 on the pin pad", by: "TestScenario10Survey"},
		{does: "again within 90 days: none, in no store; never on a return", by: "TestScenario10Survey"},
		{does: "no answer in time: IGNORED, not asked again either", by: "TestScenario10Survey"},
		{does: "the holdout of a question is counted", awaits: decisions},
	}},
	{11, "Quiet hours and groups", []step{
		{does: "10:15 store time doubles plants, 18:15 does not", by: "TestScenario11QuietHours"},
		{does: "right on the day the clock changes", by: "TestScenario11QuietHours"},
		{does: "trade: the right is told", by: "TestScenario11QuietHours"},
		{does: "trade: 15 % taken off plants only; staff 20 % off everything", by: "TestScenario11QuietHours"},
		{does: "staff receipts absent from scores and cut points", awaits: scoring},
	}},
	{12, "Next tier", []step{
		{does: "crossed in this receipt: the tier reached, in words", by: "TestScenario12TierReached"},
		{does: "EUR 23.40 short: text and fields agree", awaits: books},
	}},
	{13, "Sent twice", []step{
		{does: "five times at once, also with new request ids: one entry, equal answers, replayed", by: "TestScenario13SentTwice"},
		{does: "to both servers: one set of entries at head office", by: "TestScenario13SentTwice"},
		{does: "fifty tills with all misbehaviour, servers killed: books to the point and the cent", by: "TestSimulate"},
		{does: "same key, other total: RECEIPT_CONFLICT, the first stands, listed", by: "TestHeadOfficeAwayAndStoreKilled"},
	}},
	{14, "Killed after commit", []step{
		{does: "killed at random points: exactly one entry, nothing lost", by: "TestCrash"},
		{does: "killed between what was written and its answer: one entry each, answered as written", by: "TestScenario14KilledAfterCommit"},
	}},
	{15, "Returns", []step{
		{does: "full: exactly reversed; three partial: the original; bought and returned ten times: nothing gained", by: "TestScenario15Returns"},
		{does: "redeemed points back once; owed after spending them", awaits: books},
	}},
	{16, "Return before its sale", []step{
		{does: "parked, then resolved; three days late, earned by the rules of the sale's day", by: "TestScenario16ReturnBeforeItsSale"},
		{does: "expiry uses the sale's time", awaits: books},
	}},
	{17, "Suspended", []step{
		{does: "a voucher held at till 1, recalled at till 4; elsewhere; let go", by: "TestScenario17Suspended"},
		{does: "points reserved against an allotment", awaits: books},
	}},
	{18, "Slow server", []step{
		{does: "2 s behind a proxy: given up at 150 ms, the sale completes", by: "TestScenario18SlowServer"},
		{does: "breaker after 2, tried again at a later sale, ≤ 300 ms per sale", by: "TestScenario18SlowServer"},
	}},
	{19, "Down for an hour in the rush", []step{
		{does: "400 receipts of many tills in within 60 s of the return", by: "TestScenario19DownInTheRush"},
		{does: "tills notice within 3 s; lookups fast meanwhile; no double points", by: "TestScenario19DownInTheRush"},
	}},
	{20, "Head office away for 7 days", []step{
		{does: "serves, stale for staff only; all delivered on return", by: "TestScenario20HeadOfficeAwayFor7Days"},
		{does: "redeeming follows allotments and policy", awaits: books},
	}},
	{23, "Standby", []step{
		{does: "unplugged during a lookup: the standby answers inside 150 ms", by: "TestScenario23Standby"},
		{does: "both unplugged: fail open, and the receipt follows", by: "TestScenario23Standby"},
		{does: "a voucher held at one cannot be used at the other", by: "TestScenario23Reservation"},
		{does: "points reserved on one cannot be spent on the other", awaits: books},
	}},
	{26, "New card", []step{
		{does: "NEW_CARD: points at once, at the next till, registered after sync", by: "TestScenario26NewCard"},
		{does: "outside every range: UNKNOWN_CARD", by: "TestScenario26NewCard"},
	}},
	{27, "Typed e-mail", []step{
		{does: "no trace in clear; head office reads it", by: "TestScenario27TypedEmail"},
		{does: "declined: not asked again for 90 days in this store", by: "TestScenario27Declined"},
		{does: "declined: not asked in other stores either", awaits: decisions},
	}},
	{28, "Till coupon", []step{
		{does: "a coupon from the store's pool: valid next day, once, without card", by: "TestScenario28TillCoupon"},
	}},
	{29, "Card forgotten", []step{
		{does: "claimed once, with the points the card would have given; too late", by: "TestScenario29CardForgotten"},
	}},
	{30, "Return elsewhere", []step{
		{does: "head office away: neutral text, nothing taken back; both synced: exactly reversed", by: "TestScenario30ReturnElsewhere"},
		{does: "after 200 days likewise", by: "TestScenario30ReturnElsewhere"},
	}},
	{31, "Two discounts", []step{
		{does: "a restricted group is capped on its line", by: "TestScenario31RestrictedGroup"},
		{does: "an offer beyond the bound is refused at check", by: "TestScenario31RestrictedGroup"},
		{does: "group and offer on one line: best or add", by: "TestScenario31TwoDiscounts"},
	}},
	{32, "A till that can do little", []step{
		{does: "2 × 20 display, 32 columns, no euro sign: texts fit", by: "TestScenario32SmallTill"},
		{does: "the survey moves to the receipt link, or TILL_CANNOT", by: "TestScenario32Survey"},
	}},
	{33, "Own scores", []step{
		{does: "a list with segment, tier and points: the same lookup", by: "TestScenario33OwnScores"},
	}},
	{34, "Promise kept", []step{
		{does: "the budget ends in between: granted, and counted", awaits: decisions},
	}},
}

// ran is how the tests of this package went, by name.
var ran = struct {
	sync.Mutex
	result map[string]string
}{result: map[string]string{}}

// note keeps how a test went, with all its parts; what failed once has failed.
func note(t *testing.T) {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	ran.Lock()
	defer ran.Unlock()
	switch {
	case t.Failed():
		ran.result[name] = "FAILED"
	case ran.result[name] == "FAILED":
	case t.Skipped():
		ran.result[name] = "skipped"
	default:
		ran.result[name] = "pass"
	}
}

// printScenarios prints scenario × step, once the tests of all steps have run.
func printScenarios(w io.Writer) {
	ran.Lock()
	defer ran.Unlock()
	passed, waiting := 0, map[capability]int{}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range scenarios {
		for _, step := range append(s.steps, alsoShown(s)...) {
			result := "awaits " + string(step.awaits)
			if step.awaits == "" {
				if result = ran.result[step.by]; result == "" {
					return // only some tests were asked for
				}
			}
			if result == "pass" {
				passed++
			} else {
				waiting[step.awaits]++
			}
			_, _ = fmt.Fprintf(table, "| %02d %s\t%s\t%s\n", s.number, s.name, step.does, result)
		}
	}
	_ = table.Flush()
	_, _ = fmt.Fprintf(w, "| %d steps pass; awaiting books %d, decisions %d, scoring %d\n", passed, waiting[books], waiting[decisions], waiting[scoring])
}

// alsoShown are steps for tests of a scenario that the table does not name.
func alsoShown(s scenario) []step {
	var steps []step
	prefix := fmt.Sprintf("TestScenario%02d", s.number)
	for name := range ran.result {
		if strings.HasPrefix(name, prefix) && !slices.ContainsFunc(s.steps, func(step step) bool { return step.by == name }) {
			steps = append(steps, step{does: name, by: name})
		}
	}
	slices.SortFunc(steps, func(a, b step) int { return strings.Compare(a.by, b.by) })
	return steps
}

// TestScenariosAreComplete holds the table against the tests that are there: every scenario has its line, every step is shown by a test or awaits a
// capability that is not built yet.
func TestScenariosAreComplete(t *testing.T) {
	t.Parallel()
	tests := testsHere(t)
	numbers := map[int]bool{}
	for _, s := range scenarios {
		numbers[s.number] = true
		for _, step := range s.steps {
			if (step.by == "") == (step.awaits == "") {
				t.Errorf("scenario %d, %q: is neither shown nor awaited, or both", s.number, step.does)
			}
			if step.by != "" && !slices.Contains(tests, step.by) {
				t.Errorf("scenario %d, %q: there is no %s", s.number, step.does, step.by)
			}
			if have[step.awaits] {
				t.Errorf("scenario %d, %q: %s are built now: write its test", s.number, step.does, step.awaits)
			}
		}
	}
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 23, 26, 27, 28, 29, 30, 31, 32, 33, 34} {
		if !numbers[n] {
			t.Errorf("scenario %d has no line", n)
		}
	}
}

// testsHere are the names of the tests of this package.
func testsHere(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}
