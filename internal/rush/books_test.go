package rush

import (
	"slices"
	"strings"
	"testing"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

func line(no int32, pieces, cents int64) *outcomev1.Line {
	return &outcomev1.Line{No: no, Sku: "1", QuantityMilli: pieces * 1000, NetMinor: cents}
}

func back(pieces, cents int64, of int32) *outcomev1.Line {
	return &outcomev1.Line{No: 1, Sku: "1", QuantityMilli: -pieces * 1000, NetMinor: -cents, OriginalLine: of}
}

func made(no string, kind outcomev1.ReceiptKind, card string, of *fact, total int64, lines ...*outcomev1.Line) *fact {
	return &fact{key: &outcomev1.ReceiptKey{Store: "k1", Till: "1", BusinessDate: "2026-11-21", ReceiptNo: no}, kind: kind, card: card, of: of, total: total, lines: lines}
}

const (
	sold       = outcomev1.ReceiptKind_RECEIPT_KIND_SALE
	gaveBack   = outcomev1.ReceiptKind_RECEIPT_KIND_RETURN
	voidedThat = outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID
)

// TestAward: sums worked out by hand.
func TestAward(t *testing.T) {
	t.Parallel()
	deposit := line(3, 1, 900)
	deposit.NotMerchandise = true
	for _, tc := range []struct {
		name    string
		lines   []*outcomev1.Line
		points  int64
		perLine []int64
	}{
		{"rounded down once", []*outcomev1.Line{line(1, 1, 199), line(2, 1, 199)}, 3, []int64{2, 1}},
		{"the nearest to one more", []*outcomev1.Line{line(1, 1, 120), line(2, 1, 185), deposit}, 3, []int64{1, 2, 0}},
		{"what came back earns nothing", []*outcomev1.Line{back(1, 500, 1), line(2, 1, 1250)}, 12, []int64{0, 12}},
		{"too little", []*outcomev1.Line{line(1, 1, 99)}, 0, []int64{0}},
	} {
		points, perLine := award(tc.lines, 1)
		if points != tc.points || !slices.Equal(perLine, tc.perLine) {
			t.Errorf("%s: %d as %v, want %d as %v", tc.name, points, perLine, tc.points, tc.perLine)
		}
	}
}

// day is a few receipts and what head office makes of them, worked out by hand.
func day() (facts []*fact, ledger, receipts string) {
	sale := made("1", sold, "A", nil, 5250, line(1, 3, 4700), line(2, 1, 550))
	part := made("2", gaveBack, "", sale, -1567, back(1, 1567, 1))
	again := made("3", gaveBack, "B", sale, -1567, back(1, 1567, 1))
	undo := made("4", voidedThat, "B", again, 1567)
	swap := made("5", sold, "B", sale, 450, back(1, 550, 2), line(2, 1, 1000))
	gone := made("6", sold, "A", nil, 1000, line(1, 1, 1000))
	void := made("7", voidedThat, "A", gone, -1000)
	open := made("8", outcomev1.ReceiptKind_RECEIPT_KIND_VOID, "A", nil, 700, line(1, 1, 700))
	return []*fact{sale, part, again, undo, swap, gone, void, open},
		"account_ref,cards,kind,points\nX,A,earn,52\nX,A,reverse,-15\nX,A,reverse,-16\nX,A,correction,16\nX,A,reverse,-5\nX,A,earn,10\nX,A,reverse,-10\nY,B,earn,10\n",
		"store,till,till_epoch,business_date,receipt_no,kind,total_minor,card\n" +
			"k1,1,0,2026-11-21,1,sale,5250,A\nk1,1,0,2026-11-21,2,return,-1567,\nk1,1,0,2026-11-21,3,return,-1567,B\nk1,1,0,2026-11-21,4,post_void,1567,B\n" +
			"k1,1,0,2026-11-21,5,sale,450,B\nk1,1,0,2026-11-21,6,sale,1000,A\nk1,1,0,2026-11-21,7,post_void,-1000,A\nk1,1,0,2026-11-21,8,void,700,A\n"
}

// TestVerify: books that agree agree, and whatever is lost, doubled or changed on either side is found.
func TestVerify(t *testing.T) {
	t.Parallel()
	facts, ledger, receipts := day()
	for _, tc := range []struct {
		name             string
		facts            []*fact
		ledger, receipts string
		want             int
	}{
		{"all there", facts, ledger, receipts, 0},
		{"a booking lost", facts, strings.Replace(ledger, "X,A,reverse,-15\n", "", 1), receipts, 1},
		{"a booking twice", facts, ledger + "Y,B,earn,10\n", receipts, 1},
		{"a point off", facts, strings.Replace(ledger, "earn,52", "earn,51", 1), receipts, 1},
		{"on the wrong card", facts, strings.Replace(ledger, "X,A,reverse,-5\n", "Y,B,reverse,-5\n", 1), receipts, 2},
		{"a receipt lost", facts, ledger, strings.Replace(receipts, "k1,1,0,2026-11-21,2,return,-1567,\n", "", 1), 1},
		{"a receipt twice", facts, ledger, receipts + "k1,1,0,2026-11-21,1,sale,5250,A\n", 1},
		{"a cent off", facts, ledger, strings.Replace(receipts, "5250", "5251", 1), 1},
		{"a receipt nobody made", facts, ledger, receipts + "k1,1,0,2026-11-21,9,sale,1,A\n", 1},
		{"the books forget a sale", facts[1:], ledger, receipts, 2},
		{"the books have one twice", append(slices.Clone(facts), facts[5]), ledger, receipts, 1},
	} {
		r := &Report{books: newBooks(1)}
		for _, f := range tc.facts {
			r.books.add(f)
		}
		v, err := r.Verify(strings.NewReader(tc.ledger), strings.NewReader(tc.receipts))
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Differences) != tc.want || v.Noticed == 0 {
			t.Errorf("%s: %d differences, want %d (%d noticed in the trial): %v", tc.name, len(v.Differences), tc.want, v.Noticed, v.Differences)
		}
	}
}
