package main_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// delivering makes a shop with a head office that answers, and enrols a server that delivers to it.
func delivering(t *testing.T) (home, enrolment string, head *process) {
	t.Helper()
	home, _ = shop(t)
	importOwn(t, home)
	head = start(t, "stamklant-office", "--data", home, "serve", "--listen", "127.0.0.1:0")
	enrolment = filepath.Join(t.TempDir(), "k1-b.json")
	office(t, home, 0, "keys", "server", "k1-b", "--store", "k1", "--office", head.addr, "--out", enrolment)
	office(t, home, 0, "publish")
	return home, enrolment, head
}

// serveWith is serveStore with more flags.
func serveWith(t *testing.T, enrolment, data string, flags ...string) (*process, *till) {
	t.Helper()
	p := start(t, "stamklant-store", append([]string{
		"serve", "--enrol", enrolment, "--data", data, "--listen", "127.0.0.1:0", "--poll", "1s",
	}, flags...)...)
	return p, newTill(t, p.addr, data, "k1", "1")
}

func serving(t *testing.T, addr string) bool {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING
}

func TestScenario01Opening(t *testing.T) {
	t.Parallel()
	_, enrolment, head := delivering(t)
	data := t.TempDir()
	store, c := serveWith(t, enrolment, data)
	released(t, c, 1)
	asOf := c.status().GetMeta().GetDataAsOf().AsTime()
	store.stop()
	head.kill()
	// The next morning: head office cannot be reached, yesterday's files are all there is.
	began := time.Now()
	store, c = serveWith(t, enrolment, data, "--clock-skew", "14h")
	if !serving(t, store.addr) {
		t.Error("health is not SERVING")
	}
	answer := c.card("2900123456785")
	t.Logf("from the start of the process to the first answer: %v", time.Since(began))
	if answer.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || !answer.GetMeta().GetDataAsOf().AsTime().Equal(asOf) || answer.GetMeta().GetStale() {
		t.Errorf("the first customer's answer: %v", answer)
	}
	if c.status().GetClockSuspect() {
		t.Error("a night makes the clock suspect")
	}
}

func TestScenario20HeadOfficeAwayFor7Days(t *testing.T) {
	t.Parallel()
	home, enrolment, head := delivering(t)
	data := t.TempDir()
	// Three weeks ago, by this server's clock, a release came; since then nobody answered. It was off in between, so that it cannot know how long.
	store, c := serveWith(t, enrolment, data)
	released(t, c, 1)
	store.stop()
	addr := head.addr
	head.kill()
	store, c = serveWith(t, enrolment, data, "--clock-skew", "504h")
	if !serving(t, store.addr) {
		t.Error("health is not SERVING")
	}
	want := int64(1245)
	for _, no := range []string{"1", "2", "3"} {
		if answer := c.record(c.sale("2900123456785", no, 700, "EUR")); answer.GetPoints() != 7 {
			t.Errorf("receipt %s earns %d points", no, answer.GetPoints())
		}
		want += 7
	}
	answer := c.card("2900123456785")
	if !answer.GetMeta().GetStale() || answer.GetLoyalty().GetPointsAvailable() != want {
		t.Errorf("after three weeks: stale %v, %d points, want %d", answer.GetMeta().GetStale(), answer.GetLoyalty().GetPointsAvailable(), want)
	}
	for _, line := range append(answer.GetCustomerDisplay().GetLines(), answer.GetReceipt().GetLines()...) {
		if strings.Contains(strings.ToLower(line), "stale") {
			t.Errorf("the customer is told: %q", line)
		}
	}
	if told := c.status(); told.GetOutboxWaiting() != 3 || !told.GetClockSuspect() {
		t.Errorf("status: %v", told)
	}
	store.stop()
	// Head office is back, and so is the right time: everything is delivered once, the next release serves, nothing is stale or suspect.
	start(t, "stamklant-office", "--data", home, "serve", "--listen", addr)
	_, c = serveWith(t, enrolment, data)
	eventually(t, "everything is delivered", func() bool { return c.status().GetOutboxWaiting() == 0 })
	office(t, home, 0, "publish")
	released(t, c, 2)
	answer = c.card("2900123456785")
	if answer.GetMeta().GetStale() || answer.GetLoyalty().GetPointsAvailable() != want || c.status().GetClockSuspect() {
		t.Errorf("after the return: %v; %v", answer, c.status())
	}
}

// TestScenario21BadBundle lays every bad bundle in the way of a server under 200 lookups a second; none fails, the old release goes on, and the
// log says what is wrong.
func TestScenario21BadBundle(t *testing.T) {
	t.Parallel()
	home, enrolment := shop(t)
	importOwn(t, home)
	bundles := filepath.Join(home, "bundles")
	current := filepath.Join(bundles, "servers", "k1-a", "current.skm")
	office(t, home, 0, "publish")
	first := read(t, current)
	data := t.TempDir()
	store, c := serveStore(t, enrolment, data)
	released(t, c, 1)
	office(t, home, 0, "publish")
	released(t, c, 2)
	before := c.card("2900123456785").GetMeta().GetRelease()

	ctx, stop := context.WithCancel(t.Context())
	var lookups sync.WaitGroup
	var answered, failed atomic.Int64
	for i := range 5 { // five tills, forty a second each
		c := newTill(t, store.addr, data, "k1", strconv.Itoa(10+i))
		lookups.Go(func() {
			every := time.NewTicker(25 * time.Millisecond)
			defer every.Stop()
			for ctx.Err() == nil {
				answer, err := c.Lookup(t.Context(), c.lookup("2900123456785"))
				if err != nil || answer.GetLoyalty().GetPointsAvailable() != 1245 {
					failed.Add(1)
				}
				answered.Add(1)
				<-every.C
			}
		})
	}
	good := read(t, current)
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	for _, bad := range []struct {
		name string
		file []byte
		says string
	}{
		{"truncated", good[:len(good)/2], "damaged"},
		{"wrong signature", flipped, "signature does not hold"},
		{"older version", first, "older than what was trusted before"},
		{"ten times the size", bytes.Repeat(good, 2000), "larger than allowed"},
		{"nothing at all", nil, "damaged"},
	} {
		said := len(store.text())
		write(t, current, string(bad.file))
		eventually(t, bad.name+" is told in the log", func() bool { return strings.Contains(store.text()[said:], bad.says) })
		if got := c.status().GetMeta().GetRelease(); got != before {
			t.Errorf("%s: release %d serves, want %d", bad.name, got, before)
		}
	}
	// What is right comes through, switched to under the same lookups.
	office(t, home, 0, "publish")
	released(t, c, 3)
	stop()
	lookups.Wait()
	t.Logf("%d lookups, %d failed", answered.Load(), failed.Load())
	if failed.Load() > 0 || answered.Load() < 100 {
		t.Errorf("%d of %d lookups failed", failed.Load(), answered.Load())
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestScenario22ClockAndPower(t *testing.T) {
	t.Parallel()
	_, enrolment, head := delivering(t)
	data := t.TempDir()
	store, c := serveWith(t, enrolment, data)
	released(t, c, 1)
	eventually(t, "head office was heard", func() bool { return c.status().GetOfficeSeenAt() != nil })
	// A second process on the file fails at once, and names the first.
	began := time.Now()
	out, code := try(t, "stamklant-store", "serve", "--data", data, "--listen", "127.0.0.1:0")
	if code == 0 || !strings.Contains(out, "in use") || !strings.Contains(out, pid(store)) {
		t.Errorf("a second process: code %d, %s", code, out)
	}
	t.Logf("the second process failed after %v", time.Since(began))
	store.stop()
	head.kill()
	want := int64(1245)
	for i, skew := range []string{"-496000h", "48h", "-17520h", "17520h"} { // about 1970, and two days, and two years either way
		store, c = serveWith(t, enrolment, data, "--clock-skew="+skew)
		if told := c.status(); !told.GetClockSuspect() || told.GetTrustedTime() == nil {
			t.Errorf("%s: status %v", skew, told)
		}
		c.record(c.sale("2900123456785", skew, 500, "EUR"))
		want += 5
		// A power cut right after the acknowledgement.
		store.kill()
		store, c = serveWith(t, enrolment, data)
		if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != want {
			t.Errorf("%s: after the power cut %d points, want %d", skew, got, want)
		}
		if told := c.status(); told.GetClockSuspect() || told.GetOutboxWaiting() != uint64(i+1) {
			t.Errorf("%s: under the right clock again: %v", skew, told)
		}
		store.stop()
	}
}

func pid(p *process) string { return "process " + strconv.Itoa(p.cmd.Process.Pid) }

// TestScenario21DiskFull fills the disk of a store, a real one of 400 MB, while releases come and receipts are recorded. The old release goes on,
// refusals say why, and once there is space again everything goes on without a restart.
func TestScenario21DiskFull(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("a disk of a size of its own needs the right to mount: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", disk).Run() })
	home, enrolment := shop(t)
	importOwn(t, home)
	office(t, home, 0, "publish")
	data := filepath.Join(disk, "data")
	store, c := serveStore(t, enrolment, data)
	released(t, c, 1)
	before := c.status().GetMeta().GetRelease()
	fill := func(mb int64) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(disk, "photos.zip"), make([]byte, mb<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fill(250)
	extra := "3,2900100000024,lost,1,1,1,basic,5\n"
	dir := t.TempDir()
	office(t, home, 0, "import", "customers", write(t, filepath.Join(dir, "customers.csv"), ownCustomers+extra),
		"--mapping", write(t, filepath.Join(dir, "mapping.yaml"), ownMapping), "--replace")
	office(t, home, 0, "publish")
	eventually(t, "the store says that its disk is full", func() bool { return strings.Contains(store.text(), "not enough space on the disk") })
	if got := c.status().GetMeta().GetRelease(); got != before {
		t.Errorf("release %d serves, want %d", got, before)
	}
	if answer := c.record(c.sale("2900123456785", "small", 500, "EUR")); answer.GetPoints() != 5 {
		t.Errorf("a receipt while there is room for receipts: %v", answer)
	}
	// The last megabytes belong to a restart and the logs: receipts are refused, and say when to come again. Lookups go on.
	fill(385)
	refused := c.sale("2900123456785", "refused", 700, "EUR")
	_, err := c.RecordReceipt(t.Context(), refused)
	if status.Code(err) != codes.ResourceExhausted || reasonOf(err) == "" {
		t.Errorf("a receipt without room: %v", err)
	}
	if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != 1250 {
		t.Errorf("%d points without room, want 1250", got)
	}
	fill(1)
	if answer := c.record(refused); answer.GetPoints() != 7 {
		t.Errorf("the same receipt once there is room: %v", answer)
	}
	eventually(t, "the release serves once there is room", func() bool { return c.status().GetMeta().GetRelease() > before })
	if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != 1257 {
		t.Errorf("%d points, want 1257", got)
	}
	store.stop()
}

// TestStepBack: receipts are counted by a release, their rows leave the journal, and then the file of that release rots. The release before serves
// instead, and every balance is what it was.
func TestStepBack(t *testing.T) {
	t.Parallel()
	home, enrolment, _ := delivering(t)
	data := t.TempDir()
	store, c := serveWith(t, enrolment, data)
	released(t, c, 1)
	want := int64(1245)
	for round := range 4 {
		c.record(c.sale("2900123456785", "round-"+strconv.Itoa(round), 1100, "EUR"))
		want += 11
		eventually(t, "the receipt is delivered", func() bool { return c.status().GetOutboxWaiting() == 0 })
		office(t, home, 0, "score") // scoring has them too, from then on
		office(t, home, 0, "publish")
		released(t, c, uint64(round+2))
	}
	store.stop()
	store, c = serveWith(t, enrolment, data) // a start tidies the journal
	eventually(t, "counted rows have left", func() bool {
		return !strings.Contains(storeCommand(t, 0, "inspect", "--data", data), "pruned 0 ")
	})
	if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != want {
		t.Fatalf("%d points, want %d", got, want)
	}
	serves := c.status().GetMeta().GetRelease()
	store.stop()
	out := storeCommand(t, 0, "inspect", "--data", data)
	m := regexp.MustCompile(`(?s)● \d+ .*?(gen-[0-9a-f-]+\.db)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("inspect names no file:\n%s", out)
	}
	file := filepath.Join(data, "releases", "generations", m[1])
	whole := read(t, file)
	write(t, file, string(whole[:len(whole)/2])) // torn
	// Head office's files are out of reach, so that nothing can be built anew.
	store, c = serveWith(t, enrolment, data, "--poll", "1h")
	if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != want {
		t.Errorf("after stepping back from release %d to %d: %d points, want %d", serves, c.status().GetMeta().GetRelease(), got, want)
	}
	if !strings.Contains(store.text(), "release cannot serve, trying the one before") {
		t.Errorf("nobody is told:\n%s", store.text())
	}
}
