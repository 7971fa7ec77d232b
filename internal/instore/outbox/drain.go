package outbox

import (
	"context"
	"errors"
	"fmt"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// Drain is delivery the other way round: somebody from head office comes for the rows. It settles first what head office said to those handed out
// before, then hands out the next. It may be used while Run delivers: what both deliver, head office takes once. Errors are the journal's.
func (o *Outbox) Drain(ctx context.Context, req *syncv1.DrainRequest) (*syncv1.DrainResponse, error) {
	if err := o.settle(ctx, req); err != nil {
		return nil, err
	}
	out := &syncv1.DrainResponse{}
	if req.GetMaxRows() > 0 {
		batch, err := o.cfg.Journal.Rows(int(req.GetMaxRows()), MaxBytes)
		if err != nil {
			return nil, err
		}
		if len(batch.Rows) > 0 {
			out.Batch = &syncv1.DeliverRequest{
				ServerId: o.cfg.ServerID, Incarnation: batch.Incarnation[:], ChainBefore: batch.ChainBefore[:], Rows: batch.Rows, First: batch.First,
			}
		}
	}
	waiting, err := o.cfg.Journal.Waiting()
	out.Waiting = waiting
	return out, err
}

// ErrSettle is returned when a settlement names no incarnation, or no chain.
var ErrSettle = errors.New("a settlement names its incarnation and head office's chain")

func (o *Outbox) settle(ctx context.Context, req *syncv1.DrainRequest) error {
	if req.GetSettle() == nil {
		return nil
	}
	if len(req.GetIncarnation()) != 16 {
		return ErrSettle
	}
	incarnation := [16]byte(req.GetIncarnation())
	switch settle := req.GetSettle().(type) {
	case *syncv1.DrainRequest_Taken:
		if len(settle.Taken.GetChain()) != 32 {
			return ErrSettle
		}
		return o.taken(ctx, incarnation, settle.Taken.GetThrough(), [32]byte(settle.Taken.GetChain()))
	case *syncv1.DrainRequest_Forked:
		agreed, sum := settle.Forked.GetAgreed(), [32]byte{}
		if copy(sum[:], settle.Forked.GetChain()); len(settle.Forked.GetChain()) != len(sum) {
			agreed = 0
		}
		o.forks.Add(1)
		return o.cfg.Journal.Fork(ctx, incarnation, agreed, sum)
	case *syncv1.DrainRequest_Gap:
		if incarnation != o.cfg.Journal.Incarnation() {
			return nil // that life has ended; what waits was numbered anew
		}
		return o.cfg.Journal.Rewind(ctx, settle.Gap.GetThrough())
	}
	return fmt.Errorf("%w: this version does not know the one that came", ErrSettle)
}

// taken confirms rows. Head office that holds more than was ever recorded here, or something else, has it from a twin of this journal.
func (o *Outbox) taken(ctx context.Context, incarnation [16]byte, through uint64, sum [32]byte) error {
	before, err := o.cfg.Journal.Waiting()
	if err != nil {
		return err
	}
	err = o.cfg.Journal.Confirm(ctx, incarnation, through, sum)
	switch {
	case errors.Is(err, journal.ErrStale):
		return nil
	case errors.Is(err, journal.ErrForked):
		o.forks.Add(1)
		return o.cfg.Journal.Fork(ctx, incarnation, through, sum)
	case err != nil:
		return err
	}
	if after, err := o.cfg.Journal.Waiting(); err == nil && after < before {
		o.delivered.Add(before - after)
		o.lastDelivered.Store(o.cfg.Now().UnixNano())
	}
	return nil
}
