package replica_test

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestBitRot damages what lies on a server's disk, one fault at a time, and asks for everything, and for what is not there, through the damage: an
// answer is right, or an error; never another customer's, never "unknown" for one that is known.
func TestBitRot(t *testing.T) {
	t.Parallel()
	if os.Getenv("STAMKLANT_ROT") != "" {
		rotChild(t)
		return
	}
	rot(t, 300)
}

// TestSoakBitRot is TestBitRot ten thousand times over, or as often as STAMKLANT_FAULTS says.
func TestSoakBitRot(t *testing.T) {
	if os.Getenv("STAMKLANT_SOAK") == "" {
		t.Skip("long: runs with make soak")
	}
	faults, err := strconv.Atoi(os.Getenv("STAMKLANT_FAULTS"))
	if err != nil {
		faults = 10_000
	}
	rot(t, faults)
}

const (
	rotCustomers = 300
	rotReceipts  = 40 // in the journal
	rotBackedUp  = 30 // of them, in its back-up
	// rotWithin is how long a server may take from its death to serving the previous file.
	rotWithin = 2 * time.Second
	// rotChanged is how many points every third customer has more in the second release.
	rotChanged = 1000
)

// rot does the faults in child processes: a branch page that leads in a circle ends a process, and what starts after it must serve.
func rot(t *testing.T, faults int) {
	t.Helper()
	good := rotGood(t)
	work := t.TempDir()
	totals, slowest := map[string]int{}, time.Duration(0)
	for seed := 0; seed < faults; {
		at, ended := rotFrom(t, good, work, seed, faults, totals)
		if seed = at; !ended {
			continue
		}
		if t.Failed() {
			t.Fatalf("after %d of %d faults", seed+1, faults)
		}
		// The process ended over this fault. A service unit starts the next at once.
		took := rotAgain(t, good, work, seed, totals)
		slowest = max(slowest, took)
		seed++
	}
	t.Logf("%d faults; slowest restart after the process ended: %s", faults, slowest.Round(time.Millisecond))
	for _, what := range slices.Sorted(maps.Keys(totals)) {
		t.Logf("%7d  %s", totals[what], what)
	}
	if faults >= 1000 && slowest == 0 {
		t.Error("no fault ended the process: no restart was seen")
	}
	if slowest > rotWithin {
		t.Errorf("a server that ended served again after %s, within %s it must", slowest, rotWithin)
	}
}

func rotCommand(good, work string, seed, faults int, again bool) *exec.Cmd {
	child := exec.Command(os.Args[0], "-test.run=^TestBitRot$")
	child.Env = append(os.Environ(), "STAMKLANT_ROT="+strconv.Itoa(seed), "STAMKLANT_ROT_TO="+strconv.Itoa(faults),
		"STAMKLANT_ROT_GOOD="+good, "STAMKLANT_ROT_WORK="+work, "STAMKLANT_ROT_AGAIN="+strconv.FormatBool(again))
	return child
}

// rotFrom runs a child from a seed on. It reports where it came to, and whether it ended over that one.
func rotFrom(t *testing.T, good, work string, seed, faults int, totals map[string]int) (at int, ended bool) {
	t.Helper()
	child := rotCommand(good, work, seed, faults, false)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var says strings.Builder
	child.Stderr = &says
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	doing := ""
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		kind, rest, _ := strings.Cut(lines.Text(), " ")
		switch kind {
		case "doing":
			doing = rest
		case "done":
			verdict, _, _ := strings.Cut(rest, ":")
			totals[doing+": "+verdict]++
			if seed++; verdict == "WRONG" {
				t.Errorf("fault %d (%s): %s", seed-1, doing, rest)
			}
			doing = ""
		}
	}
	if err := child.Wait(); err == nil {
		return seed, false
	}
	if doing == "" {
		t.Fatalf("the child ended between faults, at %d: %s", seed, says.String())
	}
	totals[doing+": the process ended"]++
	if strings.Contains(doing, " leaf ") || !strings.HasPrefix(doing, "generation") {
		t.Errorf("fault %d (%s) ended the process:\n%.2000s", seed, doing, says.String())
	}
	return seed, true
}

// rotAgain starts a server on the damaged files another one ended over.
func rotAgain(t *testing.T, good, work string, seed int, totals map[string]int) time.Duration {
	t.Helper()
	began := time.Now()
	child := rotCommand(good, work, seed, seed+1, true)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	took, verdict := time.Hour, "nothing"
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if lines.Text() == "serves" {
			took = time.Since(began)
		}
		if rest, ok := strings.CutPrefix(lines.Text(), "done "); ok {
			verdict = rest
		}
	}
	if err := child.Wait(); err != nil || verdict != "the previous release serves" {
		t.Errorf("fault %d: after the process ended over it: %s (%v)", seed, verdict, err)
	}
	totals["after the process ended: "+verdict]++
	return took
}

// rotGood is the folder of a server in good order: two releases, a journal, a back-up of it, and what the tests need to know of them.
func rotGood(t *testing.T) string {
	t.Helper()
	c := newChain(t, rotCustomers)
	for n := range 60 {
		c.erased = append(c.erased, [16]byte(digest("erased", n)[:16]))
	}
	slices.SortFunc(c.erased, func(a, b [16]byte) int { return slices.Compare(a[:], b[:]) })
	s := c.server("amsterdam-1")
	c.publish()
	s.open()
	s.apply()
	for n := 0; n < rotCustomers; n += 3 {
		c.balances[n] += rotChanged
	}
	c.publish()
	s.apply()
	s.stop()
	rotJournal(t, s)
	_, key := c.keys.IdentifierKey()
	rotWrite(t, filepath.Join(s.dir, "identifier.key"), key)
	rotEnrolment(t, s)
	return s.dir
}

func rotWrite(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func rotRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// rotBalance is what a release says of a customer.
func rotBalance(version uint64, n int) int64 {
	points := int64(100 + n)
	if version >= 2 && n%3 == 0 {
		points += rotChanged
	}
	return points
}

func rotNumber(t *testing.T, name string) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", name, err))
	}
	return n
}
