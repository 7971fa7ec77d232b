package instore_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore"
	"github.com/stamklant/stamklant/internal/instore/backup"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

func quietly(data string) instore.Config {
	return instore.Config{Data: data, Logger: slog.New(slog.DiscardHandler)}
}

func incarnation(t *testing.T, data string) string {
	t.Helper()
	report, err := instore.Inspect(t.Context(), quietly(data))
	if err != nil {
		t.Fatal(err)
	}
	lives := report.GetJournal().GetIncarnations()
	if len(lives) == 0 {
		t.Fatalf("the journal cannot be read: %s", report.GetJournal().GetFault())
	}
	return string(lives[len(lives)-1].GetId())
}

// TestRestore: a back-up is made while tills go on, a week passes, the disk is lost, the back-up comes back. Head office counts every receipt once, the
// balance at the till is right again after the next release, and what was trusted stays trusted.
func TestRestore(t *testing.T) {
	t.Parallel()
	h := newHeadOffice(t, 50)
	e, data := h.enrol("s01-a"), t.TempDir()
	box := openInbox(t)
	h.publish()
	first := h.file(bundle.ManifestPath("s01-a"))
	s := serve(t, e, data)
	s.push(h)
	for i := range 5 {
		s.mustSell(fmt.Sprint("before-", i), 10)
	}
	s.drain(box)
	s.mustSell("waiting", 10) // in the back-up, not at head office
	file := filepath.Join(t.TempDir(), "week.skb")
	header, err := instore.Backup(t.Context(), quietly(data), file) // through the server that runs
	if err != nil || header.GetLast() != 6 || header.GetConfirmed() != 5 {
		t.Fatalf("back-up while serving: %v, %v", header, err)
	}
	for i := range 5 {
		s.mustSell(fmt.Sprint("after-", i), 10)
	}
	s.drain(box)
	if err := instore.Restore(t.Context(), quietly(data), file, io.Discard); !errors.Is(err, journal.ErrBusy) {
		t.Fatalf("restore under a running server: %v", err)
	}
	h.now = h.now.Add(time.Hour)
	h.publish()
	s.push(h)
	s.stop()
	before := incarnation(t, data)
	if err := os.Remove(filepath.Join(data, "journal.db")); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if err := instore.Restore(t.Context(), quietly(data), file, &said); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"new incarnation", "takes each once", "newest release this server ever trusted is 2"} {
		if !strings.Contains(said.String(), word) {
			t.Errorf("a person is not told %q:\n%s", word, said.String())
		}
	}
	if incarnation(t, data) == before {
		t.Error("no new incarnation began")
	}
	s = serve(t, e, data)
	if _, err := s.jobs.Offer(t.Context(), &syncv1.OfferRequest{Keyset: h.file(bundle.KeysetPath), Manifest: first}); reasonOf(err) != "OLDER" {
		t.Errorf("the old release is taken: %v", err)
	}
	s.mustSell("new", 10)
	s.drain(box)
	if got := deliveredPoints(t, box); got != 120 {
		t.Errorf("head office counts %d points; 12 receipts earned 120", got)
	}
	h.now, h.balance = h.now.Add(time.Hour), 100+120
	h.publish(cutOffs(t, box)...)
	s.push(h)
	if got := s.points(); got != 220 {
		t.Errorf("%d points at the till, want 220", got)
	}
}

// TestClone: the copied data folder of a store is run beside it. Nothing either of them recorded is lost or doubled, the fork is seen and healed.
func TestClone(t *testing.T) {
	t.Parallel()
	h := newHeadOffice(t, 50)
	e, data, copied := h.enrol("s01-a"), t.TempDir(), t.TempDir()
	box := openInbox(t)
	h.publish()
	s := serve(t, e, data)
	s.push(h)
	for i := range 3 {
		s.mustSell(fmt.Sprint("shared-", i), 10)
	}
	s.stop()
	if err := os.CopyFS(copied, os.DirFS(data)); err != nil { // disk, seal and all: nothing on this machine tells them apart
		t.Fatal(err)
	}
	one, two := serve(t, e, data), serve(t, e, copied)
	for i := range 4 {
		one.mustSell(fmt.Sprint("one-", i), 10)
		two.mustSell(fmt.Sprint("two-", i), 10)
		one.drain(box)
		two.drain(box)
	}
	if got := deliveredPoints(t, box); got != 110 {
		t.Errorf("head office counts %d points; 3 + 4 + 4 receipts earned 110", got)
	}
	a, err := one.jobs.Status(t.Context(), &syncv1.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := two.jobs.Status(t.Context(), &syncv1.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a.GetIncarnation(), b.GetIncarnation()) {
		t.Error("both still speak under one incarnation")
	}
	if a.GetOutboxWaiting()+b.GetOutboxWaiting() != 0 {
		t.Errorf("%d and %d rows wait for ever", a.GetOutboxWaiting(), b.GetOutboxWaiting())
	}
	if !strings.Contains(one.log.text()+two.log.text(), "why=forked") {
		t.Error("nobody is told of the fork")
	}
}

func cutOffs(t *testing.T, box *inbox.Inbox) []*bundlev1.CutOff {
	t.Helper()
	c, err := box.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	offs := c.CutOffs()
	for _, off := range offs {
		off.ReceiptsThrough = off.GetLedgerThrough()
	}
	return offs
}

// spoil overwrites every n-th page of a journal but the first four, so that its meta pages still open.
func spoil(t *testing.T, path string, from int) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	noise := bytes.Repeat([]byte{0xa5}, 4096)
	for at := int64(from) * 4096; at+4096 <= info.Size(); at += 4096 {
		if _, err := file.WriteAt(noise, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedJournalAtStart: it is refused by name; the last back-up takes its place, or a person is told how to do that.
func TestDamagedJournalAtStart(t *testing.T) {
	t.Parallel()
	h := newHeadOffice(t, 50)
	e, data := h.enrol("s01-a"), t.TempDir()
	h.publish()
	s := serve(t, e, data)
	s.push(h)
	for i := range 5 {
		s.mustSell(fmt.Sprint(i), 10)
	}
	stream, err := s.jobs.Backup(t.Context(), &syncv1.BackupRequest{})
	for err == nil {
		_, err = stream.Recv()
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	s.stop()
	path := filepath.Join(data, "journal.db")
	spoil(t, path, 0)
	config := s.config
	config.NoRestore = true
	if _, err := instore.Open(t.Context(), config); !errors.Is(err, journal.ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "stamklant-store restore") {
		t.Fatalf("a damaged journal, left to a person: %v", err)
	}
	s = serve(t, e, data)
	if got := s.points(); got != 150 {
		t.Errorf("%d points after the restore, want 150", got)
	}
	if log := s.log.text(); !strings.Contains(log, "THE JOURNAL WAS RESTORED") || !strings.Contains(log, path) {
		t.Errorf("the log does not say so loudly:\n%s", log)
	}
	s.mustSell("next", 10)
	s.stop()
	// Without any back-up there is nothing to put in its place.
	spoil(t, path, 0)
	if err := os.RemoveAll(filepath.Join(data, "backups")); err != nil {
		t.Fatal(err)
	}
	if _, err := instore.Open(t.Context(), s.config); !errors.Is(err, journal.ErrDamaged) || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged journal without a back-up: %v", err)
	}
}

// TestDamagedJournalWhileServing: pages rot under a running server. Lookups go on, the last back-up takes the journal's place, later rows that can be
// read are taken over, and head office has every receipt once.
func TestDamagedJournalWhileServing(t *testing.T) {
	t.Parallel()
	h := newHeadOffice(t, 50)
	e, data := h.enrol("s01-a"), t.TempDir()
	box := openInbox(t)
	h.publish()
	s := serve(t, e, data)
	s.push(h)
	for i := range 40 {
		s.mustSell(fmt.Sprint(i), 10)
	}
	file := filepath.Join(t.TempDir(), "now.skb")
	if _, err := instore.Backup(t.Context(), quietly(data), file); err != nil {
		t.Fatal(err)
	}
	s.drain(box)
	spoil(t, filepath.Join(data, "journal.db"), 4)
	_, err := instore.Backup(t.Context(), quietly(data), file+"2") // finds the rot, unless somebody was quicker
	t.Logf("a back-up of a rotten journal: %v", err)
	within(t, "the journal is restored", func() bool { return strings.Contains(s.log.text(), "THE JOURNAL WAS RESTORED") })
	if got := s.points(); got != 500 {
		t.Errorf("%d points, want 500", got)
	}
	s.mustSell("next", 10)
	s.drain(box)
	if got := deliveredPoints(t, box); got != 410 {
		t.Errorf("head office counts %d points; 41 receipts earned 410", got)
	}
	s.stop()
	checks := 0
	if err := instore.Verify(t.Context(), quietly(data), func(c instore.Check) {
		if checks++; c.Fault != nil {
			t.Errorf("%s: %v", c.File, c.Fault)
		}
	}, func(string, int64, int64) {}); err != nil || checks < 3 {
		t.Errorf("after the restore %d files were read: %v", checks, err)
	}
}

// TestSalvage: rows recorded after the back-up that can still be read go up after all.
func TestSalvage(t *testing.T) {
	t.Parallel()
	h := newHeadOffice(t, 50)
	e, data := h.enrol("s01-a"), t.TempDir()
	box := openInbox(t)
	h.publish()
	s := serve(t, e, data)
	s.push(h)
	s.mustSell("backed up", 10)
	file := filepath.Join(t.TempDir(), "old.skb")
	if _, err := instore.Backup(t.Context(), quietly(data), file); err != nil {
		t.Fatal(err)
	}
	for i := range 9 {
		s.mustSell(fmt.Sprint("later-", i), 10)
	}
	s.stop()
	var said bytes.Buffer
	if err := instore.Restore(t.Context(), quietly(data), file, &said); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "Taken over from it: 9 later rows; 0 could not be read") {
		t.Errorf("said:\n%s", said.String())
	}
	s = serve(t, e, data)
	if got := s.points(); got != 200 {
		t.Errorf("%d points, want 200", got)
	}
	if answer, err := s.sell("later-3", 10); err != nil || !answer.GetMeta().GetReplayed() || answer.GetPoints() != 10 {
		t.Errorf("a re-send of a receipt that was taken over: %v, %v", answer, err)
	}
	s.drain(box)
	if got := deliveredPoints(t, box); got != 100 {
		t.Errorf("head office counts %d points; 10 receipts earned 100", got)
	}
}

// TestVerifyFindsRot: every kind of file, a byte at a time.
func TestVerifyFindsRot(t *testing.T) {
	t.Parallel()
	h := newHeadOffice(t, 500)
	e, data := h.enrol("s01-a"), t.TempDir()
	h.publish()
	s := serve(t, e, data)
	s.push(h)
	s.mustSell("1", 10)
	if _, err := instore.Backup(t.Context(), quietly(data), filepath.Join(t.TempDir(), "x.skb")); err != nil {
		t.Fatal(err)
	}
	s.stop()
	nothing := func(string, int64, int64) {}
	if err := instore.Verify(t.Context(), quietly(data), func(instore.Check) {}, nothing); err != nil {
		t.Fatalf("untouched: %v", err)
	}
	for _, pattern := range []string{"releases/generations/*.db", "releases/releases/*/pieces/*", "releases/releases/*/manifest.skm", "backups/*.skb"} {
		found, err := filepath.Glob(filepath.Join(data, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		whole, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		rotten := bytes.Clone(whole)
		rotten[len(rotten)*3/5] ^= 4
		if err := os.WriteFile(found[0], rotten, 0o600); err != nil {
			t.Fatal(err)
		}
		faults := 0
		err = instore.Verify(t.Context(), quietly(data), func(c instore.Check) {
			if c.Fault != nil {
				faults++
			}
		}, nothing)
		if !errors.Is(err, instore.ErrFaults) || faults == 0 {
			t.Errorf("a flipped bit in %s: %v with %d faults told", pattern, err, faults)
		}
		if err := os.WriteFile(found[0], whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBackupsRotate: two are kept, and a bit anywhere in one is noticed before it is used.
func TestBackupsRotate(t *testing.T) {
	t.Parallel()
	h := newHeadOffice(t, 5)
	e, data := h.enrol("s01-a"), t.TempDir()
	h.publish()
	s := serve(t, e, data, func(c *instore.Config) { c.BackupEvery = 50 * time.Millisecond })
	s.push(h)
	s.mustSell("1", 10)
	within(t, "two back-ups have the receipt", func() bool {
		headers, err := backup.List(filepath.Join(data, "backups"))
		return err == nil && len(headers) == 2 && headers[1].GetLast() == 1
	})
	s.stop()
	headers, err := backup.List(filepath.Join(data, "backups"))
	if err != nil || len(headers) != 2 {
		t.Fatalf("%d back-ups are kept: %v", len(headers), err)
	}
	whole, err := os.ReadFile(headers[0].GetFile())
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.skb")
	for at := 0; at < len(whole); at += 997 {
		rotten := bytes.Clone(whole)
		rotten[at] ^= 0x10
		if err := os.WriteFile(bad, rotten, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Read(t.Context(), bad); !errors.Is(err, backup.ErrNotBackup) {
			t.Fatalf("byte %d flipped: %v", at, err)
		}
	}
	for _, length := range []int{0, 1, 39, 40, 41, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(bad, whole[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Read(t.Context(), bad); !errors.Is(err, backup.ErrNotBackup) {
			t.Fatalf("cut to %d bytes: %v", length, err)
		}
	}
}
