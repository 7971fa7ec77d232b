package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/outbox"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

// A line reaches a SyncService without a network. It can be cut, and tells of every delivery that came through.
type line struct {
	syncv1.SyncServiceClient
	service *hub.SyncService
	cut     atomic.Bool
	through chan struct{} // one token after each call that came through

	mu    sync.Mutex
	tries []time.Time
}

var errCut = status.Error(codes.Unavailable, "the line is cut")

func (l *line) Deliver(ctx context.Context, req *syncv1.DeliverRequest, _ ...grpc.CallOption) (*syncv1.DeliverResponse, error) {
	l.mu.Lock()
	l.tries = append(l.tries, time.Now())
	l.mu.Unlock()
	if l.cut.Load() {
		return nil, errCut
	}
	defer l.tell()
	return l.service.Deliver(ctx, req)
}

func (l *line) Report(ctx context.Context, req *syncv1.ReportRequest, _ ...grpc.CallOption) (*syncv1.ReportResponse, error) {
	if l.cut.Load() {
		return nil, errCut
	}
	return l.service.Report(ctx, req)
}

func (l *line) tell() {
	select {
	case l.through <- struct{}{}:
	default:
	}
}

// office is an inbox with its service.
func office(t *testing.T, path string) (*inbox.Inbox, *line) {
	t.Helper()
	box, err := inbox.Open(path, inboxConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	service, err := hub.NewSyncService(hub.SyncConfig{
		Inbox: box, Bundles: t.TempDir(), Now: now, Logger: quiet(),
		Server: func(context.Context) (string, bool) { return "gent-1", true },
		Newest: func(string) uint64 { return 12 },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { service.Close() })
	return box, &line{service: service, through: make(chan struct{}, 1)}
}

func store(t *testing.T, path string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(path, journalConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func newOutbox(j *journal.Journal, l *line) *outbox.Outbox {
	return outbox.New(outbox.Config{Journal: j, Client: l, ServerID: "gent-1", Version: "test", Now: now, Logger: quiet()})
}

// run runs an outbox until the returned function is called, which waits for its end.
func run(t *testing.T, o *outbox.Outbox) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func earn(t *testing.T, j *journal.Journal, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if _, err := j.Record(t.Context(), sale(fmt.Sprint(i), account(0), 1)); err != nil {
			t.Fatal(err)
		}
	}
}

// settled waits until nothing waits in the journal.
func settled(t *testing.T, j *journal.Journal, l *line) {
	t.Helper()
	for {
		waiting, err := j.Waiting()
		if err != nil {
			t.Fatal(err)
		}
		if waiting == 0 {
			return
		}
		select {
		case <-l.through:
		case <-time.After(10 * time.Millisecond): // the answer came through, and its confirmation is on its way to disk
		case <-t.Context().Done():
			t.Fatal("the rows never arrived")
		}
	}
}

// delivered is what head office counts for account 0, and in how many entries.
func delivered(t *testing.T, box *inbox.Inbox) (points int64, entries int) {
	t.Helper()
	postings, err := box.Statement(account(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range postings {
		points += p.Entry.GetPoints()
	}
	return points, len(postings)
}

func TestDeliversWhatArrives(t *testing.T) {
	dir := t.TempDir()
	box, l := office(t, filepath.Join(dir, "inbox.db"))
	j := store(t, filepath.Join(dir, "journal.db"))
	earn(t, j, 0, 3) // before it runs
	o := newOutbox(j, l)
	stop := run(t, o)
	settled(t, j, l)
	earn(t, j, 3, 20)
	settled(t, j, l)
	stop()
	if points, entries := delivered(t, box); points != 20 || entries != 20 {
		t.Errorf("%d points in %d entries", points, entries)
	}
	earn(t, j, 20, 25)
	stop = run(t, newOutbox(j, l))
	settled(t, j, l)
	stop()
	if points, _ := delivered(t, box); points != 25 {
		t.Errorf("%d points after a restart of the outbox", points)
	}
	if s := o.Stats(); s.Delivered != 20 || s.Failing != 0 || !s.LastDelivered.Equal(noon) {
		t.Errorf("stats %+v", s)
	}
}

// TestHeadOfficeAway cuts the line for an hour of fake time: tries get rarer and never stop; when it is back everything arrives once.
func TestHeadOfficeAway(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		box, l := office(t, filepath.Join(dir, "inbox.db"))
		j := store(t, filepath.Join(dir, "journal.db"))
		l.cut.Store(true)
		o := newOutbox(j, l)
		stop := run(t, o)
		earn(t, j, 0, 5)
		time.Sleep(time.Hour) // of the bubble's clock
		synctest.Wait()
		l.mu.Lock()
		tries := l.tries
		l.mu.Unlock()
		if n := len(tries); n < 60 || n > 160 {
			t.Errorf("%d tries in an hour", n)
		}
		if first := tries[1].Sub(tries[0]); first < outbox.FirstWait/2 || first > outbox.FirstWait {
			t.Errorf("the second try came after %v", first)
		}
		for i := 10; i < len(tries); i++ {
			if wait := tries[i].Sub(tries[i-1]); wait < outbox.LongestWait/2 || wait > outbox.LongestWait+time.Second {
				t.Errorf("try %d came after %v", i, wait)
			}
		}
		if s := o.Stats(); s.Failing != int64(len(tries)) {
			t.Errorf("stats %+v after %d tries", s, len(tries))
		}
		l.cut.Store(false)
		time.Sleep(outbox.LongestWait + time.Second)
		synctest.Wait()
		stop()
		if points, entries := delivered(t, box); points != 5 || entries != 5 {
			t.Errorf("%d points in %d entries", points, entries)
		}
		if err := errors.Join(j.Close(), box.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestReport(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		box, l := office(t, filepath.Join(dir, "inbox.db"))
		j := store(t, filepath.Join(dir, "journal.db"))
		var newest atomic.Uint64
		o := outbox.New(outbox.Config{
			Journal: j, Client: l, ServerID: "gent-1", Version: "1.2", Now: now, Logger: quiet(),
			ManifestVersion: func() uint64 { return 7 }, Newest: func(v uint64) { newest.Store(v) },
		})
		stop := run(t, o)
		synctest.Wait()
		stop()
		servers, err := box.Servers()
		if err != nil || len(servers) != 1 || servers[0].Report.GetManifestVersion() != 7 || servers[0].Report.GetVersion() != "1.2" {
			t.Errorf("head office knows %+v, %v", servers, err)
		}
		if newest.Load() != 12 {
			t.Errorf("newest manifest %d", newest.Load())
		}
		if _, contact, err := j.Times(); !contact.Equal(noon) || err != nil {
			t.Errorf("contact %v, %v", contact, err)
		}
		if err := errors.Join(j.Close(), box.Close()); err != nil {
			t.Error(err)
		}
	})
}

// copyFiles copies a journal with its seal, as an image of the whole disk does.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	for _, suffix := range []string{"", ".seal"} {
		in, err := os.Open(from + suffix)
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(to + suffix)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(out, in)
		if err := errors.Join(err, in.Close(), out.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestClonedJournalRunsTwice runs a journal and an image of its disk side by side. Head office sees the fork; nothing is lost or doubled.
func TestClonedJournalRunsTwice(t *testing.T) {
	dir := t.TempDir()
	box, l := office(t, filepath.Join(dir, "inbox.db"))
	one, two := filepath.Join(dir, "one.db"), filepath.Join(dir, "two.db")
	j := store(t, one)
	earn(t, j, 0, 4)
	stop := run(t, newOutbox(j, l))
	settled(t, j, l)
	stop()
	earn(t, j, 4, 6) // waits in both
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	copyFiles(t, one, two)
	j, k := store(t, one), store(t, two)
	if j.Incarnation() != k.Incarnation() {
		t.Fatal("the clone was noticed: this test proves nothing")
	}
	earn(t, j, 10, 13)
	earn(t, k, 20, 25)
	o, p := newOutbox(j, l), newOutbox(k, l)
	stopO, stopP := run(t, o), run(t, p)
	settled(t, j, l)
	settled(t, k, l)
	earn(t, j, 13, 14)
	earn(t, k, 25, 26)
	settled(t, j, l)
	settled(t, k, l)
	stopO()
	stopP()
	if points, entries := delivered(t, box); points != 6+4+6 || entries != 16 {
		t.Errorf("%d points in %d entries, want 16", points, entries)
	}
	if forks := o.Stats().Forks + p.Stats().Forks; forks != 1 {
		t.Errorf("%d forks, want 1", forks)
	}
	if j.Incarnation() == k.Incarnation() {
		t.Error("both still speak under one incarnation")
	}
}

// TestImageOfTheDiskPutBack puts journal and seal of last week back, so that only head office can notice.
func TestImageOfTheDiskPutBack(t *testing.T) {
	for _, tc := range []struct {
		name string
		anew int // receipts after it was put back
		want int64
	}{{"nothing happens after", 0, 9}, {"fewer receipts than were lost", 2, 11}, {"more", 8, 17}} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			box, l := office(t, filepath.Join(dir, "inbox.db"))
			path, image := filepath.Join(dir, "journal.db"), filepath.Join(dir, "image.db")
			j := store(t, path)
			earn(t, j, 0, 4)
			j.Close()
			copyFiles(t, path, image)
			j = store(t, path)
			earn(t, j, 4, 9)
			stop := run(t, newOutbox(j, l))
			settled(t, j, l)
			stop()
			j.Close()
			copyFiles(t, image, path)
			j = store(t, path)
			earn(t, j, 100, 100+tc.anew)
			stop = run(t, newOutbox(j, l))
			settled(t, j, l)
			stop()
			if points, entries := delivered(t, box); points != tc.want || int64(entries) != tc.want {
				t.Errorf("%d points in %d entries, want %d", points, entries, tc.want)
			}
			if _, why := j.Born(); why != journal.Forked {
				t.Errorf("the incarnation began because: %v", why)
			}
		})
	}
}

// TestHeadOfficePutBack puts an older inbox back: what the store still has is delivered again.
func TestHeadOfficePutBack(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "inbox.db")
	j := store(t, filepath.Join(dir, "journal.db"))
	deliverAll := func() int64 {
		box, l := office(t, path)
		stop := run(t, newOutbox(j, l))
		settled(t, j, l)
		stop()
		points, _ := delivered(t, box)
		if err := box.Close(); err != nil {
			t.Fatal(err)
		}
		return points
	}
	earn(t, j, 0, 3)
	deliverAll()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	earn(t, j, 3, 6)
	deliverAll()
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	earn(t, j, 6, 7)
	if points := deliverAll(); points != 7 {
		t.Errorf("%d points, want 7", points)
	}
}

// TestRefusedForEver: a head office that cannot read a row is asked again, ever more rarely, and the row stays.
func TestRefusedForEver(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		box, l := office(t, filepath.Join(dir, "inbox.db"))
		j := store(t, filepath.Join(dir, "journal.db"))
		earn(t, j, 0, 1)
		o := outbox.New(outbox.Config{Journal: j, Client: &refusing{line: l}, ServerID: "gent-1", Now: now, Logger: quiet()})
		stop := run(t, o)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		stop()
		if s := o.Stats(); s.Failures < 10 || s.Failures > 60 || s.Forks > s.Failures {
			t.Errorf("stats %+v", s)
		}
		if waiting, err := j.Waiting(); waiting != 1 || err != nil {
			t.Errorf("%d rows wait, %v", waiting, err)
		}
		if err := errors.Join(j.Close(), box.Close()); err != nil {
			t.Error(err)
		}
	})
}

// refusing is a head office that finds a fork in everything.
type refusing struct{ *line }

func (r *refusing) Deliver(context.Context, *syncv1.DeliverRequest, ...grpc.CallOption) (*syncv1.DeliverResponse, error) {
	st, err := status.New(codes.Aborted, "no").WithDetails(forked())
	if err != nil {
		return nil, err
	}
	return nil, st.Err()
}
