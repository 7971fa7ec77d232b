package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
)

// barWidth is how wide the bars of a drawing are, in characters.
const barWidth = 30

// draw draws a data folder for people.
func draw(out io.Writer, r *syncv1.InspectResponse) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "Server %s in store %s · %s free on its disk\n", r.GetServerId(), r.GetStore(), size(r.GetFreeBytes()))
	drawReleases(w, r)
	drawJournal(w, r)
	drawBackups(w, r)
	return w.Flush()
}

func drawReleases(w io.Writer, r *syncv1.InspectResponse) {
	fmt.Fprintf(w, "\nReleases\n")
	if len(r.GetReleases()) == 0 {
		fmt.Fprintf(w, "  none: the server answers tills once the first has come from head office\n")
	}
	for _, one := range r.GetReleases() {
		mark := "│ "
		if one.GetCurrent() {
			mark = "● "
		}
		fmt.Fprintf(w, "%s%d", mark, one.GetVersion())
		if one.GetFault() != "" {
			fmt.Fprintf(w, "  CANNOT SERVE: %s\n", one.GetFault())
			continue
		}
		fmt.Fprintf(w, "  %d accounts, %d identifiers · data of %s (%s old)\n",
			one.GetAccounts(), one.GetIdentifiers(), when(one.GetDataAsOf()), age(r.GetAt(), one.GetDataAsOf()))
		fmt.Fprintf(w, "│    %s · %s\n", one.GetFile(), size(one.GetFileBytes()))
		fmt.Fprintf(w, "│    issued %s, %s\n", when(one.GetIssuedAt()), expiry(r.GetAt(), one.GetExpiresAt()))
		for _, c := range one.GetCutOffs() {
			fmt.Fprintf(w, "│    has counted incarnation %s through %d, its receipts in scores through %d\n",
				short(c.GetIncarnation()), c.GetLedgerThrough(), c.GetReceiptsThrough())
		}
	}
	if r.GetDownloadBytes() > 0 {
		fmt.Fprintf(w, "  %s of a release that is not complete lie in releases/download\n", size(r.GetDownloadBytes()))
	}
}

func drawJournal(w io.Writer, r *syncv1.InspectResponse) {
	j := r.GetJournal()
	fmt.Fprintf(w, "\nJournal  %s\n", j.GetFile())
	if j.GetFault() != "" {
		fmt.Fprintf(w, "  CANNOT BE READ: %s\n", j.GetFault())
		return
	}
	used := j.GetBytes() - min(j.GetBytes(), j.GetFreeBytes())
	fmt.Fprintf(w, "  %s of at most %s, %s in use  %s\n", size(j.GetBytes()), size(j.GetMaxBytes()), size(used), bar(used, j.GetMaxBytes()))
	fmt.Fprintf(w, "  rows     1 ─ pruned %d ─ with head office %d ─ newest %d\n", j.GetPruned(), j.GetConfirmed(), j.GetLast())
	fmt.Fprintf(w, "  outbox   %d rows wait for head office, which last answered %s\n", j.GetWaiting(), when(j.GetOfficeContact()))
	fmt.Fprintf(w, "  trusts   release %d and no older; time not before %s\n", j.GetTrustedVersion(), when(j.GetTimeFloor()))
	fmt.Fprintf(w, "  lives")
	for i, life := range j.GetIncarnations() {
		indent := "    "
		if i > 0 {
			indent = "           "
		}
		fmt.Fprintf(w, "%s%s  %-8s %s, after row %d\n", indent, short(life.GetId()), life.GetReason(), when(life.GetBegan()), life.GetBase())
	}
	var kinds []string
	for _, name := range slices.Sorted(maps.Keys(j.GetValues())) {
		kinds = append(kinds, fmt.Sprintf("%s %d", name, j.GetValues()[name]))
	}
	fmt.Fprintf(w, "  holds    %s\n", strings.Join(kinds, " · "))
	for _, one := range r.GetReleases() {
		if one.GetCurrent() && one.GetFault() == "" && len(j.GetIncarnations()) > 0 {
			drawUncounted(w, j, one.GetCutOffs())
		}
	}
}

// drawUncounted tells how much of the journal the release that serves has not counted.
func drawUncounted(w io.Writer, j *syncv1.JournalReport, cutOffs []*bundlev1.CutOff) {
	now := j.GetIncarnations()[len(j.GetIncarnations())-1]
	through := now.GetBase()
	for _, c := range cutOffs {
		if string(c.GetIncarnation()) == string(now.GetId()) {
			through += c.GetLedgerThrough()
		}
	}
	fmt.Fprintf(w, "  counts   %d rows are not in the release that serves; tills see them added\n", j.GetLast()-min(j.GetLast(), max(through, j.GetPruned())))
}

func drawBackups(w io.Writer, r *syncv1.InspectResponse) {
	fmt.Fprintf(w, "\nBack-ups\n")
	if len(r.GetBackups()) == 0 {
		fmt.Fprintf(w, "  none\n")
	}
	for _, b := range r.GetBackups() {
		if b.GetMadeAt() == nil {
			fmt.Fprintf(w, "  NOT WHOLE  %s\n", b.GetFile())
			continue
		}
		fmt.Fprintf(w, "  %s (%s old) · %d rows · %s · %s\n",
			when(b.GetMadeAt()), age(r.GetAt(), b.GetMadeAt()), b.GetLast(), size(b.GetJournalBytes()), b.GetFile())
	}
}

func when(t *timestamppb.Timestamp) string {
	if t == nil {
		return "never"
	}
	return t.AsTime().Local().Format("2006-01-02 15:04:05")
}

func age(now, then *timestamppb.Timestamp) string {
	return span(now.AsTime().Sub(then.AsTime()))
}

func expiry(now, expires *timestamppb.Timestamp) string {
	if left := expires.AsTime().Sub(now.AsTime()); left > 0 {
		return "good for another " + span(left)
	}
	return "STALE for " + age(now, expires)
}

// span is a duration as people say it.
func span(d time.Duration) string {
	switch d = d.Abs(); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// size is bytes as people say them.
func size(bytes uint64) string {
	switch {
	case bytes < 10<<10:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 10<<20:
		return fmt.Sprintf("%d KiB", bytes>>10)
	case bytes < 10<<30:
		return fmt.Sprintf("%d MiB", bytes>>20)
	default:
		return fmt.Sprintf("%d GiB", bytes>>30)
	}
}

func bar(part, whole uint64) string {
	if whole == 0 {
		return ""
	}
	full := int(min(part*barWidth/whole, barWidth))
	return "▕" + strings.Repeat("█", full) + strings.Repeat("░", barWidth-full) + "▏"
}

func short(id []byte) string { return fmt.Sprintf("%x", id[:min(4, len(id))]) }
