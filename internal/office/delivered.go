package office

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/inbox"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// takeDelivered brings what stores delivered since the last time into the warehouse, so that scoring sees it.
func (o *Office) takeDelivered(ctx context.Context, p *programmev1.Programme, to hub.Terminal) error {
	if err := o.settle(ctx, p.GetTiers()); err != nil {
		return err
	}
	through, err := o.warehouse.DeliveredThrough(ctx)
	if err != nil {
		return err
	}
	zone, err := storeZones(p)
	if err != nil {
		return err
	}
	cut, err := o.inbox.Cut(ctx)
	if err != nil {
		return err
	}
	report, err := o.warehouse.AddDelivered(ctx, warehouse.DeliveredRequest{
		Receipts: delivered(cut, through), Decimals: p.GetCurrencyDecimals(), Zone: zone,
	})
	if err := errors.Join(err, cut.Close()); err != nil {
		return err
	}
	if report.Added > 0 {
		fmt.Fprintf(to, "%d receipts came in from stores, %d of them also in a list.\n", report.Added, report.Imported)
	}
	return nil
}

// delivered yields the receipts of a cut that the warehouse has not had.
func delivered(cut *inbox.Cut, through map[warehouse.Journal]uint64) iter.Seq2[warehouse.Delivered, error] {
	after := func(server string, incarnation [16]byte) uint64 {
		return through[warehouse.Journal{ServerID: server, Incarnation: incarnation}]
	}
	return func(yield func(warehouse.Delivered, error) bool) {
		for r, err := range cut.Receipts(after) {
			if !yield(warehouse.Delivered{
				Journal:  warehouse.Journal{ServerID: r.ServerID, Incarnation: r.Incarnation},
				Sequence: r.Sequence, AccountID: r.Account, Receipt: r.Receipt,
			}, err) || err != nil {
				return
			}
		}
	}
}

// storeZones tells the time zone of a store.
func storeZones(p *programmev1.Programme) (func(store string) *time.Location, error) {
	chain, err := time.LoadLocation(p.GetTimeZone())
	if err != nil {
		return nil, err
	}
	zones := map[string]*time.Location{}
	for _, s := range p.GetStores() {
		if s.GetTimeZone() == "" {
			continue
		}
		if zones[s.GetCode()], err = time.LoadLocation(s.GetTimeZone()); err != nil {
			return nil, err
		}
	}
	return func(store string) *time.Location {
		if zone, ok := zones[store]; ok {
			return zone
		}
		return chain
	}, nil
}
