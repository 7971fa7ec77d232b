package main_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
)

// lookEach is after how many crashes the dead server's files are read.
const lookEach = 4

// crashMarks is how far a server's files had come whenever they were looked at: what must never go back, and what must go on while it is killed.
type crashMarks struct {
	looks                                   int
	recorded, confirmed, counted, pruned    uint64
	release                                 uint64
	confirmations, cutOffs, prunings, moves int // how often each was further than at the look before
}

// look reads a dead server's files, as a person would. The numbers are of one incarnation: nothing here begins another.
func (m *crashMarks) look(t *testing.T, data string) {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(dir, "stamklant-store"), "inspect", "--json", "--data", data).Output()
	report := new(syncv1.InspectResponse)
	if err != nil || protojson.Unmarshal(out, report) != nil {
		t.Fatalf("inspect: %v\n%s", err, out)
	}
	j, counted, release := report.GetJournal(), m.counted, m.release
	if j.GetFault() != "" || len(j.GetIncarnations()) != 1 {
		t.Errorf("the journal: %q, %d incarnations", j.GetFault(), len(j.GetIncarnations()))
	}
	for _, r := range report.GetReleases() {
		if !r.GetCurrent() {
			continue
		}
		release = r.GetVersion()
		for _, c := range r.GetCutOffs() {
			counted = min(c.GetLedgerThrough(), c.GetReceiptsThrough())
		}
	}
	m.looks++
	m.recorded = j.GetLast()
	for _, mark := range []struct {
		what string
		was  *uint64
		is   uint64
		rose *int
	}{
		{"confirmed", &m.confirmed, j.GetConfirmed(), &m.confirmations},
		{"counted", &m.counted, counted, &m.cutOffs},
		{"pruned", &m.pruned, j.GetPruned(), &m.prunings},
		{"release", &m.release, release, &m.moves},
	} {
		if mark.is < *mark.was {
			t.Errorf("%s went back from %d to %d", mark.what, *mark.was, mark.is)
		}
		if mark.is > *mark.was {
			*mark.rose++
		}
		*mark.was = mark.is
	}
}

func (m *crashMarks) String() string {
	return fmt.Sprintf("in %d looks at the dead server's files the release was newer %d times, head office held more %d times, had counted and scored more %d times, rows had been pruned %d times (%d rows of %d)",
		m.looks, m.moves, m.confirmations, m.cutOffs, m.prunings, m.pruned, m.recorded)
}
