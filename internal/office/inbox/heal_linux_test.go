package inbox_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stamklant/stamklant/internal/office/inbox"
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

// TestFailedCommitHeals makes the disk refuse a delivery: the store hears that it is not known whether its rows were taken, and delivers again.
func TestFailedCommitHeals(t *testing.T) {
	path := file(t)
	box, s := open(t, path), newServer("gent-1")
	s.receipt(t, sale("1", account(1), 5))
	deliver(t, box, s.all())
	s.receipt(t, sale("2", account(1), 7))
	breakFile(t, path)
	if _, err := box.Deliver(t.Context(), s.all()); !errors.Is(err, inbox.ErrUnavailable) {
		t.Fatalf("a delivery the disk did not take: %v", err)
	}
	if got := deliver(t, box, s.all()); got.GetThrough() != 2 {
		t.Errorf("delivered again: held through %d", got.GetThrough())
	}
	if got := points(t, box, account(1)); got != 12 {
		t.Errorf("%d points, want 12", got)
	}
}

// TestFailedCommitUnderACut: while a release is made from a cut, the file stays open under it. The next delivery after that is taken.
func TestFailedCommitUnderACut(t *testing.T) {
	path := file(t)
	box, s := open(t, path), newServer("gent-1")
	s.receipt(t, sale("1", account(1), 5))
	deliver(t, box, s.all())
	cut, err := box.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.receipt(t, sale("2", account(1), 7))
	breakFile(t, path)
	for range 3 {
		if _, err := box.Deliver(t.Context(), s.all()); !errors.Is(err, inbox.ErrUnavailable) {
			t.Fatalf("a delivery the disk did not take: %v", err)
		}
	}
	for a, err := range cut.Accounts() {
		if err != nil || a.Points != 5 {
			t.Errorf("in the cut: %d points, %v", a.Points, err)
		}
	}
	if err := cut.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Deliver(t.Context(), s.all()); err == nil {
		t.Error("taken by a file that is suspect")
	}
	deliver(t, box, s.all())
	if got := points(t, box, account(1)); got != 12 {
		t.Errorf("%d points, want 12", got)
	}
}
