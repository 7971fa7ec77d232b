package rush

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/stamklant/stamklant/api/tillclient"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// till is one till and whoever works at it: one customer after the other.
type till struct {
	*rush

	shop   *shop
	code   string
	client *tillclient.Client
	draw   *rand.Rand
	last   int // number of the newest receipt
}

// act is something a till does, and how often among 100.
type act struct {
	share int
	do    func(t *till, ctx context.Context)
}

var repertoire = []act{
	{30, func(t *till, ctx context.Context) { t.sale(ctx, t.one(t.Cards)) }},
	{7, func(t *till, ctx context.Context) { t.sale(ctx, "") }},
	{4, func(t *till, ctx context.Context) { t.sale(ctx, t.one(t.NewCards)) }},
	{3, func(t *till, ctx context.Context) { t.sale(ctx, t.one(t.StrangeCards)) }},
	{4, (*till).suspend},
	{4, (*till).recall},
	{4, (*till).late},
	{3, (*till).voidOpen},
	{3, (*till).practise},
	{5, func(t *till, ctx context.Context) { t.giveBack(ctx, true, t.shop.Store, "full return") }},
	{6, func(t *till, ctx context.Context) { t.giveBack(ctx, false, t.shop.Store, "return of a part") }},
	{6, (*till).giveBackElsewhere},
	{3, func(t *till, ctx context.Context) { t.exchange(ctx, false) }},
	{2, func(t *till, ctx context.Context) { t.exchange(ctx, true) }},
	{3, (*till).voidSale},
	{2, (*till).voidReturn},
	{7, (*till).sendAgain},
	{2, (*till).contradict},
	{2, (*till).startAnew},
}

// sell works until ctx ends.
func (t *till) sell(ctx context.Context) {
	for pause(ctx, time.Duration(t.draw.Int64N(2*int64(t.Pace)))) {
		n := t.draw.IntN(100)
		for _, a := range repertoire {
			if n -= a.share; n < 0 {
				a.do(t, ctx)
				break
			}
		}
		t.tally.depth(t.client.Waiting())
	}
}

// one draws a card; none when there is none of the kind.
func (t *till) one(cards []string) string {
	if len(cards) == 0 {
		return ""
	}
	return cards[t.draw.IntN(len(cards))]
}

// goods fills a basket. Every tenth line is no merchandise: a deposit.
func (t *till) goods() []*outcomev1.Line {
	lines := make([]*outcomev1.Line, 1+t.draw.IntN(6))
	for i := range lines {
		quantity := 1000 * (1 + t.draw.Int64N(4))
		if t.draw.IntN(5) == 0 { // weighed
			quantity = 100 + t.draw.Int64N(2400)
		}
		lines[i] = &outcomev1.Line{
			No: int32(i + 1), Sku: strconv.Itoa(4_500_000 + t.draw.IntN(5000)), QuantityMilli: quantity,
			NetMinor: 5 + t.draw.Int64N(9000), NotMerchandise: t.draw.IntN(10) == 0,
		}
	}
	return lines
}

// request makes the next receipt of this till. Cash is rounded to five cents.
func (t *till) request(kind outcomev1.ReceiptKind, card string, lines []*outcomev1.Line) *tillv1.RecordReceiptRequest {
	t.last++
	now := time.Now()
	receipt := &outcomev1.Receipt{
		Key: &outcomev1.ReceiptKey{
			Store: t.shop.Store, Till: t.code, BusinessDate: now.Format(time.DateOnly), ReceiptNo: fmt.Sprintf("%s-%05d", strconv.FormatInt(t.begun.Unix(), 36), t.last),
		},
		Kind: kind, Currency: t.Currency, Lines: lines, EndedAt: timestamppb.New(now),
	}
	for _, line := range lines {
		receipt.TotalMinor += line.GetNetMinor()
	}
	tender := outcomev1.TenderKind_TENDER_KIND_CARD
	if t.draw.IntN(4) == 0 && receipt.GetTotalMinor() > 0 {
		tender, receipt.TotalMinor = outcomev1.TenderKind_TENDER_KIND_CASH, (receipt.GetTotalMinor()+2)/5*5
	}
	receipt.Tenders = []*outcomev1.Tender{{Kind: tender, AmountMinor: receipt.GetTotalMinor()}}
	req := &tillv1.RecordReceiptRequest{Receipt: receipt}
	if card != "" {
		req.Customer = &tillv1.RecordReceiptRequest_Identifier{Identifier: tillclient.Scanned([]byte(card)).GetIdentifier()}
	}
	return req
}

// look asks who the customer is, as often as tills do in a sale.
func (t *till) look(ctx context.Context, sale *tillclient.Sale, card string, lines []*outcomev1.Line, stages ...tillv1.Stage) {
	if card == "" {
		return
	}
	var waited time.Duration
	for _, stage := range stages {
		req := tillclient.Scanned([]byte(card))
		req.Stage, req.Basket = stage, &tillv1.Basket{Lines: lines, Currency: t.Currency}
		answer := sale.Lookup(ctx, req)
		waited += answer.Took
		switch {
		case !answer.Offline && answer.Server != t.shop.cables[0].address():
			t.tally.did("lookup answered by the standby")
			fallthrough
		case !answer.Offline:
			t.tally.did("lookup answered")
			t.tally.took(&t.tally.lookups, answer.Took)
			if slices.Contains(t.Cards, card) && answer.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND {
				t.tally.fault("card %s, which the shops know: %v", card, answer.GetOutcome())
			}
		case ctx.Err() != nil:
		case tillclient.LeftAlone(answer.Why):
			t.tally.did("lookup not made: the server is left alone this sale")
		default:
			t.tally.did("lookup not answered in time")
			t.tally.took(&t.tally.lookups, answer.Took)
		}
	}
	t.tally.took(&t.tally.perSale, waited)
}

var wholeSale = []tillv1.Stage{tillv1.Stage_STAGE_START, tillv1.Stage_STAGE_BASKET_CHANGED, tillv1.Stage_STAGE_PAYMENT}

// record closes a receipt, and writes it down. The answer is nil when nobody acknowledged it yet.
func (t *till) record(sale *tillclient.Sale, req *tillv1.RecordReceiptRequest, card string, of *fact) (*fact, *tillv1.RecordReceiptResponse) {
	begin := time.Now()
	req.Receipt.ReceiptRef = sale.Ref()
	recorded, err := sale.Record(context.Background(), req)
	if err != nil {
		t.tally.fault("receipt %s could not be kept: %v", name(req.GetReceipt().GetKey()), err)
		return nil, nil
	}
	f := t.fact(req, card, of)
	if recorded.Waiting {
		t.tally.did("receipt kept and sent later")
		return f, nil
	}
	t.tally.took(&t.tally.records, time.Since(begin))
	t.tally.did("receipt acknowledged while the printer ran")
	t.check(f, recorded.RecordReceiptResponse)
	return f, recorded.RecordReceiptResponse
}

// fact writes a receipt down, but for practice.
func (t *till) fact(req *tillv1.RecordReceiptRequest, card string, of *fact) *fact {
	r := req.GetReceipt()
	f := &fact{key: r.GetKey(), kind: r.GetKind(), card: card, lines: r.GetLines(), total: r.GetTotalMinor(), of: of}
	if f.kind != outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING {
		t.books.add(f)
	}
	return f
}

// check holds an answer against what the till knows itself.
func (t *till) check(f *fact, answer *tillv1.RecordReceiptResponse) {
	if answer.GetMeta().GetReplayed() {
		t.tally.did("answer repeated from the first time")
	}
	if answer.GetProvisional() {
		t.tally.did("answer provisional")
	}
	if f.kind != outcomev1.ReceiptKind_RECEIPT_KIND_SALE || f.of != nil || f.card == "" || slices.Contains(t.StrangeCards, f.card) {
		return
	}
	if points, _ := award(f.lines, t.PointsPerEuro); points != answer.GetPoints() || answer.GetProvisional() {
		t.tally.fault("receipt %s should earn %d points; the answer says %d, provisional %v", name(f.key), points, answer.GetPoints(), answer.GetProvisional())
	}
}

// sale is a sale from the first scan to the receipt.
func (t *till) sale(ctx context.Context, card string) (*fact, *tillv1.RecordReceiptRequest, *tillv1.RecordReceiptResponse) {
	return t.close(ctx, t.client.NewSale(), card)
}

// close finishes a sale, which may have begun elsewhere.
func (t *till) close(ctx context.Context, sale *tillclient.Sale, card string) (*fact, *tillv1.RecordReceiptRequest, *tillv1.RecordReceiptResponse) {
	req := t.request(outcomev1.ReceiptKind_RECEIPT_KIND_SALE, card, t.goods())
	t.look(ctx, sale, card, req.GetReceipt().GetLines(), wholeSale...)
	f, answer := t.record(sale, req, card, nil)
	t.tally.did("sale")
	switch {
	case card == "":
		t.tally.did("sale without a card")
	case slices.Contains(t.NewCards, card):
		t.tally.did("sale on a new card")
	case slices.Contains(t.StrangeCards, card):
		t.tally.did("sale on an unknown card")
	}
	if f != nil {
		t.mu.Lock()
		t.sold = append(t.sold, f)
		t.mu.Unlock()
	}
	return f, req, answer
}

// suspend begins a sale that another till may recall.
func (t *till) suspend(ctx context.Context) {
	sale, card := t.client.NewSale(), t.one(t.Cards)
	t.look(ctx, sale, card, t.goods(), wholeSale[:2]...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.suspended[t.shop.Store] = append(t.suspended[t.shop.Store], suspension{sale.Ref(), card})
}

// recall goes on with a sale that was suspended in this shop.
func (t *till) recall(ctx context.Context) {
	t.mu.Lock()
	list := t.suspended[t.shop.Store]
	if len(list) == 0 {
		t.mu.Unlock()
		return
	}
	one := list[0]
	t.suspended[t.shop.Store] = list[1:]
	t.mu.Unlock()
	t.close(ctx, t.client.ResumeSale(one.ref), one.card)
	t.tally.did("sale suspended and recalled")
}

// late sends a receipt that lay in the till since three days ago.
func (t *till) late(context.Context) {
	card := t.one(t.Cards)
	req := t.request(outcomev1.ReceiptKind_RECEIPT_KIND_SALE, card, t.goods())
	then := time.Now().AddDate(0, 0, -3)
	req.Receipt.Key.BusinessDate, req.Receipt.EndedAt = then.Format(time.DateOnly), timestamppb.New(then)
	t.record(t.client.NewSale(), req, card, nil)
	t.tally.did("sale of three days ago")
}

// voidOpen gives a sale up before it is paid.
func (t *till) voidOpen(ctx context.Context) {
	sale, card, lines := t.client.NewSale(), t.one(t.Cards), t.goods()
	t.look(ctx, sale, card, lines, wholeSale[:2]...)
	t.record(sale, t.request(outcomev1.ReceiptKind_RECEIPT_KIND_VOID, card, lines), card, nil)
	t.tally.did("sale voided before it was paid")
}

// practise rings up a sale that counts for nothing. The number is that of the next real receipt: tills in training do not count on.
func (t *till) practise(context.Context) {
	card := t.one(t.Cards)
	req := t.request(outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING, card, t.goods())
	t.last--
	t.record(t.client.NewSale(), req, card, nil)
	t.tally.did("practice")
}

// sendAgain sends a receipt again, at once, to all servers, under other request ids: as tills do that know no better.
func (t *till) sendAgain(ctx context.Context) {
	f, req, first := t.sale(ctx, t.one(t.Cards))
	if f == nil {
		return
	}
	var mu sync.Mutex
	said := map[string]int64{}
	if first != nil {
		said[first.GetMeta().GetServer()] = first.GetPoints()
	}
	var sending sync.WaitGroup
	for i := range 4 {
		again := proto.CloneOf(req)
		again.Caller = &tillv1.Caller{Store: t.shop.Store, Till: t.code, RequestId: strconv.FormatUint(t.draw.Uint64(), 36)}
		server := t.shop.servers[i%len(t.shop.servers)]
		sending.Go(func() {
			answer, err := to(server, again)
			if err != nil {
				if status.Code(err) == codes.AlreadyExists || status.Code(err) == codes.InvalidArgument {
					t.tally.fault("receipt %s sent again: %v", name(f.key), err)
				}
				return
			}
			t.check(f, answer)
			mu.Lock()
			defer mu.Unlock()
			id := answer.GetMeta().GetServer()
			if points, known := said[id]; known && (points != answer.GetPoints() || first != nil && id == first.GetMeta().GetServer() && !answer.GetMeta().GetReplayed()) {
				t.tally.fault("receipt %s sent again to %s: %d points, replayed %v; before it said %d", name(f.key), id, answer.GetPoints(), answer.GetMeta().GetReplayed(), points)
			}
			said[id] = answer.GetPoints()
		})
	}
	sending.Wait()
	t.tally.did("sent again at once to all servers")
}

// to sends a receipt to one server, once.
func to(server tillv1.CheckoutServiceClient, req *tillv1.RecordReceiptRequest) (*tillv1.RecordReceiptResponse, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return server.RecordReceipt(ctx, req)
}
