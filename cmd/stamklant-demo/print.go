package main

import (
	"fmt"
	"strings"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/samplechain"
)

func (d *demo) say(text string) { fmt.Fprintf(d.out, "%s\n", text) }

// show prints an answer as cashier, customer and printer get it.
func (d *demo) show(answer *tillv1.LookupResponse, err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "   outcome   %s\n", strings.TrimPrefix(answer.GetOutcome().String(), "OUTCOME_"))
	if s := answer.GetSegment(); s != nil {
		fmt.Fprintf(d.out, "   segment   %s\n", s.GetName())
	}
	d.blocks(answer.GetStaff(), answer.GetCustomerDisplay(), answer.GetReceipt())
	for _, off := range answer.GetSuggestion().GetOffer().GetLineDiscounts() {
		fmt.Fprintf(d.out, "   line %d    %d cents off, till code %s\n", off.GetLine(), off.GetAmountMinor(), answer.GetSuggestion().GetOffer().GetTillCode())
	}
	if reasons := answer.GetSuggestion().GetReasons(); len(reasons) > 0 {
		fmt.Fprintf(d.out, "   because   %s\n", strings.Join(reasons, ", "))
	}
	fmt.Fprintln(d.out)
	return nil
}

// showBooked prints what a receipt came to.
func (d *demo) showBooked(answer *tillv1.RecordReceiptResponse, err error) error {
	if err != nil {
		return err
	}
	how := ""
	if answer.GetMeta().GetReplayed() {
		how = ", the answer of the first time"
	}
	fmt.Fprintf(d.out, "   booked    %+d points%s\n", answer.GetPoints(), how)
	d.blocks(answer.GetStaff(), answer.GetCustomerDisplay(), answer.GetReceipt())
	fmt.Fprintln(d.out)
	return nil
}

func (d *demo) blocks(staff, display, receipt *tillv1.TextBlock) {
	for i, block := range []*tillv1.TextBlock{staff, display, receipt} {
		name := []string{"cashier", "display", "receipt"}[i]
		for _, line := range block.GetLines() {
			if i == 1 {
				line = fmt.Sprintf("│%-20s│", line)
			}
			fmt.Fprintf(d.out, "   %-9s %s\n", name, line)
			name = ""
		}
	}
}

// invite says what there is to try while the chain runs.
func (d *demo) invite() {
	fmt.Fprintf(d.out, "\n━━ The chain runs on until you stop it with Ctrl-C. To try it from another terminal:\n\n")
	for _, s := range d.stores {
		fmt.Fprintf(d.out, "  STAMKLANT_TILL_ADDRESS=%s STAMKLANT_TILL_TOKEN=%s bin/stamklant-till lookup %s\n", s.server.Addr(), s.token, d.anyCard())
	}
	fmt.Fprintf(d.out, "  bin/stamklant-office --data %s servers\n", d.home.Dir())
}

// anyCard is a card of the first customer who has one in use.
func (d *demo) anyCard() string {
	for c := range d.chain.Customers() {
		if plays(c) {
			return c.Cards[0].Number
		}
	}
	return samplechain.Magic()[0].Number
}
