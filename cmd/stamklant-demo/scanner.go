package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// scanner has a separate scanner present a card at the till, which watches.
func (d *demo) scanner(ctx context.Context, card string) error {
	s := d.stores[0]
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	d.say("A tablet stands beside the till. The till watches; the next customer holds a card before the tablet, which shows:")
	watch, err := s.till.WatchTill(ctx, &tillv1.WatchTillRequest{Caller: s.caller(), Abilities: abilities, StaffLanguage: "en"})
	if err != nil {
		return err
	}
	if first, err := watch.Recv(); err != nil || first.GetFreshness() == nil {
		return errors.Join(errors.New("the till cannot watch"), err)
	}
	presented, err := s.till.PresentCard(ctx, &tillv1.PresentCardRequest{Caller: s.caller(), Identifier: scanned(card)})
	if err != nil {
		return err
	}
	d.blocks(nil, presented.GetCustomerDisplay(), nil)
	if presented.GetResult() != tillv1.PresentResult_PRESENT_RESULT_ACCEPTED {
		return fmt.Errorf("the till watches, and presenting a card answers %s", presented.GetResult())
	}
	d.say("… and the cashier sees, without asking:")
	told, err := watch.Recv()
	if err != nil {
		return err
	}
	return d.show(told.GetCard().GetAnswer(), nil)
}
