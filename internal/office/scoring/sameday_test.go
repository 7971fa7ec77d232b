package scoring_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
	"github.com/stamklant/stamklant/internal/segment"
)

// shop is a store that keeps all its receipts, and makes up more of them.
type shop struct {
	random   *rand.Rand
	counting segment.Counting
	receipts []*outcomev1.Receipt
	owners   []int
	visits   map[int][]segment.Visit // by customer
	spoilt   map[string]bool         // sales that were voided, or whole gone
}

// civil writes a day.
func civil(day int32) string { return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly) }

// sell makes up a sale, sometimes with goods that are sensitive, free, or no merchandise.
func (s *shop) sell(day int32) *outcomev1.Receipt {
	r := &outcomev1.Receipt{Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, Currency: "EUR", Key: s.key(day)}
	for i := range 1 + s.random.IntN(3) {
		r.Lines = append(r.Lines, &outcomev1.Line{
			No: int32(i + 1), Sku: "a", Group: []string{"10", "11", "80"}[s.random.IntN(3)], QuantityMilli: 1000,
			NetMinor: 100 * int64(s.random.IntN(50)), NotMerchandise: s.random.IntN(10) == 0,
		})
	}
	if s.random.IntN(15) == 0 {
		r.Currency = "USD"
	}
	return r
}

func (s *shop) key(day int32) *outcomev1.ReceiptKey {
	return &outcomev1.ReceiptKey{Store: "s1", Till: "1", BusinessDate: civil(day), ReceiptNo: fmt.Sprint(len(s.receipts) + 1)}
}

// undo makes up what undoes part or all of an earlier sale: a return, an exchange, a voiding. Nil where nothing is left to undo.
func (s *shop) undo(sale *outcomev1.Receipt, day int32) *outcomev1.Receipt {
	back := map[int32]bool{}
	earlier := s.earlier(sale)
	for _, r := range earlier {
		for _, line := range r.GetLines() {
			back[line.GetOriginalLine()] = true
		}
	}
	r := &outcomev1.Receipt{Kind: outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, Currency: sale.GetCurrency(), Original: sale.GetKey(), Key: s.key(day)}
	if len(earlier) == 0 && s.random.IntN(4) == 0 {
		r.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID
		r.Lines = sale.GetLines()
		s.spoilt[sale.GetKey().String()] = true
		return r
	}
	all := s.random.IntN(2) == 0
	for _, line := range sale.GetLines() {
		if !back[line.GetNo()] && (all || s.random.IntN(2) == 0) {
			r.Lines = append(r.Lines, &outcomev1.Line{
				No: int32(len(r.GetLines()) + 1), Sku: line.GetSku(), Group: line.GetGroup(), QuantityMilli: -line.GetQuantityMilli(),
				NetMinor: -line.GetNetMinor(), OriginalLine: line.GetNo(), NotMerchandise: line.GetNotMerchandise(),
			})
		}
	}
	if len(r.GetLines()) == 0 {
		return nil
	}
	if s.random.IntN(3) == 0 { // an exchange
		r.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_SALE
		r.Lines = append(r.Lines, &outcomev1.Line{No: 99, Sku: "b", Group: "10", QuantityMilli: 1000, NetMinor: 700})
	}
	return r
}

// earlier are the receipts that brought back goods of a sale.
func (s *shop) earlier(sale *outcomev1.Receipt) []*outcomev1.Receipt {
	var all []*outcomev1.Receipt
	for _, r := range s.receipts {
		if proto.Equal(r.GetOriginal(), sale.GetKey()) {
			all = append(all, r)
		}
	}
	return all
}

// trade makes up a day's receipts.
func (s *shop) trade(day int32, customers int) {
	for range 12 {
		owner, r := s.random.IntN(customers), (*outcomev1.Receipt)(nil)
		var sale *outcomev1.Receipt
		if n := len(s.receipts); n > 0 && s.random.IntN(3) == 0 {
			at := s.random.IntN(n)
			if sale = s.receipts[at]; sale.GetOriginal() == nil && !s.spoilt[sale.GetKey().String()] {
				owner, r = s.owners[at], s.undo(sale, day)
			}
		}
		if r == nil {
			sale, r = nil, s.sell(day)
		}
		var from segment.Returned
		var undone int32
		if sale != nil {
			from = segment.Returned{Sale: sale, Earlier: s.earlier(sale)}
			d, err := time.Parse(time.DateOnly, sale.GetKey().GetBusinessDate())
			if err != nil {
				panic(err)
			}
			undone = int32(d.Unix() / 86400)
		}
		v := s.counting.VisitOf(r, day, from, undone)
		again, err := segment.ParseVisit(v.Append(nil))
		if err != nil || again != v {
			panic(fmt.Sprintf("%+v comes back as %+v: %v", v, again, err))
		}
		s.visits[owner] = append(s.visits[owner], again)
		s.receipts, s.owners = append(s.receipts, r), append(s.owners, owner)
	}
}

// delivered are the receipts from the n-th on, as head office gets them.
func (s *shop) delivered(n int) iter.Seq2[warehouse.Delivered, error] {
	return func(yield func(warehouse.Delivered, error) bool) {
		for i := n; i < len(s.receipts); i++ {
			if !yield(warehouse.Delivered{
				Journal: warehouse.Journal{ServerID: "a"}, Sequence: uint64(i + 1), AccountID: account("", fmt.Sprint(s.owners[i])),
				Receipt: &outcomev1.RecordedReceipt{Receipt: s.receipts[i]},
			}, nil) {
				return
			}
		}
	}
}

// TestSameDayAgrees has a store reckon with receipts that head office does not have yet, and head office reckon with them afterwards: values are
// the same.
func TestSameDayAgrees(t *testing.T) {
	t.Parallel()
	const customers, asOf = 12, 20_000
	compared, scored, moved := 0, 0, 0
	for seed := range uint64(16) {
		w := open(t)
		p := halves()
		p.Groups = []*programmev1.ProductGroup{{Name: "medicine", Patterns: []string{"80"}}}
		if seed%2 == 0 {
			p.Sensitive = []string{"medicine"}
		}
		p.Scoring.Frequency = programmev1.FrequencyCounts(seed / 2 % 2 * 2)
		p.Scoring.Monetary = programmev1.MonetaryBasis(seed / 4 % 2 * 2)
		p.Scoring.FrequencyOnFullReturn = programmev1.FullReturn(seed / 8 % 2 * 2)
		s := &shop{random: rand.New(rand.NewPCG(seed, 7)), visits: map[int][]segment.Visit{}, spoilt: map[string]bool{}}
		s.counting.Currency = "EUR"
		s.counting.Hidden = func(line *outcomev1.Line) bool { return len(p.GetSensitive()) > 0 && line.GetGroup() == "80" }
		for day := int32(asOf - 12); day <= asOf; day++ {
			s.trade(day, customers)
		}
		n := len(s.receipts)
		for _, visits := range s.visits {
			for i := range visits {
				visits[i].Counted = true
			}
		}
		deliver := func(from int, day int32) map[[16]byte]*customerv1.Account {
			if _, err := w.AddDelivered(t.Context(), warehouse.DeliveredRequest{Receipts: s.delivered(from), Decimals: 2}); err != nil {
				t.Fatal(err)
			}
			score(t, w, p, civil(day))
			return sent(t, w, p)
		}
		before := deliver(0, asOf)
		for day := int32(asOf + 1); day <= asOf+3; day++ {
			s.trade(day, customers)
		}
		after := deliver(n, asOf+3)
		for c := range customers {
			id := account("", fmt.Sprint(c))
			was, want := before[id].GetValues(), after[id].GetValues()
			got := segment.SameDay(was, s.visits[c], p.GetScoring(), asOf)
			more, spend := segment.Progress(s.visits[c])
			was2, want2 := before[id].GetLoyalty(), after[id].GetLoyalty()
			if p.Scoring.FrequencyOnFullReturn != programmev1.FullReturn_FULL_RETURN_KEEP && // tiers go by the scoring's rule for returns
				(was2.GetQualifyingVisits()+more != want2.GetQualifyingVisits() || was2.GetQualifyingSpendMinor()+spend != want2.GetQualifyingSpendMinor()) {
				t.Errorf("seed %d, customer %d: the store counts %d visits and %d towards tiers, head office %d and %d", seed, c,
					was2.GetQualifyingVisits()+more, was2.GetQualifyingSpendMinor()+spend, want2.GetQualifyingVisits(), want2.GetQualifyingSpendMinor())
			}
			if want == nil { // all came back: nothing is left to score
				continue
			}
			scored++
			if was.GetFrequency() != want.GetFrequency() && was.GetMonetaryMinor() != want.GetMonetaryMinor() {
				moved++
			}
			if got.GetFrequency() != want.GetFrequency() || got.GetMonetaryMinor() != want.GetMonetaryMinor() {
				t.Errorf("seed %d, customer %d: the store makes\n%v, head office\n%v, from\n%v and %+v", seed, c, got, want, was, s.visits[c])
			}
			if want.GetLastReceiptDay() >= was.GetLastReceiptDay() {
				compared++
				if got.GetLastReceiptDay() != want.GetLastReceiptDay() {
					t.Errorf("seed %d, customer %d: last here on %d, by head office on %d", seed, c, got.GetLastReceiptDay(), want.GetLastReceiptDay())
				}
			}
		}
	}
	t.Logf("%d customers agree, %d of them in their last day too; %d had moved", scored, compared, moved)
	if scored < 150 || compared*20 < scored*19 || moved*2 < scored {
		t.Errorf("only %d were scored, %d of them compared in their last day, and %d moved", scored, compared, moved)
	}
}
