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

	"go.etcd.io/bbolt"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// starts are how often each kind of start is timed.
const starts = 5

// startAccounts are those of a chain of a whole country.
const startAccounts = 10_000_000

// BenchmarkTableStart is the store's real program: its memory while it builds a release, and how long it takes to serve after a proper stop and after a
// kill. STAMKLANT_BENCH_ACCOUNTS says over how many accounts, ten million when it says nothing, STAMKLANT_BENCH_RECEIPTS how many receipts its journal holds.
func BenchmarkTableStart(b *testing.B) {
	if b.N > 1 {
		return
	}
	if os.Getenv("STAMKLANT_BENCH_ACCOUNTS") == "" {
		b.Setenv("STAMKLANT_BENCH_ACCOUNTS", strconv.Itoa(startAccounts))
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

	p.startRows(b, what)
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
			p.startRows(b, size)
		})
	}
}

// startRows is how long starts take after a proper stop and after a kill, against what no server can do without: opening the same files and reading their
// first keys, and after a kill reading and digesting the whole file. The program has stopped then.
func (p *program) startRows(b *testing.B, what string) {
	b.Helper()
	proper := &row{what: "start to serving, " + what + "; opening its two files bare", unit: "s", target: "≤ 2 s"}
	killed := &row{what: "the same after a kill; SHA-256 of the file bare", unit: "s", target: p.uncleanTarget(b)}
	for range starts { // the bare ones come first: while the program runs its files are its own
		p.stop(b, syscall.SIGTERM)
		bare := p.openedIn(b)
		proper.add(p.startedIn(b), bare)
		p.stop(b, syscall.SIGKILL)
		bare = p.digestedIn(b)
		killed.add(p.startedIn(b), bare)
	}
	p.stop(b, syscall.SIGTERM)
	printTable(os.Stdout, []*row{proper, killed})
}

// program is the store's program in a process of its own.
type program struct {
	path, dir string
	kept      *sample
	store     benchStore
	cmd       *exec.Cmd
	wrap      func(*exec.Cmd) *exec.Cmd // what the program is started by; nil for itself
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
		path: filepath.Join(bin, "stamklant-store"), dir: b.TempDir(), kept: kept, store: benchStore{cards: kept.cards},
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
	p.cmd = exec.Command(p.path, "serve", "--enrol", p.kept.enrolment, "--data", filepath.Join(p.dir, "store"), "--listen", "127.0.0.1:0")
	if p.wrap != nil {
		p.cmd = p.wrap(p.cmd)
	}
	out, err := p.cmd.StdoutPipe()
	must(b, err)
	must(b, p.cmd.Start())
	b.Cleanup(func() { // it has stopped before, unless something failed
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
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

// startedIn is how many seconds a start takes, to the first lookup that is answered.
func (p *program) startedIn(b *testing.B) float64 {
	b.Helper()
	began := time.Now()
	p.start(b)
	for i := 0; !p.serves(b, i); i++ {
		if time.Since(began) > time.Minute {
			b.Fatal("does not serve within a minute")
		}
	}
	return time.Since(began).Seconds()
}

func (p *program) record(b *testing.B, receipts int) {
	b.Helper()
	const tills = 64
	p.store.recordAll(b, p.store.clients(b, p.store.ours, tills), receipts/tills, 0)
}

// card is which of the sample's cards the i-th lookup is of: ever another, and none near the one before.
func (p *program) card(i int) int { return int(int64(i) * cardStep % int64(len(p.store.cards))) }

// cardStep is a prime larger than any number of cards.
const cardStep = 15_485_863

// lookups is the p99 of lookups from the first on, one after another, and their answers.
func (p *program) lookups(b *testing.B, first, n int) (time.Duration, []*tillv1.LookupResponse) {
	b.Helper()
	client := p.store.ours.dial(b)
	took, answers := make([]time.Duration, n), make([]*tillv1.LookupResponse, n)
	for i := range took {
		request := p.store.request(0, i)
		request.GetIdentifier().Value = &tillv1.Identifier_Text{Text: p.store.cards[p.card(first+i)]}
		began := time.Now()
		answer, err := client.Lookup(b.Context(), request)
		took[i] = time.Since(began)
		must(b, err)
		answers[i] = answer
	}
	slices.Sort(took)
	return took[n*99/100], answers
}

// files are the generation files; there is one.
func (p *program) files(b *testing.B) []string {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "store", "releases", "generations", "gen-*.db"))
	must(b, err)
	if len(files) == 0 {
		b.Fatal("the program has no release")
	}
	return files
}

// digestedIn is how many seconds nothing but reading and digesting the file takes.
func (p *program) digestedIn(b *testing.B) float64 {
	b.Helper()
	began := time.Now()
	for _, name := range p.files(b) {
		file, err := os.Open(name)
		must(b, err)
		_, err = io.CopyBuffer(struct{ io.Writer }{sha256.New()}, struct{ io.Reader }{file}, make([]byte, 1<<20))
		must(b, err)
		must(b, file.Close())
	}
	return time.Since(began).Seconds()
}

// openedIn is how many seconds opening the files of a stopped program takes, and reading the first key of each.
func (p *program) openedIn(b *testing.B) float64 {
	b.Helper()
	began := time.Now()
	for _, name := range append(p.files(b), filepath.Join(p.dir, "store", "journal.db")) {
		db, err := bbolt.Open(name, 0o600, &bbolt.Options{ReadOnly: true, FreelistType: bbolt.FreelistMapType})
		must(b, err)
		must(b, db.View(func(tx *bbolt.Tx) error {
			return tx.ForEach(func(_ []byte, bucket *bbolt.Bucket) error {
				bucket.Cursor().First()
				return nil
			})
		}))
		must(b, db.Close())
	}
	return time.Since(began).Seconds()
}

// fileBytes is the length of the generation file.
func (p *program) fileBytes(b *testing.B) int64 {
	b.Helper()
	stat, err := os.Stat(p.files(b)[0])
	must(b, err)
	return stat.Size()
}
