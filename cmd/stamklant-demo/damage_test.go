package main_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// leadsToItself changes a journal so that every page that leads to others leads to itself: whoever follows it goes round until his memory ends.
// It changes the file where it lies, also under a server that has it open.
func leadsToItself(t *testing.T, path string) {
	t.Helper()
	const page, header, element = 4096, 16, 16
	whole := read(t, path)
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pages := 0
	for at := 2 * page; at+page <= len(whole); at += page {
		p := whole[at : at+page]
		if binary.LittleEndian.Uint64(p) != uint64(at/page) || binary.LittleEndian.Uint16(p[8:]) != 0x01 {
			continue
		}
		for i := range int(binary.LittleEndian.Uint16(p[10:])) {
			binary.LittleEndian.PutUint64(p[header+i*element+8:], uint64(at/page))
		}
		if _, err := file.WriteAt(p, int64(at)); err != nil {
			t.Fatal(err)
		}
		pages++
	}
	if pages == 0 {
		t.Fatal("the journal has no page that leads to others: it is too small for this test")
	}
}

// TestJournalThatLeadsToItself: pages of the journal lead to themselves, once while the server is stopped, once while it runs. What follows them
// dies; what starts afterwards refuses the journal by name, puts the last back-up in its place and serves. Nothing is lost or counted twice.
func TestJournalThatLeadsToItself(t *testing.T) {
	t.Parallel()
	home, enrolment, _ := delivering(t)
	data := t.TempDir()
	journal := filepath.Join(data, "journal.db")
	store, c := serveWith(t, enrolment, data)
	released(t, c, 1)
	want := int64(1245)
	sell := func(name string) {
		t.Helper()
		for i := range 60 {
			c.record(c.sale("2900123456785", name+strconv.Itoa(i), 100, "EUR"))
			want++
		}
		eventually(t, "everything is delivered", func() bool { return c.status().GetOutboxWaiting() == 0 })
	}
	sell("a")
	store.stop()
	leadsToItself(t, journal)

	if out := storeCommand(t, 3, "verify", "--data", data); !strings.Contains(out, "journal.db") || !strings.Contains(out, "DAMAGED") {
		t.Errorf("verify said:\n%s", out)
	}
	out, code := try(t, "stamklant-store", "serve", "--data", data, "--listen", "127.0.0.1:0", "--no-restore")
	if code == 0 || !strings.Contains(out, "journal.db") || !strings.Contains(out, "stamklant-store restore") {
		t.Errorf("left to a person: exit code %d\n%s", code, out)
	}
	store, c = serveWith(t, enrolment, data)
	if answer := c.card("2900123456785"); answer.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND {
		t.Errorf("the first lookup: %v", answer)
	}
	if said := store.text(); !strings.Contains(said, "THE JOURNAL IS DAMAGED") || !strings.Contains(said, "THE JOURNAL WAS RESTORED") || !strings.Contains(said, journal) {
		t.Errorf("the log does not name the journal:\n%s", said)
	}
	sell("b")

	leadsToItself(t, journal) // under the running server
	for i := 0; i < 200 && ended(store) == false; i++ {
		if _, err := c.Lookup(t.Context(), c.lookup("2900123456785")); err != nil {
			break
		}
	}
	store.kill()
	_, c = serveWith(t, enrolment, data)
	if answer := c.card("2900123456785"); answer.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND {
		t.Errorf("the first lookup of the next process: %v", answer)
	}
	sell("c")
	office(t, home, 0, "publish")
	released(t, c, 2)
	if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != want {
		t.Errorf("%d points, want %d", got, want)
	}
}

// ended reports whether a server is gone.
func ended(p *process) bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
