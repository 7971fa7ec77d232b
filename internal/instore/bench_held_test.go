//go:build linux

package instore_test

import (
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

const (
	// heldAccounts make a file of more than three gigabytes.
	heldAccounts = 14_000_000
	// heldTo is how much memory the store's process is held to, page cache included: a third of its file, where that is less, and as much as it needs to
	// run in any case.
	heldTo    = 1 << 30
	heldLeast = 128 << 20
	// heldLookups are of so many other customers that what is asked for is rarely what is in memory; there are heldRounds of them.
	heldLookups = 5_000
	heldRounds  = 3
)

// BenchmarkTableHeld is what a lookup costs when the store's program has much less memory than its file is long, page cache included, and whether it
// answers what was published. It needs the right to make a control group. STAMKLANT_BENCH_ACCOUNTS has it over fewer accounts, and held to less.
func BenchmarkTableHeld(b *testing.B) {
	if b.N > 1 {
		return
	}
	if os.Getenv("STAMKLANT_BENCH_ACCOUNTS") == "" {
		b.Setenv("STAMKLANT_BENCH_ACCOUNTS", strconv.Itoa(heldAccounts))
	}
	p := newProgram(b)
	began := time.Now()
	p.start(b)
	most := p.watchApply(b)
	size := fmt.Sprintf("%d accounts, file of %d MiB", benchAccounts(), p.fileBytes(b)>>20)
	fact("built and served by the program, "+size, time.Since(began).Round(10*time.Millisecond).String(), "–")
	fact("its RssAnon while it builds, at most", fmt.Sprintf("%.0f MiB", most), "≤ 250 MB")
	free, wrong, _ := p.heldRounds(b)
	fact("Lookup p99 over it, one till after another, not held", free, "–")
	fact("answers that are not what was published, not held", wrong, "0")
	if err := p.hold(b); err != nil {
		fact("Lookup p99, held", "not measured: "+err.Error(), "≤ 25 ms")
		return
	}
	slow, wrong, read := p.heldRounds(b)
	fact(fmt.Sprintf("Lookup p99 over it, held to %d MiB", p.held(b)>>20), slow, "≤ 25 ms")
	fact("answers that are not what was published, held", wrong, "0")
	fact("read from the disk meanwhile, the digest after the start included", fmt.Sprintf("%d MiB", read>>20), "–")
	p.stop(b, syscall.SIGTERM)
}

// heldRounds is the p99 of some rounds of lookups, how many answers of them are wrong, and how many bytes the program read from the disk meanwhile.
func (p *program) heldRounds(b *testing.B) (p99, wrong string, read int64) {
	b.Helper()
	var rounds []float64
	bad := 0
	before := p.bytesRead(b)
	for round := range heldRounds {
		took, answers := p.lookups(b, round*heldLookups, heldLookups)
		rounds = append(rounds, took.Seconds()*1e3)
		for i, answer := range answers {
			if said, want := p.said(answer), p.published(round*heldLookups+i); said != want {
				if bad++; bad == 1 {
					fmt.Printf("a wrong answer: %s, published was %s\n", said, want)
				}
			}
		}
	}
	p99 = fmt.Sprintf("%.3g ms (%.3g–%.3g)", median(rounds), slices.Min(rounds), slices.Max(rounds))
	return p99, fmt.Sprintf("%d of %d", bad, heldRounds*heldLookups), p.bytesRead(b) - before
}

// said is what an answer tells of a customer as that was published: found, by a card that was replaced too, and with how many points. The tier is not
// of it: a store tells of a higher one as soon as it is reached.
func (p *program) said(answer *tillv1.LookupResponse) string {
	outcome := answer.GetOutcome()
	if outcome == tillv1.Outcome_OUTCOME_FOUND_REPLACED {
		outcome = tillv1.Outcome_OUTCOME_FOUND
	}
	return fmt.Sprint(outcome, " ", answer.GetAccountRef(), " ", answer.GetLoyalty().GetPointsAvailable())
}

// published is what the i-th lookup has to tell, by what the release was made from.
func (p *program) published(i int) string {
	of := p.kept.published[p.card(i)]
	if of.state == customerv1.AccountState_ACCOUNT_STATE_BLOCKED {
		return p.said(&tillv1.LookupResponse{Outcome: tillv1.Outcome_OUTCOME_BLOCKED})
	}
	return p.said(&tillv1.LookupResponse{
		Outcome:    tillv1.Outcome_OUTCOME_FOUND,
		AccountRef: base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(of.account[:]),
		Loyalty:    &tillv1.Loyalty{PointsAvailable: max(0, of.balance)},
	})
}

// bytesRead is how much the program read from the disk so far; 0 where the system does not tell.
func (p *program) bytesRead(b *testing.B) (bytes int64) {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if count, ok := strings.CutPrefix(line, "read_bytes:"); ok {
			bytes, err = strconv.ParseInt(strings.TrimSpace(count), 10, 64)
			must(b, err)
		}
	}
	return bytes
}

// held is how much memory the program is held to, in bytes.
func (p *program) held(b *testing.B) int64 {
	b.Helper()
	return max(heldLeast, min(heldTo, p.fileBytes(b)/3))
}

// hold starts the program anew in a control group that has so much memory and no more, page cache included.
func (p *program) hold(b *testing.B) error {
	b.Helper()
	p.stop(b, syscall.SIGTERM)
	group, err := p.makeGroup(b)
	if err != nil {
		return fmt.Errorf("cannot hold the program to so little memory: %w", err)
	}
	p.forget(b)
	// The program is in the group before its first instruction, so that nothing it reads is anybody else's.
	p.wrap = func(cmd *exec.Cmd) *exec.Cmd {
		return exec.Command("/bin/sh", append([]string{"-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, group}, cmd.Args...)...)
	}
	p.start(b)
	return nil
}

// makeGroup makes a control group that is held, of either kind.
func (p *program) makeGroup(b *testing.B) (string, error) {
	b.Helper()
	var failed []error
	for _, kind := range []struct{ root, limit string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"},
	} {
		group := filepath.Join(kind.root, fmt.Sprintf("stamklant-bench-%d", os.Getpid()))
		if err := os.Mkdir(group, 0o755); err != nil {
			failed = append(failed, err)
			continue
		}
		b.Cleanup(func() { _ = os.Remove(group) }) // empty once the program has ended
		limit, err := os.OpenFile(filepath.Join(group, kind.limit), os.O_WRONLY, 0)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		_, err = fmt.Fprint(limit, p.held(b))
		if err = errors.Join(err, limit.Close()); err == nil {
			return group, nil
		}
		failed = append(failed, err)
	}
	return "", errors.Join(failed...)
}

// forget has the system drop what it keeps of the file in memory, so that what is read again counts for who reads it.
func (p *program) forget(b *testing.B) {
	b.Helper()
	for _, name := range p.files(b) {
		file, err := os.Open(name)
		must(b, err)
		must(b, unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED))
		must(b, file.Close())
	}
}
