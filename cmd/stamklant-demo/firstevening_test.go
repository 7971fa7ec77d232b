package main_test

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// blocks are the commands of a document, block by block, line by line.
func blocks(t *testing.T, path string) [][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "```sh":
			inside = true
			all = append(all, nil)
		case strings.HasPrefix(line, "```"):
			inside = false
		case inside && line != "":
			all[len(all)-1] = append(all[len(all)-1], line)
		}
	}
	return all
}

// workplace is a folder that looks like the repository after `make build`, with the real data beside it.
func workplace(t *testing.T) string {
	t.Helper()
	data := filepath.Dir(filepath.Dir(shared(t, "online_retail/online_retail.csv.gz")))
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	docs, err := filepath.Abs("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	place := filepath.Join(root, "p")
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{
		filepath.Join(root, "shared"): filepath.Dir(data), filepath.Join(place, "bin"): bin, filepath.Join(place, "docs"): docs,
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	return place
}

// sh runs one line of a document.
func sh(t *testing.T, place, line string, env ...string) string {
	t.Helper()
	cmd := exec.Command("bash", "-c", line)
	cmd.Dir, cmd.Env = place, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", line, err, out)
	}
	return string(out)
}

// The commands of docs/online-retail, exactly as they stand there, from the file to a customer's answer at the till.
func TestScenario24FirstEveningOnlineRetail(t *testing.T) {
	t.Parallel()
	place := workplace(t)
	commands := blocks(t, "../../docs/online-retail/README.md")
	if len(commands) != 4 {
		t.Fatalf("the document has %d blocks of commands, want 4", len(commands))
	}
	var said string
	for _, line := range append(commands[0], commands[1]...) {
		said += sh(t, place, line)
	}
	for _, total := range []string{
		"541909  lines read", "135080  lines without customer", "9288  lines of cancellations and returns, on 3836 receipts",
		"25900  receipts", "9747747.934  sum of quantity", "Dry run: nothing was kept", "4264 customers scored",
	} {
		if !strings.Contains(said, total) {
			t.Errorf("nothing says %q", total)
		}
	}
	sameScores(t, filepath.Join(place, "retail", "scores.csv"), "online_retail/expected_rfm_12m_20111209.csv.gz", 4264, map[string]string{
		"recency_days": "recency_days", "frequency": "frequency", "monetary_minor": "net_pence",
		"r": "r_score_T", "f": "f_score_T", "m": "net_pence_score_T",
	})
	if again := sh(t, place, commands[1][0]); !strings.Contains(again, " 0  new receipts") || !strings.Contains(again, "23796  receipts known already") {
		t.Errorf("a second import changes something:\n%s", again)
	}
	for _, line := range commands[2][:2] {
		sh(t, place, line)
	}
	args := strings.Fields(commands[2][2])
	if args[0] != "bin/stamklant-store" {
		t.Fatalf("the last command of the third block starts %s", args[0])
	}
	store := startIn(t, place, "stamklant-store", append(args[1:], "--listen", "127.0.0.1:0", "--poll", "1s")...)
	c := newTill(t, store.addr, filepath.Join(place, "retail", "store"), "online", "1")
	released(t, c, 1)
	answer := sh(t, place, commands[3][0], "STAMKLANT_TILL_ADDRESS="+store.addr)
	for _, word := range []string{"Lost customers", "points"} {
		if !strings.Contains(answer, word) {
			t.Errorf("the till does not say %q of customer 17850:\n%s", word, answer)
		}
	}
}

func TestScenario24FirstEveningCDNOW(t *testing.T) {
	t.Parallel()
	place := workplace(t)
	home := filepath.Join(place, "cdnow")
	for _, line := range []string{
		"mkdir -p cdnow && cp docs/cdnow/programme.yaml cdnow/",
		"bin/stamklant-office --data cdnow init --yes",
		"bin/stamklant-office --data cdnow import receipts ../shared/data/cdnow/cdnow_sample.csv.gz --mapping docs/cdnow/mapping.yaml",
		"bin/stamklant-office --data cdnow score --as-of 1998-06-30",
		"bin/stamklant-office --data cdnow export scores cdnow/scores.csv",
	} {
		sh(t, place, line)
	}
	sameScores(t, filepath.Join(home, "scores.csv"), "cdnow/expected_rfm_sample_12m_19980630.csv.gz", 812, map[string]string{
		"recency_days": "recency_days", "frequency": "frequency", "monetary_minor": "monetary_cents",
		"r": "r_score_T", "f": "f_score_T", "m": "monetary_cents_score_T",
	})
	again := sh(t, place, "bin/stamklant-office --data cdnow import receipts ../shared/data/cdnow/cdnow_sample.csv.gz --mapping docs/cdnow/mapping.yaml")
	if !strings.Contains(again, " 0  new receipts") {
		t.Errorf("a second import changes something:\n%s", again)
	}
}

// sameScores compares an export with scores that were computed elsewhere, column by column; customer numbers without leading zeros.
func sameScores(t *testing.T, export, expected string, accounts int, columns map[string]string) {
	t.Helper()
	file, err := os.Open(export)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ours := byNumber(t, csv.NewReader(file), "external_id")
	zipped, err := os.Open(shared(t, expected))
	if err != nil {
		t.Fatal(err)
	}
	defer zipped.Close()
	plain, err := gzip.NewReader(zipped)
	if err != nil {
		t.Fatal(err)
	}
	theirs := byNumber(t, csv.NewReader(plain), "customer_id")
	if len(theirs) != accounts {
		t.Fatalf("%s has %d customers, want %d", expected, len(theirs), accounts)
	}
	differences, scored := 0, 0
	for number, row := range ours {
		if row["r"] == "" {
			continue
		}
		scored++
		for mine, other := range columns {
			if row[mine] != theirs[number][other] {
				if differences++; differences <= 5 {
					t.Errorf("customer %s: %s is %q, want %q", number, mine, row[mine], theirs[number][other])
				}
			}
		}
	}
	if scored != accounts || differences > 0 {
		t.Errorf("%d customers scored, want %d; %d differences", scored, accounts, differences)
	}
}

func byNumber(t *testing.T, from *csv.Reader, key string) map[string]map[string]string {
	t.Helper()
	rows, err := from.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]map[string]string, len(rows))
	for _, row := range rows[1:] {
		named := make(map[string]string, len(row))
		for i, name := range rows[0] {
			named[name] = row[i]
		}
		all[strings.TrimLeft(named[key], "0")] = named
	}
	return all
}
