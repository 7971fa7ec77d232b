package main_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/stamklant/stamklant/internal/samplechain"
)

var printedToken = regexp.MustCompile(`STAMKLANT_TILL_TOKEN=(\S+)`)

// Every magic card answers as the table in docs/practice.md says.
func TestMagicCards(t *testing.T) {
	t.Parallel()
	p := start(t, "stamklant-store", "try", "--listen", "127.0.0.1:0", "--accounts", "200")
	var token string
	eventually(t, "the token is printed", func() bool {
		if m := printedToken.FindStringSubmatch(p.text()); m != nil {
			token = m[1]
		}
		return token != ""
	})
	c := newTillWith(t, p.addr, token, "s01", "1")
	table := magicTable(t)
	if len(table) != len(samplechain.Magic()) {
		t.Errorf("docs/practice.md lists %d cards, there are %d", len(table), len(samplechain.Magic()))
	}
	for _, card := range samplechain.Magic() {
		row, ok := table[card.Number]
		if !ok || row[0] != card.Name || row[2] != card.Shows {
			t.Errorf("docs/practice.md says of %s: %q", card.Number, row)
			continue
		}
		t.Run(card.Name, func(t *testing.T) {
			t.Parallel()
			checkMagic(t, c, card, row[1])
		})
	}
}

func checkMagic(t *testing.T, c *till, card samplechain.MagicCard, outcome string) {
	t.Helper()
	began := time.Now()
	if card.Delay > 0 {
		if _, err := c.Lookup(t.Context(), c.lookup(card.Number)); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("within a till's own deadline: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	answer, err := c.Lookup(ctx, c.lookup(card.Number))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimPrefix(answer.GetOutcome().String(), "OUTCOME_"); got != outcome {
		t.Errorf("outcome %s, want %s", got, outcome)
	}
	if answer.GetMeta().GetStale() != card.Stale {
		t.Errorf("stale is %v", answer.GetMeta().GetStale())
	}
	if card.Delay > 0 && time.Since(began) < card.Delay {
		t.Errorf("answered after %s", time.Since(began))
	}
	switch card.Name {
	case "found":
		if answer.GetLoyalty().GetPointsAvailable() != 1245 || answer.GetLoyalty().GetTier() != "zilver" {
			t.Errorf("points and status: %v", answer.GetLoyalty())
		}
	case "champion":
		if answer.GetSegment().GetCode() != "champions" || answer.GetSuggestion().GetPrompt() == nil {
			t.Errorf("segment %v, suggestion %v", answer.GetSegment(), answer.GetSuggestion())
		}
	case "blocked":
		if answer.GetLoyalty() != nil || answer.GetSuggestion() != nil || len(answer.GetReceipt().GetLines()) > 0 {
			t.Errorf("a blocked card says more than it should: %v", answer)
		}
	}
}

// magicTable reads the table of cards: name, outcome and what there is to see, by number.
func magicTable(t *testing.T) map[string][3]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/practice.md")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string][3]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`29") {
			continue
		}
		clean := func(cell string) string { return strings.Trim(strings.TrimSpace(cell), "`") }
		table[clean(cells[1])] = [3]string{clean(cells[2]), clean(cells[3]), strings.ReplaceAll(strings.TrimSpace(cells[4]), "`", "")}
	}
	return table
}
