package main_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// underWay is how many receipts are under way when the server is killed: each is at a point of its own between the till and its answer.
const underWay = 25

// TestScenario14KilledAfterCommit: a store's server is killed between what it wrote and what it answers.
func TestScenario14KilledAfterCommit(t *testing.T) {
	t.Parallel()
	killedAfterCommit(t, 6)
}

// TestSoakKilledAfterCommit is TestScenario14KilledAfterCommit at a thousand points.
func TestSoakKilledAfterCommit(t *testing.T) {
	if os.Getenv("STAMKLANT_SOAK") == "" {
		t.Skip("long: runs with make soak")
	}
	killedAfterCommit(t, 1000/underWay)
}

// killedAfterCommit sends receipts over a cable on which no answer comes back, kills the server at some moment, starts it again, and sends all of them
// twice more: each is booked once, and what was written before the kill is answered as it was written. In the first round the kill waits until the
// server shows that it has written.
func killedAfterCommit(t *testing.T, rounds int) {
	t.Helper()
	c := newCounter(t)
	random := rand.New(rand.NewPCG(14, 14))
	written := 0
	for round := range rounds {
		unanswered := c.sendWithoutAnswer(t, round, func() {
			if round == 0 {
				eventually(t, "the first receipts are written", func() bool { return c.a.card(cardOfMine).GetLoyalty().GetPointsAvailable() == 1245+underWay })
				return
			}
			pause := time.NewTimer(time.Duration(random.Int64N(int64(25 * time.Millisecond))))
			<-pause.C
		})
		c.one, c.a = serveStore(t, c.file[0], c.data[0])
		released(t, c.a, 1)
		for _, sale := range unanswered {
			first, again := c.a.record(sale), c.a.record(sale)
			if first.GetMeta().GetReplayed() {
				written++
			}
			if first.GetPoints() != 1 || !again.GetMeta().GetReplayed() || again.GetPoints() != 1 || !proto.Equal(first.GetReceipt(), again.GetReceipt()) {
				t.Errorf("receipt %s: %v, and once more %v", sale.GetReceipt().GetKey().GetReceiptNo(), first, again)
			}
		}
		if want := int64(1245 + underWay*(round+1)); c.a.card(cardOfMine).GetLoyalty().GetPointsAvailable() != want {
			t.Fatalf("round %d: %d points, want %d", round, c.a.card(cardOfMine).GetLoyalty().GetPointsAvailable(), want)
		}
	}
	t.Logf("%d receipts under way at %d kills; %d of them were written, and not answered", underWay*rounds, rounds, written)
	if written < underWay {
		t.Error("no receipt was written before a kill")
	}
	eventually(t, "all is at head office", func() bool { return c.a.status().GetOutboxWaiting() == 0 })
	office(t, c.home, 0, "score")
	office(t, c.home, 0, "publish")
	want := int64(1245 + underWay*rounds)
	eventually(t, "head office counts each once", func() bool { return c.b.card(cardOfMine).GetLoyalty().GetPointsAvailable() == want })
	released(t, c.a, 2)
	if got := c.a.card(cardOfMine).GetLoyalty().GetPointsAvailable(); got != want {
		t.Errorf("%d points after the release, want %d", got, want)
	}
}

// sendWithoutAnswer sends receipts at once whose answers never arrive, and kills the server when the moment has come.
func (c *counter) sendWithoutAnswer(t *testing.T, round int, moment func()) []*tillv1.RecordReceiptRequest {
	t.Helper()
	line := plug(t, c.one.addr)
	over := newTill(t, line.address, c.data[0], "k1", "7")
	over.status() // the connection stands
	line.set(func() { line.slow = time.Hour })
	var sales []*tillv1.RecordReceiptRequest
	var sent sync.WaitGroup
	for i := range underWay {
		sale := over.sale(cardOfMine, fmt.Sprintf("%d-%d", round, i), 100, "EUR")
		sales = append(sales, sale)
		sent.Go(func() {
			if answer, err := over.RecordReceipt(t.Context(), sale); err == nil {
				t.Errorf("an answer came through: %v", answer)
			}
		})
	}
	moment()
	c.one.kill()
	sent.Wait()
	return sales
}
