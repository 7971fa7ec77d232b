package main_test

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestSwitches looks up 200 customers a second while one release after another comes: none fails, and none answers from two releases.
func TestSwitches(t *testing.T) {
	t.Parallel()
	switches(t, 8)
}

// TestSoakSwitches is TestSwitches through 50 switches.
func TestSoakSwitches(t *testing.T) {
	if os.Getenv("STAMKLANT_SOAK") == "" {
		t.Skip("long: runs with make soak")
	}
	switches(t, 50)
}

func switches(t *testing.T, n int) {
	t.Helper()
	c := newCrashing(t, t.TempDir())
	server := start(t, "stamklant-store", c.serve().Args[1:]...)
	asking, stop := context.WithCancel(t.Context())
	var asked sync.WaitGroup
	const tills, each = 8, 40 * time.Millisecond // 200 a second
	for i := range tills {
		till := newTill(t, server.addr, c.data, "k1", strconv.Itoa(i+1))
		asked.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 9))
			pace := time.NewTicker(each)
			defer pace.Stop()
			for asking.Err() == nil {
				if !c.book.watch(t.Context(), till, random) {
					t.Error("a lookup failed")
					return
				}
				<-pace.C
			}
		})
	}
	began := time.Now()
	till := newTill(t, server.addr, c.data, "k1", "1")
	for round := range n {
		before := till.status().GetMeta().GetRelease()
		if err := c.publish(round + 2); err != nil {
			t.Fatal(err)
		}
		released(t, till, before+1)
	}
	stop()
	asked.Wait()
	for _, fault := range c.book.faults {
		t.Error(fault)
	}
	rate := float64(c.book.lookups) / time.Since(began).Seconds()
	t.Logf("%d switches in %s; %d lookups, %.0f a second; %d releases seen", n, time.Since(began).Round(time.Second), c.book.lookups, rate, len(c.book.releases))
	if len(c.book.releases) < n {
		t.Errorf("only %d of %d releases were seen", len(c.book.releases), n)
	}
	server.stop()
	c.head.stop()
}
