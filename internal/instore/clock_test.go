package instore_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore"
)

// TestWrongClockPurgesNothing starts a server whose rows are all counted under clocks that are years off. Nothing goes, selling and looking up go on,
// and tills are told; under the right clock the same rows go.
func TestWrongClockPurgesNothing(t *testing.T) {
	t.Parallel()
	h := newHeadOffice(t, 50)
	h.now = h.now.Add(-time.Hour)
	e, data := h.enrol("s01-a"), t.TempDir()
	box := openInbox(t)
	h.publish()
	s := serve(t, e, data)
	s.push(h)
	for i := range 6 {
		s.mustSell(fmt.Sprint(i), 10)
	}
	s.drain(box)
	status, err := s.jobs.Status(t.Context(), &syncv1.StatusRequest{})
	if err != nil || status.GetClockSuspect() {
		t.Fatalf("%v, %v", status, err)
	}
	for range 3 { // until no release on the disk has not counted them
		h.now, h.balance = h.now.Add(time.Minute), h.balance+1
		h.publish(&bundlev1.CutOff{ServerId: "s01-a", Incarnation: status.GetIncarnation(), LedgerThrough: 6, ReceiptsThrough: 6})
		s.push(h)
	}
	s.stop()
	pruned := func() uint64 {
		t.Helper()
		report, err := instore.Inspect(t.Context(), quietly(data))
		if err != nil {
			t.Fatal(err)
		}
		return report.GetJournal().GetPruned()
	}
	was := pruned()
	if was != 0 {
		t.Fatalf("%d rows went before their time", was)
	}
	for i, wall := range []time.Time{time.Unix(0, 0), time.Now().AddDate(-2, 0, 0), time.Now().AddDate(2, 0, 0), time.Now().AddDate(0, 0, 2)} {
		var now atomic.Int64
		now.Store(wall.UnixNano())
		s = serve(t, e, data, func(c *instore.Config) { c.Now = func() time.Time { return time.Unix(0, now.Load()) } })
		if got := s.points(); got != 103+int64(i)*10 {
			t.Errorf("%v: %d points", wall, got)
		}
		s.mustSell(fmt.Sprint("wrong-", i), 10)
		if again, err := s.sell("0", 10); err != nil || !again.GetMeta().GetReplayed() {
			t.Errorf("%v: an old receipt is not known any more: %v, %v", wall, again, err)
		}
		told, err := s.till.GetStatus(t.Context(), &tillv1.GetStatusRequest{Caller: &tillv1.Caller{Till: "1", Store: "s01"}})
		if err != nil || !told.GetClockSuspect() || told.GetTrustedTime() == nil {
			t.Errorf("%v: tills are told %v, %v", wall, told, err)
		}
		s.stop()
		if got := pruned(); got != 0 {
			t.Fatalf("%v: %d rows were purged", wall, got)
		}
	}
	s = serve(t, e, data)
	within(t, "counted rows go under the right clock", func() bool {
		report, err := s.jobs.Inspect(t.Context(), &syncv1.InspectRequest{})
		return err == nil && report.GetJournal().GetPruned() == 6
	})
}
