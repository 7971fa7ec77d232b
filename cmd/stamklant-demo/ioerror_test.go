//go:build linux

package main_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// sickShop is a store whose files lie on a disk that can be made to fail, under tills that look its one customer up all the time.
type sickShop struct {
	t     *testing.T
	disk  *sickDisk
	home  string
	data  string
	store *process

	enrolment string
	c         *till
	want      int64 // points the customer must have

	stop             func() // asking
	answered, failed atomic.Int64
}

// newSickShop serves the first release from a disk in good order, and looks up until the test ends.
func newSickShop(t *testing.T) *sickShop {
	t.Helper()
	canCutPower(t)
	s := &sickShop{t: t, disk: newSickDisk(t), want: 1245}
	s.home, s.enrolment, _ = delivering(t)
	s.data = s.disk.mount
	s.store, s.c = serveWith(t, s.enrolment, s.data, "--quiet", "1s")
	released(t, s.c, 1)
	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for i := range 2 {
		c := newTill(t, s.store.addr, s.data, "k1", strconv.Itoa(20+i))
		asking.Go(func() { s.ask(ctx, c) })
	}
	s.stop = func() { stop(); asking.Wait() }
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server said:\n%s", s.store.text())
		}
		s.stop()
		t.Logf("%d lookups, %d failed", s.answered.Load(), s.failed.Load())
		if s.failed.Load() > 0 || s.answered.Load() < 20 {
			t.Errorf("%d of %d lookups failed while the disk did", s.failed.Load(), s.answered.Load())
		}
	})
	return s
}

func (s *sickShop) ask(ctx context.Context, c *till) {
	every := time.NewTicker(25 * time.Millisecond)
	defer every.Stop()
	for ctx.Err() == nil {
		one, cancel := context.WithTimeout(context.Background(), 5*time.Second) //nolint:usetesting // until it is stopped
		answer, err := c.Lookup(one, c.lookup("2900123456785"))
		cancel()
		if err != nil || answer.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND {
			s.failed.Add(1)
			s.t.Logf("a lookup: %v %v", answer.GetOutcome(), err)
		}
		s.answered.Add(1)
		<-every.C
	}
}

// points is what the customer has now.
func (s *sickShop) points() {
	s.t.Helper()
	if got := s.c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != s.want {
		s.t.Errorf("%d points, want %d", got, s.want)
	}
}

// TestIOErrorsWhileRecording: the disk fails to write, or to flush, what tills record. They are told that it is not known whether theirs was
// recorded, as often as they ask while it is sick. Once it is well, the same receipt is booked, once.
func TestIOErrorsWhileRecording(t *testing.T) {
	s := newSickShop(t)
	for i, fails := range []operation{flushing, writing, flushing} {
		receipt := s.c.sale("2900123456785", "sick-"+strconv.Itoa(i), 700, "EUR")
		s.disk.sicken(fails, "journal.db")
		for range 5 {
			if _, err := s.c.RecordReceipt(t.Context(), receipt); status.Code(err) != codes.Unavailable {
				t.Errorf("%s: a receipt the disk did not take: %v", fails, err)
			}
		}
		if s.disk.heal() == 0 {
			t.Errorf("%s did not fail", fails)
		}
		if answer := sendsAgain(t, s.c, receipt); answer.GetPoints() != 7 {
			t.Errorf("%s: the same receipt once the disk is well: %v", fails, answer)
		}
		s.want += 7
		s.points()
	}
	if said := s.store.text(); !strings.Contains(said, "the journal is opened again after a failed commit") {
		t.Errorf("the log does not tell:\n%s", said)
	}
	s.stop()
	s.store.kill() // what was acknowledged is on the disk
	_, s.c = serveWith(t, s.enrolment, s.data)
	s.points()
}

// TestIOErrorsWhileApplying: the disk fails while a release is fetched and built. The one before goes on, the log says why, and without a restart the
// release serves once the disk is well.
func TestIOErrorsWhileApplying(t *testing.T) {
	s := newSickShop(t)
	release := uint64(1)
	for _, sick := range []struct {
		fails  operation
		within string
	}{{writing, "generations"}, {flushing, "generations"}, {writing, "download"}, {flushing, "CURRENT"}} {
		said := len(s.store.text())
		s.disk.sicken(sick.fails, sick.within)
		// A customer more, so that there is something to build.
		list := ownCustomers + fmt.Sprintf("%d,%s,lost,1,1,1,basic,5\n", 100+release, withCheckDigit(fmt.Sprintf("2900100000%02d", 10+release)))
		dir := t.TempDir()
		office(t, s.home, 0, "import", "customers", write(t, dir+"/customers.csv", list), "--mapping", write(t, dir+"/mapping.yaml", ownMapping), "--replace")
		office(t, s.home, 0, "publish")
		eventually(t, string(sick.fails)+" in "+sick.within+" is told in the log", func() bool {
			return strings.Contains(s.store.text()[said:], "input/output error")
		})
		if got := s.c.status().GetMeta().GetRelease(); got != release {
			t.Errorf("%s in %s: release %d serves, want %d", sick.fails, sick.within, got, release)
		}
		s.points()
		s.disk.heal()
		release++
		released(t, s.c, release)
		s.points()
	}
}

// TestIOErrorsWhileCompacting: after an erasure the journal is written anew, and the disk fails at that. Receipts are recorded in the old file, and
// once the disk is well the bytes of the erased customer go.
func TestIOErrorsWhileCompacting(t *testing.T) {
	s := newSickShop(t)
	s.disk.sicken(flushing, "journal.db.compact")
	office(t, s.home, 0, "erase", "--card", "2900100000017", "--yes")
	office(t, s.home, 0, "publish")
	released(t, s.c, 2)
	eventually(t, "writing the journal anew fails", func() bool { return bytes.Contains([]byte(s.store.text()), []byte("write the journal anew")) })
	if answer := sendsAgain(t, s.c, s.c.sale("2900123456785", "meanwhile", 700, "EUR")); answer.GetPoints() != 7 {
		t.Errorf("a receipt after a failed compaction: %v", answer)
	}
	s.want += 7
	s.points()
	if s.disk.heal() == 0 {
		t.Error("flushing did not fail")
	}
	eventually(t, "the journal is written anew", func() bool { return strings.Contains(s.store.text(), "the journal was written anew") })
	s.points()
}
