package rush

import (
	"context"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// something draws a sale of a shop; nil when there is none.
func (t *till) something(in func(store string) bool) *fact {
	t.mu.Lock()
	defer t.mu.Unlock()
	for range 8 {
		if len(t.sold) == 0 {
			return nil
		}
		if f := t.sold[t.draw.IntN(len(t.sold))]; in(f.key.GetStore()) {
			return f
		}
	}
	return nil
}

// bring takes goods of a sale: all that is out, or a part. It returns the lines of the receipt that brings them.
func (t *till) bring(sale *fact, all bool) ([]*outcomev1.Line, map[int32]int64) {
	pieces := t.books.take(sale, func(_ int32, out int64) int64 {
		switch {
		case all || out == 0:
			return out
		case t.draw.IntN(2) == 0:
			return 0
		case out%1000 == 0:
			return 1000 * (1 + t.draw.Int64N(out/1000))
		}
		return out
	})
	var lines []*outcomev1.Line
	for _, no := range slices.Sorted(maps.Keys(pieces)) {
		sold := sale.lines[no-1]
		lines = append(lines, &outcomev1.Line{
			No: int32(len(lines) + 1), Sku: sold.GetSku(), QuantityMilli: -pieces[no], NetMinor: -sold.GetNetMinor() * pieces[no] / sold.GetQuantityMilli(),
			NotMerchandise: sold.GetNotMerchandise(), OriginalLine: no,
		})
	}
	return lines, pieces
}

// giveBack brings goods back of a sale of a shop. The card of the sale is shown, none, or somebody else's.
func (t *till) giveBack(_ context.Context, all bool, store, what string) {
	sale := t.something(func(s string) bool { return s == store })
	if sale == nil {
		return
	}
	lines, pieces := t.bring(sale, all)
	if len(lines) == 0 {
		return
	}
	card := sale.card
	switch t.draw.IntN(10) {
	case 0:
		card = t.one(t.Cards)
	case 1, 2, 3:
		card = ""
	}
	req := t.request(outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, card, lines)
	req.Receipt.Original = sale.key
	f, _ := t.record(t.client.NewSale(), req, card, sale)
	t.tally.did(what)
	if f != nil {
		t.mu.Lock()
		t.returned = append(t.returned, &giving{fact: f, sale: sale, pieces: pieces})
		t.mu.Unlock()
	}
}

// giveBackElsewhere brings goods back that were bought in another shop.
func (t *till) giveBackElsewhere(ctx context.Context) {
	other := t.shops[t.draw.IntN(len(t.shops))]
	if other != t.shop {
		t.giveBack(ctx, t.draw.IntN(2) == 0, other.Store, "return in another shop")
	}
}

// exchange gives goods back and buys others on one receipt, as the one who bought them or somebody else.
func (t *till) exchange(_ context.Context, another bool) {
	sale := t.something(func(string) bool { return true })
	if sale == nil {
		return
	}
	lines, _ := t.bring(sale, false)
	if len(lines) == 0 {
		return
	}
	for _, line := range t.goods() {
		line.No = int32(len(lines) + 1)
		lines = append(lines, line)
	}
	card, what := sale.card, "exchange"
	if another {
		card, what = t.one(t.Cards), "exchange by another customer"
	}
	req := t.request(outcomev1.ReceiptKind_RECEIPT_KIND_SALE, card, lines)
	req.Receipt.Original = sale.key
	t.record(t.client.NewSale(), req, card, sale)
	t.tally.did(what)
}

// voidSale voids a sale that was paid, also after part of it came back.
func (t *till) voidSale(context.Context) {
	t.mu.Lock()
	if len(t.sold) == 0 {
		t.mu.Unlock()
		return
	}
	i := t.draw.IntN(len(t.sold))
	sale := t.sold[i]
	t.sold = slices.Delete(t.sold, i, i+1)
	t.mu.Unlock()
	t.books.closed(sale)
	t.void(sale)
	t.tally.did("sale voided afterwards")
}

// voidReturn voids a return: its goods are out again.
func (t *till) voidReturn(context.Context) {
	t.mu.Lock()
	if len(t.returned) == 0 {
		t.mu.Unlock()
		return
	}
	i := t.draw.IntN(len(t.returned))
	one := t.returned[i]
	t.returned = slices.Delete(t.returned, i, i+1)
	t.mu.Unlock()
	if t.void(one.fact) != nil {
		t.books.giveBack(one.sale, one.pieces)
	}
	t.tally.did("return voided")
}

// void voids a receipt that was closed.
func (t *till) void(what *fact) *fact {
	req := t.request(outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID, what.card, nil)
	req.Receipt.Original, req.Receipt.TotalMinor, req.Receipt.Tenders = what.key, -what.total, nil
	for _, line := range what.lines {
		back := proto.CloneOf(line)
		back.QuantityMilli, back.NetMinor, back.OriginalLine = -line.GetQuantityMilli(), -line.GetNetMinor(), line.GetNo()
		req.Receipt.Lines = append(req.Receipt.Lines, back)
	}
	f, _ := t.record(t.client.NewSale(), req, what.card, what)
	return f
}

// alone is a sale that nobody brings goods back of, and the server that acknowledged it; nil when none did at once.
func (t *till) alone(ctx context.Context) (*fact, *tillv1.RecordReceiptRequest, tillv1.CheckoutServiceClient) {
	f, req, answer := t.sale(ctx, t.one(t.Cards))
	if f == nil || answer == nil {
		return nil, nil, nil
	}
	t.mu.Lock()
	t.sold = slices.DeleteFunc(t.sold, func(other *fact) bool { return other == f })
	t.mu.Unlock()
	req = proto.CloneOf(req)
	req.Caller = &tillv1.Caller{Store: t.shop.Store, Till: t.code}
	return f, req, t.shop.byID[answer.GetMeta().GetServer()]
}

// contradict sends a receipt again with another total, to the server that has it: the first stands.
func (t *till) contradict(ctx context.Context) {
	f, req, server := t.alone(ctx)
	if server == nil {
		return
	}
	req.Receipt.TotalMinor += 100
	req.Receipt.Lines[0].NetMinor += 100
	_, err := to(server, req)
	switch {
	case err == nil:
		t.tally.fault("receipt %s was taken again with another total", name(f.key))
	case status.Code(err) == codes.AlreadyExists:
		t.tally.did("conflict refused")
	}
	t.tally.did("sent again with another total")
}

// startAnew is a till that was set up anew and gives a number again that it had given: other goods, and a clock that is hours off. It sends the receipt
// to the server that has the other one until that acknowledges it.
func (t *till) startAnew(ctx context.Context) {
	f, req, server := t.alone(ctx)
	if server == nil {
		return
	}
	card := t.one(t.Cards)
	other := t.request(outcomev1.ReceiptKind_RECEIPT_KIND_SALE, card, t.goods())
	t.last--
	other.Receipt.Key, other.Caller = proto.CloneOf(f.key), req.GetCaller()
	other.Receipt.EndedAt = timestamppb.New(req.GetReceipt().GetEndedAt().AsTime().Add(-3 * time.Hour))
	for until := time.Now().Add(settleWithin); ; {
		answer, err := to(server, other)
		if err == nil {
			t.check(t.fact(other, card, nil), answer)
			t.tally.did("till set up anew")
			return
		}
		if code := status.Code(err); code == codes.AlreadyExists || code == codes.InvalidArgument || time.Now().After(until) {
			t.tally.fault("receipt %s of the till that was set up anew: %v", name(f.key), err)
			return
		}
		pause(context.Background(), 100*time.Millisecond)
	}
}
