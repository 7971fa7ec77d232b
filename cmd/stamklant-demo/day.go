package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/samplechain"
)

// castOf finds customers to play the day with: for each segment asked for, one with a card in use, by head office's own export.
func (d *demo) castOf(ctx context.Context, segments ...string) (map[string]string, error) {
	file := filepath.Join(d.dir, "scores.csv")
	if err := d.job(ctx, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Export{Export: &officev1.ExportJob{
		What: officev1.ExportKind_EXPORT_KIND_SCORES, File: file,
	}}}); err != nil {
		return nil, err
	}
	segmentOf, err := readSegments(file)
	if err != nil {
		return nil, err
	}
	candidates := map[string][]string{}
	index := 0
	for customer := range d.chain.Customers() {
		segment := segmentOf[samplechain.ExternalID(index)]
		index++
		if len(candidates[segment]) < auditions && plays(customer) {
			candidates[segment] = append(candidates[segment], customer.Cards[0].Number)
		}
	}
	cast := map[string]string{}
	for _, segment := range segments {
		if cast[segment], err = d.addressed(ctx, candidates[segment]); err != nil {
			return nil, fmt.Errorf("segment %s: %w", segment, err)
		}
	}
	return cast, nil
}

// auditions is how many customers of a segment are tried: who is in a campaign's control group is answered with silence.
const auditions = 20

// addressed is the first of some cards to which something is said.
func (d *demo) addressed(ctx context.Context, cards []string) (string, error) {
	for _, card := range cards {
		s := d.stores[0]
		answer, err := s.till.Lookup(ctx, &tillv1.LookupRequest{
			Caller: s.caller(), Customer: &tillv1.LookupRequest_Identifier{Identifier: scanned(card)}, Stage: tillv1.Stage_STAGE_START,
		})
		if err != nil {
			return "", err
		}
		if answer.GetSuggestion().GetCampaign() != "" {
			return card, nil
		}
	}
	return "", errors.New("nobody to play it: choose more customers with DEMO_ACCOUNTS")
}

// plays reports whether a customer can be shown: one card, not blocked, no standing rights that would change the picture.
func plays(c samplechain.Customer) bool {
	a := c.Account
	return len(c.Cards) == 1 && len(a.GetCustomerGroups()) == 0 && !a.GetConsents().GetObjected() && !a.GetMinor() &&
		a.GetConsents().GetMarketing() && c.Cards[0].ReplacedBy == "" && a.GetState().Number() != 2 && a.GetLanguage() != "fr"
}

// readSegments reads external id and segment of every row of an export.
func readSegments(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(file).ReadAll()
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	segments := make(map[string]string, len(rows))
	for _, row := range rows[1:] {
		segments[row[column["external_id"]]] = row[column["segment"]]
	}
	return segments, nil
}

// day plays checkouts: a champion, a newcomer, a lapsed regular, an unknown card, a receipt that is sent twice.
func (d *demo) day(ctx context.Context) error {
	cast, err := d.castOf(ctx, "champions", "new_customer", "hibernating")
	if err != nil {
		return err
	}
	s, today := d.stores[0], d.now().Format(time.DateOnly)
	d.say("A champion shows the card at the start of the sale.")
	if err := d.show(s.lookup(ctx, cast["champions"], tillv1.Stage_STAGE_START)); err != nil {
		return err
	}
	d.say("… and buys six planks and a tin of paint. Before payment the till asks again, with the basket.")
	timber, paint := line(1, "4501001", "45010", 6, 5970), line(2, "4601001", "46010", 1, 2495)
	answer, err := s.lookup(ctx, cast["champions"], tillv1.Stage_STAGE_PAYMENT, timber, paint)
	if err := d.show(answer, err); err != nil {
		return err
	}
	for _, off := range answer.GetSuggestion().GetOffer().GetLineDiscounts() {
		if off.GetLine() == paint.GetNo() {
			paint.NetMinor -= off.GetAmountMinor()
			paint.DiscountMinor += off.GetAmountMinor()
		}
	}
	request, booked, err := s.sell(ctx, cast["champions"], today, timber, paint)
	if err := d.showBooked(booked, err); err != nil {
		return err
	}
	d.say("The till's line flickered and it sends the same receipt again.")
	again, err := s.till.RecordReceipt(ctx, request)
	if err := d.showBooked(again, err); err != nil {
		return err
	}
	if !again.GetMeta().GetReplayed() || again.GetPoints() != booked.GetPoints() {
		return errors.New("the same receipt was booked twice")
	}
	if err := d.scanner(ctx, cast["new_customer"]); err != nil {
		return err
	}
	for _, visit := range []struct{ says, card string }{
		{"A newcomer.", cast["new_customer"]},
		{"A regular who has not been here for long.", cast["hibernating"]},
		{"A card nobody has ever handed out.", unknownCard()},
		{"A tin of beans, scanned by mistake.", "8710000000017"},
	} {
		d.say(visit.says)
		if err := d.show(s.lookup(ctx, visit.card, tillv1.Stage_STAGE_START)); err != nil {
			return err
		}
		s.sales++
	}
	return nil
}

// unknownCard is the magic card of that name.
func unknownCard() string {
	for _, card := range samplechain.Magic() {
		if card.Name == "unknown" {
			return card.Number
		}
	}
	return ""
}

// withoutOffice sells while head office is away, in another store.
func (d *demo) withoutOffice(ctx context.Context) error {
	if err := d.unplug(); err != nil {
		return err
	}
	s, today := d.stores[1], d.now().Format(time.DateOnly)
	card, err := d.newCard()
	if err != nil {
		return err
	}
	d.say("The line to head office is cut. A card from the leaflet rack, never seen before, in store s03:")
	if err := d.show(s.lookup(ctx, card, tillv1.Stage_STAGE_START)); err != nil {
		return err
	}
	_, booked, err := s.sell(ctx, card, today, line(1, "1010001", "1010", 3, 2700))
	if err := d.showBooked(booked, err); err != nil {
		return err
	}
	d.say("The next lookup knows the points already.")
	return d.show(s.lookup(ctx, card, tillv1.Stage_STAGE_START))
}

// newCard is the magic card of that name.
func (d *demo) newCard() (string, error) {
	for _, card := range samplechain.Magic() {
		if card.Name == "new" {
			return card.Number, nil
		}
	}
	return "", errors.New("there is no magic card named new")
}

// officeBack waits until everything that happened is at head office, publishes again, and asks for the same card once more.
func (d *demo) officeBack(ctx context.Context) error {
	addr := d.lastAddress
	if err := d.plugIn(ctx, addr); err != nil {
		return err
	}
	if err := d.drained(ctx); err != nil {
		return err
	}
	if err := d.job(ctx, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Score{Score: &officev1.ScoreJob{
		AsOf: d.chain.LastDay().Format(time.DateOnly),
	}}}); err != nil {
		return err
	}
	if err := d.job(ctx, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Publish{Publish: &officev1.PublishJob{}}}); err != nil {
		return err
	}
	for _, s := range d.stores {
		if _, err := s.server.Refresh(ctx); err != nil {
			return err
		}
	}
	card, err := d.newCard()
	if err != nil {
		return err
	}
	d.say("What stores did without head office arrived, was counted, and came back with the next release: the same balance, now in the other store too.")
	return d.show(d.stores[0].lookup(ctx, card, tillv1.Stage_STAGE_START))
}

// drained waits until no store has anything left to deliver.
func (d *demo) drained(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for {
		waiting := uint64(0)
		for _, s := range d.stores {
			status, err := s.till.GetStatus(ctx, &tillv1.GetStatusRequest{Caller: s.caller()})
			if err != nil {
				return err
			}
			waiting += status.GetOutboxWaiting()
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return fmt.Errorf("%d rows still wait to go to head office: %w", waiting, ctx.Err())
		}
	}
}
