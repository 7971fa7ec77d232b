package journal_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stamklant/stamklant/internal/instore/journal"
)

// recordForEver is the child of TestKilled: it records receipts from four tills until it is killed, and prints each one acknowledged.
func recordForEver(path string) {
	j, err := journal.Open(path, config())
	if err != nil {
		fmt.Println("cannot open:", err)
		os.Exit(1)
	}
	var printing sync.Mutex
	for till := range 4 {
		go func() {
			for i := 0; ; i++ {
				no := fmt.Sprintf("%d-%d-%d", os.Getpid(), till, i)
				if _, err := j.Record(context.Background(), request(no, subject(1), 1)); err != nil {
					fmt.Println("cannot record:", err)
					os.Exit(1)
				}
				printing.Lock()
				fmt.Println("recorded", no)
				printing.Unlock()
			}
		}()
	}
	go func() {
		for { // and delivers meanwhile
			batch, err := j.Rows(7, 1<<20)
			if err == nil && len(batch.Rows) > 0 {
				err = j.Confirm(context.Background(), batch.Incarnation, batch.Through(), batch.ChainAfter())
			}
			if err != nil {
				fmt.Println("cannot deliver:", err)
				os.Exit(1)
			}
		}
	}()
	select {}
}

// TestKilled kills a process that records receipts with SIGKILL, again and again: every acknowledged receipt is there, once, and answers
// what it answered.
func TestKilled(t *testing.T) {
	path := file(t)
	var acknowledged []string
	cycles := 30
	if testing.Short() {
		cycles = 5
	}
	for cycle := range cycles {
		acknowledged = append(acknowledged, killAfter(t, path, 1+cycle%9)...)
	}
	j := open(t, path)
	for _, no := range acknowledged {
		rec := record(t, j, request(no, subject(1), 1))
		if !rec.Replayed || string(rec.Answer) != "1 points on "+no {
			t.Fatalf("acknowledged receipt %s: %+v", no, rec)
		}
	}
	total := points(t, j, subject(1), nothingCounted)
	if total < int64(len(acknowledged)) || total > int64(len(acknowledged)+4*cycles) {
		t.Errorf("%d points after %d acknowledged receipts; at most four a kill may be there unacknowledged", total, len(acknowledged))
	}
	if _, why := j.Born(); why != journal.Created {
		t.Errorf("a crash began a new incarnation: %v", why)
	}
	t.Logf("%d kills, %d acknowledged receipts", cycles, len(acknowledged))
}

// killAfter runs the child until it has acknowledged n receipts, kills it, and returns all that it acknowledged.
func killAfter(t *testing.T, path string, n int) (acknowledged []string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), "STAMKLANT_JOURNAL_CHILD="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		no, ok := strings.CutPrefix(lines.Text(), "recorded ")
		if !ok {
			t.Errorf("the child says: %s", lines.Text())
			break
		}
		acknowledged = append(acknowledged, no)
		if len(acknowledged) == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // killed
	return acknowledged
}
