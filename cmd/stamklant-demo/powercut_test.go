//go:build linux

package main_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestPowerCut cuts the power of a store's server again and again while tills record, head office publishes and receipts are delivered. Its files are
// on a real ext4, on a disk that loses and tears what was not flushed.
func TestPowerCut(t *testing.T) {
	canCutPower(t)
	powerCut(t, 3)
}

// TestSoakPowerCut is TestPowerCut a hundred times over, or as often as STAMKLANT_CUTS says.
func TestSoakPowerCut(t *testing.T) {
	if os.Getenv("STAMKLANT_SOAK") == "" {
		t.Skip("long: runs with make soak")
	}
	canCutPower(t)
	cuts, err := strconv.Atoi(os.Getenv("STAMKLANT_CUTS"))
	if err != nil {
		cuts = 100
	}
	powerCut(t, cuts)
}

// canCutPower skips the test, naming what is missing, where no such disk can be made.
func canCutPower(t *testing.T) {
	t.Helper()
	for _, device := range []string{"/dev/fuse", "/dev/loop-control"} {
		file, err := os.OpenFile(device, os.O_RDWR, 0)
		if err != nil {
			t.Skipf("no power cuts here: %v", err)
		}
		file.Close()
	}
	for _, program := range []string{"mkfs.ext4", "losetup", "mount", "umount"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no power cuts here: %v", err)
		}
	}
	try := t.TempDir()
	err := syscall.Mount("stamklant-test", try, "tmpfs", 0, "")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("no power cuts here: no right to mount")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Unmount(try, 0); err != nil {
		t.Fatal(err)
	}
}

// enoughCuts is how often the power is cut at most until a cut falls into a moment in which something was not flushed yet.
const enoughCuts = 15

// powerCut is crash, with the power of the disk cut before the process ends.
func powerCut(t *testing.T, cuts int) {
	t.Helper()
	m := newCutMachine(t)
	c := newCrashing(t, filepath.Join(m.mount, "store"))
	publishing, stop := context.WithCancel(t.Context())
	var publisher sync.WaitGroup
	publisher.Go(func() { c.publishForEver(publishing) })
	defer publisher.Wait()
	defer stop()
	began := time.Now()
	for cut := 0; cut < cuts || m.disk.lost == 0 && cut < enoughCuts; cut++ {
		c.cutServing(m, cut%2 == 0)
		c.currentNamesARelease()
		if cut%lookEach == lookEach-1 {
			c.marks.look(t, c.data)
		}
		if t.Failed() {
			t.Fatalf("at cut %d", cut)
		}
	}
	took := time.Since(began)
	stop()
	publisher.Wait()
	waited := c.settle()
	t.Logf("%d power cuts in %s: %d sectors kept, %d lost or old; %d receipts acknowledged, %d in flight at a cut; %d releases served; %d lookups; rows waited at the end: %d",
		cuts, took.Round(time.Second), m.disk.kept, m.disk.lost, c.book.acknowledged, c.book.unanswered, len(c.book.releases), c.book.lookups, waited)
	t.Log(&c.marks)
	if m.disk.lost == 0 || c.book.acknowledged == 0 || cuts >= 20 && (len(c.book.releases) < cuts/3 || c.marks.prunings == 0) {
		t.Error("too little was going on while the power was cut")
	}
}

// cutServing cuts the power at some moment of the server's work, and starts the machine again. When it is told to, it lets a newer release come first,
// for some seconds.
func (c *crashing) cutServing(m *cutMachine, newer bool) {
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
	pause := time.NewTimer(200*time.Millisecond + time.Duration(c.random.Int64N(int64(time.Second))))
	<-pause.C
	c.book.freeze(func() { m.cutPower(c.random) })
	server.kill()
	cancel()
	tills.Wait()
	c.book.thaw()
	m.boot()
}

// freeze does something at a moment between two acknowledgements; what is acknowledged after it does not count, until thaw.
func (b *crashBook) freeze(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
	b.frozen = true
}

// thaw has acknowledgements count again.
func (b *crashBook) thaw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.frozen = false
}
