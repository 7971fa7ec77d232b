package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/stamklant/stamklant/internal/instore/journal"
)

// breakFile puts a descriptor that cannot be written in the place of the one under an open file.
func breakFile(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc to find the file's descriptor in")
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, e := range entries {
		name, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		if err != nil || name != path {
			continue
		}
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Dup3(int(null.Fd()), fd, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("%s is not open", path)
}

// TestFailedCommitHeals makes the disk refuse a commit under several tills at once: all hear that it is not known whether theirs was recorded,
// the file is opened again, and sending again sorts it out.
func TestFailedCommitHeals(t *testing.T) {
	path := file(t)
	j := open(t, path)
	record(t, j, request("before", subject(1), 1))
	breakFile(t, path)
	var wg sync.WaitGroup
	for till := range 8 {
		wg.Go(func() {
			req := request(fmt.Sprint(till), subject(1), 1)
			rec, err := j.Record(t.Context(), req)
			if errors.Is(err, journal.ErrUnavailable) {
				rec, err = j.Record(t.Context(), req)
			}
			if err != nil || string(rec.Answer) != fmt.Sprint("1 points on ", till) {
				t.Errorf("till %d: %+v, %v", till, rec, err)
			}
		})
	}
	wg.Wait()
	if got := points(t, j, subject(1), nothingCounted); got != 9 {
		t.Errorf("%d points, want 9", got)
	}
	if _, why := j.Born(); why != journal.Created {
		t.Errorf("healing began a new incarnation: %v", why)
	}
	j.Close()
	if got := points(t, open(t, path), subject(1), nothingCounted); got != 9 {
		t.Errorf("%d points after a restart, want 9", got)
	}
}
