package main_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// What surrounds a crash.
const (
	crashTills  = 4
	crashCards  = 40
	publishEach = 700 * time.Millisecond
)

// TestCrash ends a store's server with SIGKILL, again and again, while tills record, head office publishes and receipts are delivered.
func TestCrash(t *testing.T) {
	t.Parallel()
	crash(t, 20)
}

// TestSoakCrash is TestCrash a thousand times over, or as often as STAMKLANT_CRASHES says.
func TestSoakCrash(t *testing.T) {
	if os.Getenv("STAMKLANT_SOAK") == "" {
		t.Skip("long: runs with make soak")
	}
	cycles, err := strconv.Atoi(os.Getenv("STAMKLANT_CRASHES"))
	if err != nil {
		cycles = 1000
	}
	crash(t, cycles)
}

// crashing is one store that is killed all the time, and a head office that is not.
type crashing struct {
	t         *testing.T
	home      string
	head      *process
	enrolment string
	data      string
	book      *crashBook
	random    *rand.Rand
	marks     crashMarks
}

// crash kills the server as often as it is told. Then everything must be at head office once, and the customers' points must say so.
func crash(t *testing.T, cycles int) {
	t.Helper()
	c := newCrashing(t, t.TempDir())
	publishing, stop := context.WithCancel(t.Context())
	var publisher sync.WaitGroup
	publisher.Go(func() { c.publishForEver(publishing) })
	began, early := time.Now(), 0
	for cycle := range cycles {
		if cycle%4 == 3 {
			early++
			c.killStarting()
		} else {
			c.killServing(cycle%4 == 0)
		}
		c.currentNamesARelease()
		if cycle%lookEach == lookEach-1 {
			c.marks.look(t, c.data)
		}
		if t.Failed() {
			t.Fatalf("in cycle %d", cycle)
		}
	}
	stop()
	publisher.Wait()
	took := time.Since(began)
	waited := c.settle()
	t.Logf("%d kills in %s, %d of them while starting; %d receipts acknowledged, %d in flight at a kill; %d releases served; %d lookups; rows waited at the end: %d",
		cycles, took.Round(time.Second), early, c.book.acknowledged, c.book.unanswered, len(c.book.releases), c.book.lookups, waited)
	t.Log(&c.marks)
	if cycles >= 20 && (len(c.book.releases) < 5 || c.book.unanswered == 0 || c.marks.cutOffs < 2 || c.marks.prunings == 0) {
		t.Error("too little was going on while the server was killed")
	}
}

// newCrashing sets up head office, and a store with its first release in a folder.
func newCrashing(t *testing.T, data string) *crashing {
	t.Helper()
	c := &crashing{t: t, home: t.TempDir(), data: data, book: newCrashBook(crashCards), random: rand.New(rand.NewPCG(4, 4))}
	write(t, filepath.Join(c.home, "programme.yaml"), ownProgramme)
	office(t, c.home, 0, "init", "--yes")
	c.head = start(t, "stamklant-office", "--data", c.home, "serve", "--listen", "127.0.0.1:0")
	c.enrolment = filepath.Join(t.TempDir(), "k1-a.json")
	office(t, c.home, 0, "keys", "server", "k1-a", "--store", "k1", "--office", c.head.addr, "--out", c.enrolment)
	if err := c.publish(1); err != nil {
		t.Fatal(err)
	}
	first := start(t, "stamklant-store", c.serve().Args[1:]...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the first server said:\n%s", first.text())
		}
	})
	released(t, newTill(t, first.addr, c.data, "k1", "1"), 1)
	first.stop()
	return c
}

// publish has head office publish its n-th release: the watched customer has n points in the customers part, and the programme part suggests
// campaign release-n. A lookup that saw two releases would not agree with itself.
func (c *crashing) publish(n int) error {
	list := bytes.NewBufferString("no,card,segment,r,f,m,tier,points\n")
	fmt.Fprintf(list, "watched,%s,champions,5,5,5,gold,%d\n", watchedCard, n)
	for i, card := range c.book.cards {
		fmt.Fprintf(list, "%d,%s,hibernating,2,2,2,basic,0\n", i, card)
	}
	for name, text := range map[string]string{
		"programme.yaml": strings.Replace(ownProgramme, "  thanks:", fmt.Sprintf("  release-%d:", n), 1), "list.csv": list.String(), "mapping.yaml": ownMapping,
	} {
		if err := os.WriteFile(filepath.Join(c.home, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"import", "customers", filepath.Join(c.home, "list.csv"), "--mapping", filepath.Join(c.home, "mapping.yaml")}, {"score"}, {"publish"},
	} {
		dir, err := programs()
		if err != nil {
			return err
		}
		if out, err := exec.Command(filepath.Join(dir, "stamklant-office"), append([]string{"--data", c.home}, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", args[0], err, out)
		}
	}
	return nil
}

func (c *crashing) publishForEver(ctx context.Context) {
	every := time.NewTicker(publishEach)
	defer every.Stop()
	for n := 2; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		if err := c.publish(n); err != nil {
			c.t.Error(err)
			return
		}
	}
}

// serve prepares the server's command.
func (c *crashing) serve() *exec.Cmd {
	return command(c.t, "stamklant-store", "serve", "--enrol", c.enrolment, "--data", c.data, "--listen", "127.0.0.1:0", "--poll", "300ms")
}

// killStarting kills the server at some moment of its start.
func (c *crashing) killStarting() {
	c.t.Helper()
	server := c.serve()
	if err := server.Start(); err != nil {
		c.t.Fatal(err)
	}
	kill := time.AfterFunc(time.Duration(c.random.Int64N(int64(120*time.Millisecond))), func() { _ = server.Process.Kill() })
	defer kill.Stop()
	_ = server.Wait() // killed
}

// killServing kills the server at some moment of its work: tills record and look up, releases come, receipts go. When it is told to, it lets a newer
// release come first, for some seconds: how many come by themselves depends on the machine.
func (c *crashing) killServing(newer bool) {
	c.t.Helper()
	server := start(c.t, "stamklant-store", c.serve().Args[1:]...)
	ctx, cancel := context.WithCancel(c.t.Context())
	var tills sync.WaitGroup
	for i := range crashTills {
		till := newTill(c.t, server.addr, c.data, "k1", strconv.Itoa(i+1))
		random := rand.New(rand.NewPCG(c.random.Uint64(), 1))
		tills.Go(func() { c.book.work(ctx, till, random) })
	}
	if newer {
		c.book.awaitNewer(6 * time.Second)
	}
	pause := time.NewTimer(time.Duration(c.random.Int64N(int64(500 * time.Millisecond))))
	<-pause.C
	server.kill()
	cancel()
	tills.Wait()
}

var manifestName = regexp.MustCompile(`manifest ([0-9a-f]{64})`)

// currentNamesARelease looks at the dead server's disk: what CURRENT names is there, whole, whenever it was killed.
func (c *crashing) currentNamesARelease() {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.data, "releases", "CURRENT"))
	name := manifestName.FindSubmatch(text)
	if err != nil || name == nil {
		c.t.Fatalf("CURRENT is %q: %v", text, err)
	}
	for _, file := range []string{"manifest.skm", "generation"} {
		described, err := os.ReadFile(filepath.Join(c.data, "releases", "releases", string(name[1]), file))
		if err != nil {
			c.t.Fatalf("CURRENT names a release that is not there: %v", err)
		}
		if file == "generation" {
			lines := bufio.NewScanner(bytes.NewReader(described))
			for lines.Scan() {
				if built, ok := strings.CutPrefix(lines.Text(), "file "); ok {
					if _, err := os.Stat(filepath.Join(c.data, "releases", "generations", built)); err != nil {
						c.t.Fatalf("CURRENT names a release whose file is not there: %v", err)
					}
				}
			}
		}
	}
}

// settle lets the tills send what was in flight once more, and everything be delivered and published; then it holds the books against each other.
func (c *crashing) settle() (waited uint64) {
	c.t.Helper()
	server := start(c.t, "stamklant-store", c.serve().Args[1:]...)
	till := newTill(c.t, server.addr, c.data, "k1", "1")
	c.book.sendPending(c.t, till)
	waited = till.status().GetOutboxWaiting()
	eventually(c.t, "everything is delivered", func() bool { return till.status().GetOutboxWaiting() == 0 })
	before := till.status().GetMeta().GetRelease()
	office(c.t, c.home, 0, "publish")
	eventually(c.t, "the last release serves", func() bool { return till.status().GetMeta().GetRelease() > before })
	c.book.balancesAreExact(c.t, func(card string) *tillv1.LookupResponse { return till.card(card) })
	server.stop()
	c.head.stop()
	c.book.receiptsAreThereOnce(c.t, filepath.Join(c.home, "inbox.db"))
	return waited
}
