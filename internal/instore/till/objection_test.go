package till_test

import (
	"context"
	"strings"
	"testing"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// TestAnObjectionIsAbsolute: whoever objects, in an open sale too, is told of no campaign any more: not while a card is presented or watched, not by
// the open sale's lookups, not on its receipt, not with a claim, not in Explain, nor when the server was started again in between.
func TestAnObjectionIsAbsolute(t *testing.T) {
	t.Parallel()
	const word = "een woord van de winkel"
	w := newWorld(t, func(p *programmev1.Programme) {
		own := []*programmev1.Translation{{Language: "nl", Text: word}}
		p.Campaigns = []*programmev1.Campaign{{
			Code: "woord", Kind: &programmev1.Campaign_Prompt{Prompt: &programmev1.Prompt{Kind: programmev1.PromptKind_PROMPT_KIND_EVENT}},
			When: &programmev1.Condition{Segments: []string{"promising"}}, Say: &programmev1.Say{Cashier: own, Display: own, Receipt: own},
		}}
	})
	w.record(receipt("forgotten", "", line(1, "300", 1, 1000)))
	goods := basket(line(1, "300", 1, 4750))
	if before := w.lookup(cardRegular, goods); !strings.Contains(words(before.GetReceipt()), word) || before.GetSuggestion().GetPrompt() == nil {
		t.Fatalf("before: %v", before)
	}
	other := receipt("0", cardRegular, line(1, "300", 1, 100))
	other.Receipt.ReceiptRef = "r0"
	w.lookup(cardRegular, ref("r0"))
	if printed := words(w.record(other).GetReceipt()); !strings.Contains(printed, word) {
		t.Fatalf("before, the receipt says %q", printed)
	}
	w.prefer(cardRegular, objects(outcomev1.Purpose_PURPOSE_ALL))
	silent := func(where string, blocks ...*tillv1.TextBlock) {
		t.Helper()
		for _, block := range blocks {
			if said := words(block); strings.Contains(said, word) {
				t.Errorf("%s says %q", where, said)
			}
		}
	}
	look := func(where string) {
		t.Helper()
		got := w.lookup(cardRegular, goods)
		silent(where, got.GetStaff(), got.GetCustomerDisplay(), got.GetReceipt())
		if got.GetSegment() != nil || got.GetSuggestion() != nil {
			t.Errorf("%s: %v, %v", where, got.GetSegment(), got.GetSuggestion())
		}
	}
	look("the open sale")
	silent("presenting", w.present(cardRegular).GetCustomerDisplay())
	watch, _ := w.watches(0)
	watch.fresh(t)
	told := watch.next(t).GetCard().GetAnswer()
	silent("watching", told.GetStaff(), told.GetCustomerDisplay(), told.GetReceipt())
	if told.GetSegment() != nil || told.GetSuggestion() != nil {
		t.Errorf("who watches is told %v, %v", told.GetSegment(), told.GetSuggestion())
	}
	booked := w.record(receipt("1", cardRegular, line(1, "300", 1, 4750)))
	silent("the receipt", booked.GetStaff(), booked.GetCustomerDisplay(), booked.GetReceipt())
	if booked.GetPoints() != 47 {
		t.Errorf("points no longer work: %v", booked)
	}
	claimed := w.claim("forgotten", cardRegular)
	silent("a claim", claimed.GetStaff(), claimed.GetCustomerDisplay(), claimed.GetReceipt())
	if claimed.GetPoints() != 10 {
		t.Errorf("claimed %v", claimed)
	}
	why, err := w.service.Explain(context.Background(), &tillv1.ExplainRequest{
		Caller: &tillv1.Caller{Till: "3"}, ReceiptRef: "r1", Customer: &tillv1.ExplainRequest_Identifier{Identifier: typed(cardRegular)},
	})
	if err != nil || strings.Contains(why.String(), "WON") || strings.Contains(why.String(), word) {
		t.Errorf("explained with %v, %v", why, err)
	}
}

// TestWishesHoldAfterARestart: a card said to be lost stays blocked, and the language stays, when the server is started again before head office heard.
func TestWishesHoldAfterARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.card(cardNew, &customerv1.Identifier{AccountIds: [][]byte{regular[:]}})
	w.publish()
	w.prefer(cardRegular, func(r *tillv1.SetPreferenceRequest) {
		r.Wish = &tillv1.SetPreferenceRequest_LostCard{LostCard: typed(cardNew)}
	})
	w.prefer(cardRegular, func(r *tillv1.SetPreferenceRequest) { r.Wish = &tillv1.SetPreferenceRequest_Language{Language: "en"} })
	w.restart(discard)
	if lost := w.lookup(cardNew); lost.GetOutcome() != tillv1.Outcome_OUTCOME_BLOCKED || lost.GetLoyalty() != nil {
		t.Errorf("the lost card: %v", lost)
	}
	if own := w.lookup(cardRegular); own.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || words(own.GetCustomerDisplay()) != "Hello! You have|1,245 points" {
		t.Errorf("the customer: %v", own)
	}
}
