//go:build linux

package instore_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// heldTo is how much memory the store's process is held to at most, page cache included: a third of its file, where that is less.
	heldTo = 1 << 30
	// heldLookups are of so many other customers that what is asked for is rarely what is in memory.
	heldLookups = 5_000
)

// BenchmarkTableStart is the store's real program: its memory while it builds a release, how long it takes to serve after a proper stop and after a
// kill, and what a lookup costs when it is held to little memory. STAMKLANT_BENCH_ACCOUNTS says over how many accounts, STAMKLANT_BENCH_RECEIPTS how many
// receipts its journal holds.
func BenchmarkTableStart(b *testing.B) {
	if b.N > 1 {
		return
	}
	p := newProgram(b)
	size := fmt.Sprintf("%d accounts", benchAccounts())

	began := time.Now()
	p.start(b)
	most := p.watchApply(b)
	fact("built and served by the program, "+size, time.Since(began).Round(10*time.Millisecond).String(), "–")
	fact("its RssAnon while it builds, at most", fmt.Sprintf("%.0f MiB", most), "≤ 250 MB")
	receipts, err := strconv.Atoi(os.Getenv("STAMKLANT_BENCH_RECEIPTS"))
	if err != nil {
		receipts = benchJournalDays * benchReceiptsDay
	}
	began = time.Now()
	p.record(b, receipts)
	took := time.Since(began)
	stat, err := os.Stat(filepath.Join(p.dir, "store", "journal.db"))
	must(b, err)
	fact(fmt.Sprintf("journal after %d receipts of %d lines, none delivered", receipts, basketLines),
		fmt.Sprintf("%.0f MiB, %d bytes a receipt", float64(stat.Size())/(1<<20), stat.Size()/int64(receipts)), "≤ 1 GiB")
	fact("receipts recorded by 64 tills at once", fmt.Sprintf("%.0f/s", float64(receipts)/took.Seconds()), "–")
	what := fmt.Sprintf("%s, %d campaigns, journal of %d receipts", size, benchCampaigns, receipts)

	p.stop(b, syscall.SIGTERM)
	fact("start to serving, "+what, p.startedIn(b), "≤ 2 s")
	p.stop(b, syscall.SIGKILL)
	fact("the same after a kill, digest of the file first", p.startedIn(b), p.uncleanTarget(b))
	fact("reading and digesting the file bare", p.digestedIn(b), "–")
	p99, known := p.lookups(b, heldLookups)
	fact("Lookup p99, one till after another", p99.String(), "–")
	p.hold(b)
	p99, answers := p.lookups(b, heldLookups)
	fact(fmt.Sprintf("the same held to %d MiB over a file of %d MiB", p.held(b)>>20, p.fileBytes(b)>>20), p99.String(), "≤ 25 ms")
	wrong := 0
	for i, answer := range answers {
		if answer != known[i] {
			wrong++
		}
	}
	fact(fmt.Sprintf("other answers than before, of %d", len(answers)), strconv.Itoa(wrong), "0")
	p.stop(b, syscall.SIGTERM)
}

// BenchmarkTableGrowth is how building a release, its memory and starting grow with the number of customers.
func BenchmarkTableGrowth(b *testing.B) {
	if b.N > 1 {
		return
	}
	for _, accounts := range []int{100_000, 1_000_000, 10_000_000} {
		size := fmt.Sprintf("%d accounts", accounts)
		b.Run(size, func(b *testing.B) {
			b.Setenv("STAMKLANT_BENCH_ACCOUNTS", strconv.Itoa(accounts))
			p := newProgram(b)
			began := time.Now()
			p.start(b)
			most := p.watchApply(b)
			fact(fmt.Sprintf("%s: fetched, built and served, file of %d MiB", size, p.fileBytes(b)>>20), time.Since(began).Round(10*time.Millisecond).String(), "–")
			fact(size+": RssAnon while it builds, at most", fmt.Sprintf("%.0f MiB", most), "≤ 250 MB")
			p.stop(b, syscall.SIGTERM)
			fact(size+": start to serving", p.startedIn(b), "≤ 2 s")
			p.stop(b, syscall.SIGKILL)
			fact(size+": the same after a kill, digest of the file first", p.startedIn(b), p.uncleanTarget(b))
			fact(size+": reading and digesting the file bare", p.digestedIn(b), "–")
			p.stop(b, syscall.SIGTERM)
		})
	}
}

// program is the store's program in a process of its own.
type program struct {
	path, dir string
	enrolment string
	store     benchStore
	cmd       *exec.Cmd
}

// newProgram is the built program with a release to serve and an empty folder.
func newProgram(b *testing.B) *program {
	b.Helper()
	bin := os.Getenv("STAMKLANT_BIN")
	if bin == "" {
		b.Skip("needs the built programs: make bench, or STAMKLANT_BIN")
	}
	kept := openSample(b, benchAccounts())
	return &program{
		path: filepath.Join(bin, "stamklant-store"), dir: b.TempDir(), enrolment: kept.enrolment, store: benchStore{cards: kept.cards},
	}
}

// uncleanTarget is how long a start may take that reads the whole file first.
func (p *program) uncleanTarget(b *testing.B) string {
	b.Helper()
	return fmt.Sprintf("≤ 2 s + file at 700 MB/s (%.1f s)", float64(p.fileBytes(b))/700e6)
}

var programAnswers = regexp.MustCompile(`answers tills at ([0-9.]+:[0-9]+)`)

// start starts the program and returns once it says where it answers.
func (p *program) start(b *testing.B) {
	b.Helper()
	p.cmd = exec.Command(p.path, "serve", "--enrol", p.enrolment, "--data", filepath.Join(p.dir, "store"), "--listen", "127.0.0.1:0")
	out, err := p.cmd.StdoutPipe()
	must(b, err)
	must(b, p.cmd.Start())
	b.Cleanup(func() { _ = p.cmd.Process.Kill() }) // it has stopped before, unless something failed
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := programAnswers.FindStringSubmatch(lines.Text()); m != nil {
			token, err := os.ReadFile(filepath.Join(p.dir, "store", "till.token"))
			must(b, err)
			p.store.ours = &peer{addr: m[1], token: strings.TrimSpace(string(token))}
			return
		}
	}
	b.Fatal("the program does not say where it answers")
}

func (p *program) stop(b *testing.B, how os.Signal) {
	b.Helper()
	must(b, p.cmd.Process.Signal(how))
	_ = p.cmd.Wait() // a killed process tells nothing
}

// serves reports whether a lookup is answered.
func (p *program) serves(b *testing.B, i int) bool {
	b.Helper()
	_, err := p.store.ours.dial(b).Lookup(b.Context(), p.store.request(0, i))
	return err == nil
}

// watchApply waits until the first release serves and returns the most anonymous memory on the way, in MiB.
func (p *program) watchApply(b *testing.B) (most float64) {
	b.Helper()
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for i := 0; ; i++ {
		<-every.C
		most = max(most, anonymousOf(b, strconv.Itoa(p.cmd.Process.Pid)))
		if i%10 == 0 && p.serves(b, i) {
			return most
		}
	}
}

// startedIn is how long a start takes, to the first lookup that is answered.
func (p *program) startedIn(b *testing.B) string {
	b.Helper()
	began := time.Now()
	p.start(b)
	for i := 0; !p.serves(b, i); i++ {
		if time.Since(began) > time.Minute {
			b.Fatal("does not serve within a minute")
		}
	}
	return time.Since(began).Round(time.Millisecond).String()
}

func (p *program) record(b *testing.B, receipts int) {
	b.Helper()
	const tills = 64
	p.store.recordAll(b, p.store.clients(b, p.store.ours, tills), receipts/tills, 0)
}

// lookups is the p99 of lookups of ever other customers, one after another, and who was found, in which tier, with how many points.
func (p *program) lookups(b *testing.B, n int) (time.Duration, []string) {
	b.Helper()
	client := p.store.ours.dial(b)
	took, answers := make([]time.Duration, n), make([]string, n)
	for i := range took {
		request := p.store.request(i%7, i)
		began := time.Now()
		answer, err := client.Lookup(b.Context(), request)
		took[i] = time.Since(began)
		must(b, err)
		answers[i] = fmt.Sprint(answer.GetOutcome(), answer.GetAccountRef(), answer.GetLoyalty().GetTier(), answer.GetLoyalty().GetPointsAvailable())
	}
	slices.Sort(took)
	return took[n*99/100].Round(time.Microsecond), answers
}

// digestedIn is how long nothing but reading and digesting the file takes.
func (p *program) digestedIn(b *testing.B) string {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "store", "releases", "generations", "gen-*.db"))
	must(b, err)
	began := time.Now()
	for _, name := range files {
		file, err := os.Open(name)
		must(b, err)
		_, err = io.CopyBuffer(struct{ io.Writer }{sha256.New()}, struct{ io.Reader }{file}, make([]byte, 1<<20))
		must(b, err)
		must(b, file.Close())
	}
	return time.Since(began).Round(time.Millisecond).String()
}

// fileBytes is the length of the generation file.
func (p *program) fileBytes(b *testing.B) int64 {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "store", "releases", "generations", "gen-*.db"))
	must(b, err)
	stat, err := os.Stat(files[0])
	must(b, err)
	return stat.Size()
}

// held is how much memory the program is held to, in bytes.
func (p *program) held(b *testing.B) int64 {
	b.Helper()
	return min(heldTo, p.fileBytes(b)/3)
}

// hold starts the program anew in a group of processes that has so much memory and no more, page cache included, or skips the rest.
func (p *program) hold(b *testing.B) {
	b.Helper()
	group := fmt.Sprintf("/sys/fs/cgroup/memory/stamklant-bench-%d", os.Getpid())
	if err := os.Mkdir(group, 0o755); err != nil {
		p.stop(b, syscall.SIGTERM)
		b.Skipf("cannot hold the program to so little memory: %v", err)
	}
	p.stop(b, syscall.SIGTERM)
	b.Cleanup(func() { _ = os.Remove(group) }) // empty once the program has ended
	must(b, os.WriteFile(filepath.Join(group, "memory.limit_in_bytes"), []byte(strconv.FormatInt(p.held(b), 10)), 0o600))
	p.forget(b)
	p.start(b)
	must(b, os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(p.cmd.Process.Pid)), 0o600))
}

// forget has the system drop what it keeps of the file in memory, so that what is read again counts for who reads it.
func (p *program) forget(b *testing.B) {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "store", "releases", "generations", "gen-*.db"))
	must(b, err)
	for _, name := range files {
		file, err := os.Open(name)
		must(b, err)
		must(b, unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED))
		must(b, file.Close())
	}
}
