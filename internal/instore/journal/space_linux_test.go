package journal_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stamklant/stamklant/internal/instore/journal"
)

// smallDisk is a disk of its own of so many megabytes.
func smallDisk(t *testing.T, mb int) string {
	t.Helper()
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", mb), "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("a disk of a size of its own needs the right to mount: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", disk).Run() })
	return disk
}

// TestNoSpaceLeft runs out of disk in the middle of commits and of a compaction, with nothing kept free that would warn before: refusals are clear,
// what was acknowledged stays, lookups go on, and the same journal goes on once there is space.
func TestNoSpaceLeft(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 48)
	cfg := config()
	cfg.MinFree, cfg.MapSize = 1, 1<<20
	j := openWith(t, filepath.Join(disk, "journal.db"), cfg)
	recordMany(t, j, 0, 20)
	incarnation := j.Incarnation()
	other := filepath.Join(disk, "photos.zip")
	fill := func() {
		t.Helper()
		f, err := os.Create(other)
		if err != nil {
			t.Fatal(err)
		}
		block := make([]byte, 64<<10)
		for err == nil {
			_, err = f.Write(block)
		}
		_ = f.Close() // the disk is full
	}
	fill()
	if _, err := j.Compact(t.Context()); !errors.Is(err, journal.ErrFull) {
		t.Errorf("compacting on a full disk: %v", err)
	}
	acknowledged, refused := 20, error(nil)
	for n := 20; n < 20_000 && refused == nil; n++ {
		if _, refused = j.Record(t.Context(), request(fmt.Sprint(n), subject(1), 1)); refused == nil {
			acknowledged++
		}
	}
	if !errors.Is(refused, journal.ErrFull) {
		t.Fatalf("after %d receipts: %v", acknowledged, refused)
	}
	held := func() int {
		t.Helper()
		last, err := j.Inspect()
		if err != nil {
			t.Fatal(err)
		}
		return int(last.GetLast())
	}
	if got := held(); got != acknowledged {
		t.Errorf("%d rows after %d acknowledged receipts", got, acknowledged)
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Record(t.Context(), request("after", subject(1), 1)); err != nil {
		t.Errorf("once there is space: %v", err)
	}
	if _, err := j.Compact(t.Context()); err != nil {
		t.Errorf("compacting once there is space: %v", err)
	}
	if got := held(); got != acknowledged+1 || j.Incarnation() != incarnation {
		t.Errorf("%d rows, want %d; incarnation kept: %v", got, acknowledged+1, j.Incarnation() == incarnation)
	}
	if err := j.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
