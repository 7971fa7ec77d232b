package main_test

import (
	"bytes"
	"encoding/base32"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

const (
	champion = "2900123456785"
	quiet    = "2900100000017"
	longAgo  = "2900100000024"
)

// Two stores under one head office that serves, each with a till; the customers of the small shop, and one more with more status and less money.
func twoStores(t *testing.T) (home string, data [2]string, tills [2]*till) {
	t.Helper()
	home, _ = shop(t)
	dir := t.TempDir()
	importList(t, home, dir, ownCustomers+"3,"+longAgo+",lost,1,1,1,gold,30\n")
	head := start(t, "stamklant-office", "--data", home, "serve", "--listen", "127.0.0.1:0")
	office(t, home, 0, "publish")
	for i, server := range []string{"k1-b", "k1-c"} {
		enrolment := filepath.Join(dir, server+".json")
		office(t, home, 0, "keys", "server", server, "--store", "k1", "--office", head.addr, "--out", enrolment)
		data[i] = t.TempDir()
		office(t, home, 0, "publish")
		p := start(t, "stamklant-store", "serve", "--enrol", enrolment, "--data", data[i], "--listen", "127.0.0.1:0", "--poll", "1s", "--quiet", "1s")
		tills[i] = newTill(t, p.addr, data[i], "k1", []string{"1", "2"}[i])
	}
	for _, c := range tills {
		released(t, c, 1)
	}
	return home, data, tills
}

// importList imports a customer list.
func importList(t *testing.T, home, dir, list string) {
	t.Helper()
	office(t, home, 0, "import", "customers", write(t, filepath.Join(dir, "list.csv"), list), "--mapping", write(t, filepath.Join(dir, "mapping.yaml"), ownMapping))
}

// publishTo publishes and waits until both tills' stores serve it.
func publishTo(t *testing.T, home string, tills [2]*till) {
	t.Helper()
	before := map[*till]uint64{}
	for _, c := range tills {
		before[c] = c.status().GetMeta().GetRelease()
	}
	office(t, home, 0, "publish")
	within(t, "the release serves", tills, func(c *till) bool { return c.status().GetMeta().GetRelease() > before[c] })
}

// within waits until all tills say what is wanted, and returns how long that took.
func within(t *testing.T, what string, tills [2]*till, holds func(c *till) bool) time.Duration {
	t.Helper()
	began := time.Now()
	for _, c := range tills {
		eventually(t, what, func() bool { return holds(c) })
	}
	return time.Since(began)
}

func TestScenario07Merged(t *testing.T) {
	t.Parallel()
	home, _, tills := twoStores(t)
	sold := tills[0].record(tills[0].sale(longAgo, "1", 1000, "EUR")) // on the account that ends, in the first store
	if sold.GetLoyalty().GetPointsAvailable() != 40 {
		t.Fatalf("before: %v", sold)
	}
	eventually(t, "it is delivered", func() bool { return tills[0].status().GetOutboxWaiting() == 0 })
	office(t, home, 0, "merge", "--card", longAgo, "--into-customer", "2")
	if out := office(t, home, 1, "merge", "--card", longAgo, "--into-card", quiet); !strings.Contains(out, "one account already") {
		t.Errorf("merged again: %s", out)
	}
	took := within(t, "the lane's word is there", tills, func(c *till) bool {
		return c.card(longAgo).GetOutcome() == tillv1.Outcome_OUTCOME_FOUND_MERGED
	})
	t.Logf("from head office to two tills, with a poll of 1 s: %s", took)
	// The first store knows of the sale; the other will with the next release.
	if got := tills[0].card(quiet).GetLoyalty(); got.GetPointsAvailable() != 52 || got.GetTier() != "gold" {
		t.Errorf("both in one, where the sale was: %v", got)
	}
	if got := tills[1].card(quiet).GetLoyalty(); got.GetPointsAvailable() != 42 || got.GetTier() != "gold" {
		t.Errorf("both in one, elsewhere: %v", got)
	}
	if a := tills[0].record(tills[0].sale(longAgo, "2", 500, "EUR")); a.GetPoints() != 5 || a.GetLoyalty().GetPointsAvailable() != 57 || a.GetAccountRef() != tills[0].card(quiet).GetAccountRef() {
		t.Errorf("a receipt on the card of the account that ended: %v", a)
	}
	eventually(t, "it is delivered", func() bool { return tills[0].status().GetOutboxWaiting() == 0 })
	all := func(when string, points int64) {
		t.Helper()
		for i, c := range tills {
			for _, card := range []string{quiet, longAgo} {
				if got := c.card(card).GetLoyalty(); got.GetPointsAvailable() != points || got.GetTier() != "gold" {
					t.Errorf("%s, store %d, %s: %v, want %d points", when, i+1, card, got, points)
				}
			}
			if got := c.card(longAgo).GetOutcome(); got != tillv1.Outcome_OUTCOME_FOUND_MERGED {
				t.Errorf("%s, store %d: %s", when, i+1, got)
			}
		}
	}
	publishTo(t, home, tills)
	all("published", 57)
	// Old lists change nothing; a week later the card still leads there.
	importList(t, home, t.TempDir(), ownCustomers+"3,"+longAgo+",lost,1,1,1,gold,30\n")
	office(t, home, 0, "score")
	publishTo(t, home, tills)
	for _, c := range tills {
		if got := c.card(longAgo).GetLoyalty().GetPointsAvailable(); got != 57 {
			t.Errorf("after old lists were imported again: %d points, want 57", got)
		}
	}
}

func TestScenario08ObjectionFromHeadOffice(t *testing.T) {
	t.Parallel()
	home, _, tills := twoStores(t)
	for _, c := range tills {
		if a := c.card(champion); a.GetSegment() == nil || a.GetSuggestion().GetCampaign() != "thanks" {
			t.Fatalf("before: %v", a)
		}
	}
	office(t, home, 0, "object", "--customer", "1", "--reason", "by letter")
	took := within(t, "the objection holds", tills, func(c *till) bool {
		a := c.card(champion)
		return a.GetSegment() == nil && a.GetSuggestion() == nil && a.GetLoyalty().GetPointsAvailable() == 1245
	})
	t.Logf("from head office to two tills, with a poll of 1 s: %s", took)
	if a := tills[0].record(tills[0].sale(champion, "1", 4700, "EUR")); a.GetPoints() != 47 {
		t.Errorf("points no longer work: %v", a)
	}
	if out := office(t, home, 1, "allow", "--customer", "1"); !strings.Contains(out, "holds for a day") {
		t.Errorf("allowed on the same day: %s", out)
	}
	// At head office there are no scores, whatever old lists say.
	importOwn(t, home)
	office(t, home, 0, "score")
	scores := filepath.Join(t.TempDir(), "scores.csv")
	office(t, home, 0, "export", "scores", scores)
	text, err := os.ReadFile(scores)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("champions")) || !bytes.Contains(text, []byte("hibernating")) {
		t.Errorf("scores at head office:\n%s", text)
	}
	publishTo(t, home, tills)
	for _, c := range tills {
		if a := c.card(champion); a.GetSegment() != nil || a.GetSuggestion() != nil {
			t.Errorf("published: %v", a)
		}
	}
}

func TestBlockedAtOnce(t *testing.T) {
	t.Parallel()
	home, _, tills := twoStores(t)
	is := func(outcome tillv1.Outcome) func(c *till) bool {
		return func(c *till) bool { return c.card(quiet).GetOutcome() == outcome }
	}
	for _, by := range [][]string{{"--card", quiet}, {"--customer", "2"}} {
		office(t, home, 0, append([]string{"block"}, by...)...)
		within(t, "blocked", tills, is(tillv1.Outcome_OUTCOME_BLOCKED))
		office(t, home, 0, "publish")
		office(t, home, 0, append([]string{"unblock"}, by...)...)
		within(t, "no longer blocked", tills, is(tillv1.Outcome_OUTCOME_FOUND))
	}
	if out := office(t, home, 1, "block", "--customer", "nobody"); !strings.Contains(out, "nobody is known") {
		t.Errorf("a customer nobody knows: %s", out)
	}
}

func TestScenario25Erasure(t *testing.T) {
	t.Parallel()
	home, data, tills := twoStores(t)
	ref := tills[0].card(champion).GetAccountRef()
	account, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(ref)
	if err != nil {
		t.Fatal(err)
	}
	sale := tills[0].sale(champion, "1", 4700, "EUR")
	tills[0].record(sale)
	for i := range 200 {
		tills[1].record(tills[1].sale(champion, "many-"+string(rune('a'+i/26))+string(rune('a'+i%26)), 100, "EUR"))
	}
	for i, c := range tills {
		eventually(t, "all is delivered", func() bool { return c.status().GetOutboxWaiting() == 0 })
		if !lies(t, data[i], account) {
			t.Errorf("store %d: the account's key is nowhere: what is searched?", i+1)
		}
	}
	nothingInClear(t, data, "at first")
	office(t, home, 2, "erase", "--card", champion) // says that it is meant, or nothing happens
	office(t, home, 0, "erase", "--card", champion, "--yes")
	took := within(t, "erased", tills, func(c *till) bool { return c.card(champion).GetOutcome() == tillv1.Outcome_OUTCOME_UNKNOWN_CARD })
	t.Logf("from head office to two tills, with a poll of 1 s: %s", took)
	if a := sendsAgain(t, tills[0], tills[0].sale(champion, "late", 2000, "EUR")); a.GetProvisional() || a.GetPoints() != 0 {
		t.Errorf("a late receipt: %v", a)
	}
	if out := office(t, home, 0, "servers"); strings.Count(out, "0 of 1") != 3 {
		t.Errorf("servers say they are done before any release:\n%s", out)
	}
	// Old lists do not bring the customer back.
	importOwn(t, home)
	office(t, home, 0, "score")
	publishTo(t, home, tills)
	done := regexp.MustCompile(`k1-[bc] .* 1 of 1 `)
	eventually(t, "both servers say that they hold nothing more", func() bool { return len(done.FindAllString(office(t, home, 0, "servers"), -1)) == 2 })
	for i, c := range tills {
		if a := c.card(champion); a.GetOutcome() != tillv1.Outcome_OUTCOME_UNKNOWN_CARD {
			t.Errorf("store %d after old lists: %v", i+1, a)
		}
		for name, what := range map[string][]byte{"the account's id": account, "the card": []byte(champion)} {
			if lies(t, data[i], what) {
				t.Errorf("store %d: %s is still in a file", i+1, name)
			}
		}
	}
	nothingInClear(t, data, "at the end")
	if out := office(t, home, 1, "object", "--customer", "1"); !strings.Contains(out, "nobody is known") {
		t.Errorf("head office still knows the customer: %s", out)
	}
	// A till that sends again what it recorded before gets an answer without anything of the customer.
	if a := sendsAgain(t, tills[0], sale); !a.GetMeta().GetReplayed() || a.GetLoyalty() != nil || a.GetAccountRef() != "" {
		t.Errorf("sent again: %v", a)
	}
}

// sendsAgain records a receipt as a till does: while the journal is being written anew it keeps the receipt and tries again.
func sendsAgain(t *testing.T, c *till, request *tillv1.RecordReceiptRequest) (answer *tillv1.RecordReceiptResponse) {
	t.Helper()
	eventually(t, "the receipt is recorded", func() bool {
		var err error
		answer, err = c.RecordReceipt(t.Context(), request)
		if err != nil && status.Code(err) != codes.Unavailable {
			t.Fatal(err)
		}
		return err == nil
	})
	return answer
}

// lies reports whether any file of a store holds these bytes, as they are, in hex or in base32.
func lies(t *testing.T, dir string, what []byte) bool {
	t.Helper()
	found := false
	forms := [][]byte{what, []byte(hex.EncodeToString(what)), []byte(strings.ToUpper(hex.EncodeToString(what))),
		[]byte(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(what))}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // a file that went meanwhile holds nothing
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // likewise
		}
		for _, form := range forms {
			found = found || bytes.Contains(text, form)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// nothingInClear looks for card numbers, segments, texts and balances in all files of the stores.
func nothingInClear(t *testing.T, data [2]string, when string) {
	t.Helper()
	for i, dir := range data {
		for _, what := range []string{champion, quiet, longAgo, champion[:12], "champions", "hibernating", "Kaaswinkel", "1245"} {
			if lies(t, dir, []byte(what)) {
				t.Errorf("%s, store %d: %q lies in clear", when, i+1, what)
			}
		}
	}
}
