package main

import (
	"context"
	"time"

	"google.golang.org/grpc/status"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/samplechain"
)

// magic is the till's service of a practice store.
type magic struct {
	tillv1.CheckoutServiceServer
	cards map[string]samplechain.MagicCard // by account_ref
}

// Lookup answers as the store does, and then does to the answer what the card is there to show.
func (m *magic) Lookup(ctx context.Context, request *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
	response, err := m.CheckoutServiceServer.Lookup(ctx, request)
	card, ok := m.cards[response.GetAccountRef()]
	if err != nil || !ok {
		return response, err
	}
	if card.Delay > 0 {
		wait := time.NewTimer(card.Delay)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
	}
	if card.Stale {
		response.GetMeta().Stale = true
	}
	return response, nil
}
