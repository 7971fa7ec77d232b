package till_test

import (
	"fmt"
	"testing"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// scoredHere has segments named by their scores, two of each, and leaves out the trade.
func scoredHere(p *programmev1.Programme) {
	p.Scoring = &programmev1.Scoring{Scores: 2, LeaveOut: []string{"hovenier"}}
	p.Segments, p.Campaigns = nil, nil
	for i := range 8 {
		code := fmt.Sprintf("%d%d%d", 1+i/4, 1+i/2%2, 1+i%2)
		p.Segments = append(p.Segments, &programmev1.Segment{Code: "s" + code, Codes: []string{code}})
	}
}

// scoredWorld is scored as of a day: above 30 days, 2 visits, 100 euros another score begins. The regular customer was here 61 days ago, has
// two visits and spent 90 euros.
func scoredWorld(t *testing.T, asOf int32, change ...func(*programmev1.Programme)) *world {
	t.Helper()
	w := newWorld(t, append([]func(*programmev1.Programme){scoredHere}, change...)...)
	w.cuts = &customerv1.CutPoints{RecencyDays: []int64{30}, Frequency: []int64{2}, MonetaryMinor: []int64{10_000}, AsOfDay: asOf}
	values := &customerv1.Values{LastReceiptDay: today - 61, FirstReceiptDay: today - 400, Frequency: 2, MonetaryMinor: 9000}
	w.account(regular, &customerv1.Account{Values: values})
	w.account(objected, &customerv1.Account{Consents: &customerv1.Consents{Objected: true}})
	w.account(second, &customerv1.Account{})
	w.card(cardObjected, &customerv1.Identifier{AccountIds: [][]byte{objected[:]}})
	w.card(cardFrozen, &customerv1.Identifier{AccountIds: [][]byte{second[:]}})
	w.card(cardTrade, &customerv1.Identifier{AccountIds: [][]byte{trade[:]}})
	w.publish()
	return w
}

// segmentOf is what a lookup says.
func (w *world) segmentOf(card string) string {
	w.t.Helper()
	return w.lookup(card).GetSegment().GetCode()
}

// voided makes the voiding of an earlier receipt, whose lines it repeats.
func voided(no, original, card string, lines ...*outcomev1.Line) *tillv1.RecordReceiptRequest {
	req := back(no, original, card, lines...)
	req.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID
	return req
}

// TestSameDay: what is bought this morning counts this afternoon, and what comes back no longer.
func TestSameDay(t *testing.T) {
	t.Parallel()
	sale := func(no string) *tillv1.RecordReceiptRequest {
		return receipt(no, cardRegular, line(1, "300", 1, 4000), line(2, "301", 1, 700))
	}
	returns := func(no, original string, lines ...*outcomev1.Line) *tillv1.RecordReceiptRequest {
		return back(no, original, cardRegular, lines...)
	}
	first, last := line(1, "300", -1, -4000), line(2, "301", -1, -700)
	first.OriginalLine, last.OriginalLine = 1, 2
	type steps []*tillv1.RecordReceiptRequest
	for _, tc := range []struct {
		name   string
		steps  steps
		change func(*programmev1.Programme)
		want   string // recency, frequency, money
	}{
		{"nothing", nil, nil, "s111"},
		{"a sale", steps{sale("1")}, nil, "s222"},
		{"little money", steps{receipt("1", cardRegular, line(1, "300", 1, 1000))}, nil, "s221"},
		{"a part comes back", steps{sale("1"), returns("2", "1", first)}, nil, "s221"},
		{"all of it comes back", steps{sale("1"), returns("2", "1", first, last)}, nil, "s111"},
		{"all of it, bit by bit", steps{sale("1"), returns("2", "1", last), returns("3", "1", first)}, nil, "s111"},
		{"one of two comes back", steps{sale("1"), sale("2"), returns("3", "1", first, last)}, nil, "s222"},
		{"a returned visit is kept", steps{sale("1"), returns("2", "1", first, last)}, func(p *programmev1.Programme) {
			p.Scoring.FrequencyOnFullReturn = programmev1.FullReturn_FULL_RETURN_KEEP
		}, "s221"},
		{"money as it was bought", steps{sale("1"), returns("2", "1", first, last)}, func(p *programmev1.Programme) {
			p.Scoring.Monetary = programmev1.MonetaryBasis_MONETARY_BASIS_GROSS
		}, "s112"},
		{"voided afterwards", steps{sale("1"), voided("2", "1", cardRegular, line(1, "300", 1, 4000), line(2, "301", 1, 700))}, nil, "s111"},
		{"sensitive goods alone", steps{receipt("1", cardRegular, line(1, "4601", 1, 9000))}, func(p *programmev1.Programme) {
			p.Sensitive = []string{"paint"}
		}, "s111"},
		{"sensitive goods beside others", steps{receipt("1", cardRegular, line(1, "4601", 1, 9000), line(2, "300", 1, 500))}, func(p *programmev1.Programme) {
			p.Sensitive = []string{"paint"}
		}, "s221"},
		{"goods brought back from an unknown sale", steps{returns("9", "8", line(1, "300", -1, -4000))}, nil, "s111"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var change []func(*programmev1.Programme)
			if tc.change != nil {
				change = append(change, tc.change)
			}
			w := scoredWorld(t, today-1, change...)
			for _, step := range tc.steps {
				w.record(step)
			}
			if got := w.segmentOf(cardRegular); got != tc.want {
				t.Errorf("segment %s, want %s", got, tc.want)
			}
		})
	}
}

// TestSameDayOfOthers: who was never scored gets a segment with the first receipt; who may not be scored gets none.
func TestSameDayOfOthers(t *testing.T) {
	t.Parallel()
	w := scoredWorld(t, today-1)
	for card, want := range map[string]string{cardFrozen: "s211", cardObjected: "", cardTrade: ""} {
		w.record(receipt(card, card, line(1, "300", 1, 4700)))
		if got := w.segmentOf(card); got != want {
			t.Errorf("%s: segment %q, want %q", card, got, want)
		}
	}
}

// TestSameDayOnceCounted: what head office's scores have is not added again, by sequence and by day.
func TestSameDayOnceCounted(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		asOf    int32
		through uint64
		again   bool
		want    string
	}{
		{"not counted", today, 0, false, "s222"},
		{"delivered, but of a later day than the scores", today - 1, 1, false, "s222"},
		{"counted", today, 1, false, "s111"},
		{"another receipt on a counted day is no further visit", today, 1, true, "s211"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := scoredWorld(t, tc.asOf)
			w.record(receipt("1", cardRegular, line(1, "300", 1, 4700)))
			life := w.journal.Incarnation()
			w.publish(&bundlev1.CutOff{ServerId: "utrecht-1", Incarnation: life[:], LedgerThrough: 1, ReceiptsThrough: tc.through})
			if tc.again {
				w.record(receipt("2", cardRegular, line(1, "300", 1, 100)))
			}
			if got := w.segmentOf(cardRegular); got != tc.want {
				t.Errorf("segment %s, want %s", got, tc.want)
			}
		})
	}
}
