package main

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore"
	"github.com/stamklant/stamklant/internal/rpc"
)

// store is a running server with a till that calls it.
type store struct {
	server *instore.Server
	token  string
	till   tillv1.CheckoutServiceClient
	conn   *grpc.ClientConn
	cancel context.CancelFunc
	ended  chan error
	sales  int
}

// runStore lets a server run and connects a till to it.
func runStore(ctx context.Context, server *instore.Server) (*store, error) {
	token, err := server.TillToken()
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	conn, err := rpc.Dial(server.Addr(), rpc.DialConfig{Token: token})
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &store{
		server: server, token: token, conn: conn, till: tillv1.NewCheckoutServiceClient(conn), cancel: cancel, ended: make(chan error, 1),
	}
	go func() { s.ended <- server.Run(ctx) }()
	return s, nil
}

func (s *store) stop() error {
	s.cancel()
	return errors.Join(s.conn.Close(), <-s.ended)
}

// caller is the store's first till.
func (s *store) caller() *tillv1.Caller { return &tillv1.Caller{Till: "1", Store: s.server.Store()} }

var abilities = &tillv1.Abilities{DisplayLines: 2, DisplayColumns: 20, PrinterColumns: 42, PinPadInput: true, BarCodes: true}

// lookup scans a card.
func (s *store) lookup(ctx context.Context, card string, stage tillv1.Stage, lines ...*outcomev1.Line) (*tillv1.LookupResponse, error) {
	request := &tillv1.LookupRequest{
		Caller: s.caller(), Customer: &tillv1.LookupRequest_Identifier{Identifier: scanned(card)}, ReceiptRef: s.ref(), Stage: stage,
		Abilities: abilities, StaffLanguage: "en",
	}
	if len(lines) > 0 {
		request.Basket = &tillv1.Basket{Lines: lines}
	}
	return s.till.Lookup(ctx, request)
}

// sell ends a sale; the next lookup belongs to another.
func (s *store) sell(ctx context.Context, card, day string, lines ...*outcomev1.Line) (*tillv1.RecordReceiptRequest, *tillv1.RecordReceiptResponse, error) {
	receipt := &outcomev1.Receipt{
		Key:  &outcomev1.ReceiptKey{Store: s.server.Store(), Till: "1", BusinessDate: day, ReceiptNo: fmt.Sprintf("demo-%d", s.sales+1)},
		Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, ReceiptRef: s.ref(), Currency: "EUR", Lines: lines,
	}
	for _, l := range lines {
		receipt.TotalMinor += l.GetNetMinor()
	}
	receipt.Tenders = []*outcomev1.Tender{{Kind: outcomev1.TenderKind_TENDER_KIND_CARD, AmountMinor: receipt.GetTotalMinor()}}
	request := &tillv1.RecordReceiptRequest{
		Caller: s.caller(), Receipt: receipt, Customer: &tillv1.RecordReceiptRequest_Identifier{Identifier: scanned(card)},
		Abilities: abilities, StaffLanguage: "en",
	}
	response, err := s.till.RecordReceipt(ctx, request)
	s.sales++
	return request, response, err
}

// ref is the reference of the open sale.
func (s *store) ref() string { return fmt.Sprintf("demo-sale-%d", s.sales+1) }

func scanned(card string) *tillv1.Identifier {
	return &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: card}, EntryMode: tillv1.EntryMode_ENTRY_MODE_SCANNED}
}

// line is one line of a basket.
func line(no int32, sku, group string, pieces, cents int64) *outcomev1.Line {
	return &outcomev1.Line{No: no, Sku: sku, Group: group, QuantityMilli: pieces * 1000, NetMinor: cents}
}
