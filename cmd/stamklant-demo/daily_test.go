package main_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	nightProgramme = `
chain: Kaaswinkel
starts_from: [eleven-segments]
currency: EUR
time_zone: Europe/Amsterdam
languages: [en, nl]
profiling: legitimate_interest
stores:
  k1: {name: Kaaswinkel}
  k2: {name: Kaaswinkel aan de haven}
identifiers:
  - {name: card, kind: card, starts_with: "29001", length: 13, check: gs1, issued: 2900100000000-2900199999999}
points:
  earn:
    - {name: base, points: 1, per_euro: 1}
`
	nightMapping = `
list: receipts
receipt: [no]
customer: {column: customer, is: external_id}
columns:
  store: store
  till: {constant: "1"}
  time: {column: time, format: "YYYY-MM-DD HH:mm"}
  sku: sku
  quantity: quantity
  unit_price: price
`
	nightConfig = "lists:\n  - {files: 'receipts*.csv', mapping: mapping.yaml}\n"
	nightHeader = "no,customer,store,time,sku,quantity,price\n"
)

// lastNight is the day the tests close.
var lastNight = time.Date(2026, 10, 15, 0, 0, 0, 0, time.UTC)

// night is a head office with two stores, a server, and a nightly run to make.
type night struct {
	t    *testing.T
	home string
}

func newNight(t *testing.T) *night {
	t.Helper()
	n := &night{t: t, home: t.TempDir()}
	write(t, filepath.Join(n.home, "programme.yaml"), nightProgramme)
	write(t, filepath.Join(n.home, "daily.yaml"), nightConfig)
	write(t, filepath.Join(n.home, "mapping.yaml"), nightMapping)
	office(t, n.home, 0, "init", "--yes")
	office(t, n.home, 0, "keys", "server", "k1-a", "--store", "k1", "--bundles", filepath.Join(n.home, "bundles"))
	return n
}

// day is one day's receipts: so many per store, one line each.
func (n *night) day(day time.Time, receipts int, price string, stores ...string) string {
	var out strings.Builder
	for _, store := range stores {
		for i := range receipts {
			customer := (i*7 + int(day.Unix()/86400)*3) % 60
			fmt.Fprintf(&out, "%s-%s-%d,c%d,%s,%s %02d:30,cheese,%d,%s\n", store, day.Format("0102"), i, customer, store,
				day.Format(time.DateOnly), 9+i%9, 1+customer%4, price)
		}
	}
	return out.String()
}

// weeks are the five weeks before a day.
func (n *night) weeks(before time.Time) string {
	out := nightHeader
	for d := before.AddDate(0, 0, -35); d.Before(before); d = d.AddDate(0, 0, 1) {
		out += n.day(d, 20, "4.50", "k1", "k2")
	}
	return out
}

// arrives puts a file into the import folder.
func (n *night) arrives(name, text string) {
	n.t.Helper()
	write(n.t, filepath.Join(n.home, "incoming", name), text)
}

// closes runs the night for a day and expects an exit code and words.
func (n *night) closes(code int, day time.Time, words string, flags ...string) string {
	n.t.Helper()
	out := office(n.t, n.home, code, append([]string{"daily", "--as-of", day.Format(time.DateOnly)}, flags...)...)
	if !strings.Contains(out, words) {
		n.t.Errorf("daily %v does not say %q:\n%s", flags, words, out)
	}
	return out
}

// standing is what stands: the scores and the release.
func (n *night) standing() string {
	n.t.Helper()
	scores := filepath.Join(n.home, "scores.csv")
	office(n.t, n.home, 0, "export", "scores", scores)
	all := sha256.New()
	for _, path := range []string{scores, filepath.Join(n.home, "bundles", "servers", "k1-a", "current.skm")} {
		text, err := os.ReadFile(path)
		if err != nil {
			n.t.Fatal(err)
		}
		all.Write(text)
	}
	return fmt.Sprintf("%x", all.Sum(nil))
}

// waits expects a file in the import folder, or that it is gone to done/.
func (n *night) waits(name string, day time.Time, waiting bool) {
	n.t.Helper()
	_, in := os.Stat(filepath.Join(n.home, "incoming", name))
	_, done := os.Stat(filepath.Join(n.home, "incoming", "done", day.Format(time.DateOnly), name))
	if (in == nil) != waiting || (done == nil) == waiting {
		n.t.Errorf("%s: in the import folder %v, done %v; want it to wait: %v", name, in == nil, done == nil, waiting)
	}
}

func TestDailyTakesInScoresPublishes(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	before := lastNight.AddDate(0, 0, -1)
	n.arrives("receipts-history.csv", n.weeks(lastNight))
	out := n.closes(0, before, "publish")
	for _, step := range []string{"read", "take in", "1400 receipts", "score", "60 customers", "check", "no run to compare with", "to 1 servers"} {
		if !strings.Contains(out, step) {
			t.Errorf("the run does not say %q:\n%s", step, out)
		}
	}
	n.waits("receipts-history.csv", before, false)
	page, err := os.ReadFile(filepath.Join(n.home, "reports", "2026-10-14.html"))
	if err != nil || !strings.Contains(string(page), "Your customers on") || !strings.Contains(out, "customers came once") {
		t.Errorf("the page about the night is missing, or its sentences: %v\n%s", err, out)
	}

	// The next night a row cannot be read and a file is nobody's: the rest is done.
	n.arrives("receipts-1.csv", nightHeader+n.day(lastNight, 20, "4.50", "k1", "k2")+"x,c1,k1,yesterday,cheese,1,4.50\n")
	n.arrives("holiday.jpg", "not a list")
	stood := n.standing()
	out = n.closes(3, lastNight, "1 of 41 rows were rejected")
	if !strings.Contains(out, "holiday.jpg") || n.standing() == stood {
		t.Errorf("the night was not done, or nobody says what was left aside:\n%s", out)
	}
	n.waits("receipts-1.csv", lastNight, false)
	rejected, err := filepath.Glob(filepath.Join(n.home, "rejected", "receipts-1-*.csv"))
	if err != nil || len(rejected) != 1 {
		t.Errorf("rejected rows are not kept: %v, %v", rejected, err)
	}
	runs := office(t, n.home, 0, "runs")
	for _, word := range []string{"run 2  closes 2026-10-15  done with remarks", "run 1  closes 2026-10-14  done  ", "holiday.jpg", "publish"} {
		if !strings.Contains(runs, word) {
			t.Errorf("the list of runs does not say %q:\n%s", word, runs)
		}
	}
}

func TestDailyRefusesAndKeeps(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	n.arrives("receipts-history.csv", n.weeks(lastNight))
	n.closes(0, lastNight.AddDate(0, 0, -1), "publish")
	stood := n.standing()
	refused := func(name, text, words string) {
		t.Helper()
		if name != "" {
			n.arrives(name, text)
		}
		n.closes(5, lastNight, words)
		if n.standing() != stood {
			t.Errorf("%s: scores or release are no longer what they were", words)
		}
		if name != "" {
			n.waits(name, lastNight, true)
			if err := os.Remove(filepath.Join(n.home, "incoming", name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	refused("", "", "2026-10-15 has no receipt at all, where 40 are usual on a Thursday, and no file lies in the import folder")
	refused("receipts-1.csv", nightHeader, "has no receipt at all, where 40 are usual on a Thursday. If stores were closed")
	refused("receipts-1.csv", nightHeader+n.day(lastNight, 20, "4.50", "k1"), "store k2 has no receipt on 2026-10-15")
	refused("receipts-1.csv", nightHeader+n.day(lastNight, 200, "4.50", "k1", "k2"), "2026-10-15 has receipts of 400, where 40 is usual")
	refused("receipts-1.csv", nightHeader+n.day(lastNight, 20, "450", "k1", "k2"), "2026-10-15 has turnover of")

	// A file that fits no mapping, and a release that cannot be written.
	n.arrives("receipts-1.csv", "a,b\n1,2\n")
	n.closes(1, lastNight, "receipts-1.csv")
	if n.standing() != stood {
		t.Error("a file that cannot be read changed scores or release")
	}
	n.arrives("receipts-1.csv", nightHeader+n.day(lastNight, 20, "4.50", "k1"))
	chunks, aside := filepath.Join(n.home, "published"), filepath.Join(n.home, "aside")
	if err := os.Rename(chunks, aside); err != nil {
		t.Fatal(err)
	}
	write(t, chunks, "a file where a folder should be")
	n.closes(1, lastNight, "publish", "--accept-missing-store", "k2")
	if n.standing() != stood {
		t.Error("a release that could not be written changed the scores")
	}
	if err := os.Remove(chunks); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(aside, chunks); err != nil {
		t.Fatal(err)
	}
	n.closes(0, lastNight, "publish", "--accept-missing-store", "k2")
	if n.standing() == stood {
		t.Error("the night was done, and scores and release are what they were")
	}
	if runs := office(t, n.home, 0, "runs"); strings.Count(runs, "  refused  ") != 5 || strings.Count(runs, "  failed  ") != 2 || !strings.Contains(runs, "run 9  closes 2026-10-15  done  ") {
		t.Errorf("the list of runs:\n%s", runs)
	}
}

// killedAfter starts the night and ends its process, as a power cut would, once it says that a step has ended.
func (n *night) killedAfter(step string) {
	n.t.Helper()
	cmd := command(n.t, "stamklant-office", "--data", n.home, "daily", "--as-of", lastNight.Format(time.DateOnly))
	out, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	said := false
	for lines := bufio.NewScanner(out); lines.Scan() && !said; {
		said = strings.HasPrefix(strings.TrimSpace(lines.Text()), step+" ")
	}
	_ = cmd.Process.Kill() // it may have ended
	_ = cmd.Wait()         // how a killed process ended tells nothing
	if !said {
		n.t.Fatalf("the run never says that it did %q", step)
	}
}

// scores are what the table of scores holds.
func (n *night) scores() string {
	n.t.Helper()
	path := filepath.Join(n.home, "scores.csv")
	office(n.t, n.home, 0, "export", "scores", path)
	text, err := os.ReadFile(path)
	if err != nil {
		n.t.Fatal(err)
	}
	return string(text)
}

// A run that is killed after any of its steps leaves whole scores, those of before or its own, and the next run does the night.
func TestDailyKilled(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	n.arrives("receipts-history.csv", n.weeks(lastNight))
	n.closes(0, lastNight.AddDate(0, 0, -1), "publish")
	before := n.scores()
	n.arrives("receipts-1.csv", nightHeader+n.day(lastNight, 20, "4.50", "k1", "k2"))
	steps := []string{"Daily", "read", "take in", "score", "check", "publish"}
	for _, step := range steps {
		n.killedAfter(step)
		if after := n.scores(); after != before && step != "publish" {
			t.Errorf("killed after %q: the scores are neither kept nor published, and changed", step)
		}
	}
	n.closes(0, lastNight, "publish")
	if n.scores() == before {
		t.Error("after a whole run the scores are what they were")
	}
	// The last one may have come to its end before the power went.
	if runs := office(t, n.home, 0, "runs"); strings.Count(runs, "  cut off  ") < len(steps)-1 || !strings.Contains(runs, "run 8  closes 2026-10-15  done  ") {
		t.Errorf("the list of runs:\n%s", runs)
	}
}

func TestDailyThroughServer(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	head := start(t, "stamklant-office", "--data", n.home, "serve", "--listen", "127.0.0.1:0")
	n.arrives("receipts-history.csv", n.weeks(lastNight))
	n.closes(0, lastNight.AddDate(0, 0, -1), "to 1 servers")
	n.closes(5, lastNight, "has no receipt at all")
	n.closes(0, lastNight, "publish", "--accept-empty-day")
	runs := office(t, n.home, 0, "runs", "--limit", "2")
	if !strings.Contains(runs, "run 3  closes 2026-10-15  done") || !strings.Contains(runs, "run 2  closes 2026-10-15  refused") || strings.Contains(runs, "run 1 ") {
		t.Errorf("the list of runs:\n%s", runs)
	}
	head.stop()
}
