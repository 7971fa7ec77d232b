package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/stamklant/stamklant/api/tillclient"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

type sellCommand struct {
	Card      string   `arg:"" optional:"" help:"The customer's card."`
	Anonymous bool     `help:"A sale without a card."`
	Line      []string `help:"A line of the receipt, sku:group:quantity:price; price is for the whole line. Once for each line." aliases:"lines" sep:"none" required:"" placeholder:"LINE"`
	Currency  string   `help:"What it is paid in." default:"EUR"`
	ReceiptNo string   `help:"The receipt's number; left out, the time of day." placeholder:"NO"`
	Date      string   `help:"The business day; left out, today." placeholder:"YYYY-MM-DD"`
	Accept    bool     `help:"The customer takes what is suggested."`
	Voucher   []string `help:"A voucher or coupon the customer hands over; once for each. What may not be used is not taken." sep:"none" placeholder:"CODE"`
	Again     bool     `help:"Send the receipt twice, as a till does whose first answer got lost."`
	Outbox    string   `help:"Keep the receipt in this file until a server has it; left out, it is kept only when none takes it now." type:"path" placeholder:"FILE"`
	JSON      bool     `name:"json" help:"Print what was booked as JSON."`
}

// Validate refuses a sale with a card and without one.
func (c *sellCommand) Validate() error {
	if (c.Card == "") != c.Anonymous {
		return errors.New("name the customer's card, or say --anonymous")
	}
	return nil
}

// Run plays the sale.
func (c *sellCommand) Run(s *session) (err error) {
	lines, err := parseLines(c.Line)
	if err != nil {
		return err
	}
	outbox, forget, err := c.outbox()
	if err != nil {
		return err
	}
	client, err := s.open(outbox)
	if err != nil {
		return err
	}
	waiting := 0
	defer func() {
		err = errors.Join(err, client.Close())
		if waiting == 0 {
			err = errors.Join(err, forget())
		}
	}()
	sale := client.NewSale()
	request, err := c.request(s, client, lines)
	if err != nil {
		return err
	}
	c.lookUp(s, sale, request)
	c.reserve(s, sale, request)
	for range 1 + btoi(c.Again) {
		recorded, err := sale.Record(s.ctx, request)
		if err != nil {
			return err
		}
		if err := c.show(s, request.GetReceipt(), recorded); err != nil {
			return err
		}
	}
	if waiting = client.Waiting(); waiting > 0 {
		fmt.Fprintf(s.errors, "stamklant-till: not acknowledged yet; kept in %s: sell with --outbox of that file to send it\n", outbox)
	}
	return nil
}

// outbox returns the file in which the receipt is kept, and how to forget it.
func (c *sellCommand) outbox() (path string, forget func() error, err error) {
	if c.Outbox != "" {
		return c.Outbox, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "stamklant-till-")
	if err != nil {
		return "", nil, err
	}
	return filepath.Join(dir, "outbox"), func() error { return os.RemoveAll(dir) }, nil
}

// request is the receipt as a till would send it.
func (c *sellCommand) request(s *session, client *tillclient.Client, lines []*outcomev1.Line) (*tillv1.RecordReceiptRequest, error) {
	now := time.Now()
	store := s.till.Store
	if store == "" {
		answer, err := client.Status(s.ctx)
		if err != nil {
			return nil, fmt.Errorf("which store is this? say --store: %w", err)
		}
		store = answer.GetStore()
	}
	number, date := c.ReceiptNo, c.Date
	if number == "" {
		number = now.Format("150405.000")
	}
	if date == "" {
		date = now.Format(time.DateOnly)
	}
	receipt := &outcomev1.Receipt{
		Key:      &outcomev1.ReceiptKey{Store: store, Till: s.till.Till, BusinessDate: date, ReceiptNo: number},
		Kind:     outcomev1.ReceiptKind_RECEIPT_KIND_SALE,
		Currency: c.Currency, Lines: lines, EndedAt: timestamppb.New(now),
	}
	for _, line := range lines {
		receipt.TotalMinor += line.GetNetMinor()
	}
	receipt.Tenders = []*outcomev1.Tender{{Kind: outcomev1.TenderKind_TENDER_KIND_CARD, AmountMinor: receipt.GetTotalMinor()}}
	request := &tillv1.RecordReceiptRequest{Receipt: receipt}
	if !c.Anonymous {
		request.Customer = &tillv1.RecordReceiptRequest_Identifier{Identifier: tillclient.Keyed(c.Card).GetIdentifier()}
	}
	return request, nil
}

// lookUp asks as a till does before payment, shows the answer, and notes on the receipt what was suggested.
func (c *sellCommand) lookUp(s *session, sale *tillclient.Sale, request *tillv1.RecordReceiptRequest) {
	if c.Anonymous {
		return
	}
	ask := tillclient.Keyed(c.Card)
	ask.Stage, ask.Basket = tillv1.Stage_STAGE_PAYMENT, &tillv1.Basket{Lines: request.GetReceipt().GetLines(), Currency: c.Currency}
	answer := sale.Lookup(s.ctx, ask)
	if suggestion := answer.GetSuggestion(); suggestion.GetId() != "" {
		response := outcomev1.Response_RESPONSE_SHOWN
		if c.Accept {
			response = outcomev1.Response_RESPONSE_ACCEPTED
		}
		request.Exposures = []*outcomev1.Exposure{{
			SuggestionId: suggestion.GetId(), Campaign: suggestion.GetCampaign(), Response: response,
		}}
	}
	if !c.JSON {
		s.showAnswer(answer)
	}
}

// show draws the receipt and what was booked.
func (c *sellCommand) show(s *session, receipt *outcomev1.Receipt, recorded tillclient.Recorded) error {
	switch {
	case recorded.Waiting:
		s.exitCode = exitOffline
	case recorded.Refused:
		s.exitCode = exitNoCustomer
	}
	if c.JSON {
		return s.printJSON(recorded.RecordReceiptResponse, recorded.Why)
	}
	p := s.out
	server := recorded.GetMeta().GetServer()
	switch {
	case recorded.Waiting:
		p.title(yellow, "waits", "no server has it yet; it is sent when one is back", "")
	case recorded.Refused:
		p.title(red, "refused", inWords(recorded.Why), "")
	case recorded.GetMeta().GetReplayed():
		p.title(green, "replayed", "the server had it: the answer of the first time", server)
	default:
		p.title(green, "booked", booked(recorded), server)
	}
	p.gap()
	p.row("Cashier", recorded.GetStaff().GetLines()...)
	s.showDisplay(recorded.GetCustomerDisplay())
	p.paper("Receipt", int(s.till.Printer), printed(receipt, recorded.GetReceipt(), int(s.till.Printer)))
	showCoupon(s, recorded.GetCoupon())
	if !recorded.Waiting && !recorded.Refused && !c.Anonymous {
		p.row("Points", fmt.Sprintf("%+d", recorded.GetPoints())+balance(recorded.GetLoyalty()))
	}
	p.gap()
	return nil
}

// booked says in a few words what was booked.
func booked(r tillclient.Recorded) string {
	if r.GetOutcome() == tillv1.Outcome_OUTCOME_UNSPECIFIED && r.GetAccountRef() == "" && r.GetLoyalty() == nil {
		return "without a customer"
	}
	text := fmt.Sprintf("%+d points", r.GetPoints())
	if r.GetProvisional() {
		text += ", provisional"
	}
	return text + " · " + word(r.GetOutcome(), "OUTCOME_")
}

// balance says what there is after it.
func balance(l *tillv1.Loyalty) string {
	if l == nil {
		return ""
	}
	return " · balance " + strings.TrimPrefix(headline(l), " · ")
}

// printed is the receipt as the printer would have it: the till's own lines, then the server's.
func printed(receipt *outcomev1.Receipt, said *tillv1.TextBlock, columns int) []string {
	key := receipt.GetKey()
	lines := []string{apart(fmt.Sprintf("store %s  till %s", key.GetStore(), key.GetTill()), key.GetBusinessDate(), columns), ""}
	for _, l := range receipt.GetLines() {
		what := pieces(l.GetQuantityMilli()) + " × " + l.GetSku()
		lines = append(lines, apart(what, money(l.GetNetMinor()), columns))
	}
	lines = append(lines, apart("TOTAL "+receipt.GetCurrency(), money(receipt.GetTotalMinor()), columns))
	if len(said.GetLines()) > 0 {
		lines = append(append(lines, ""), said.GetLines()...)
	}
	return append(lines, "", apart("", "receipt "+key.GetReceiptNo(), columns))
}

// btoi is 1 for true.
func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
