package scoring

import (
	"context"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// ScoreOnly gives scores and segments, and nothing of what a run tells beyond them.
func ScoreOnly(ctx context.Context, w *warehouse.Warehouse, programme *programmev1.Programme, asOf int32, options Options) (*Run, error) {
	r, err := newRunner(programme, asOf, options)
	if err != nil {
		return nil, err
	}
	var run *Run
	err = w.Update(ctx, func(ctx context.Context, tx *warehouse.Tx) (err error) {
		r.tx = tx
		if run, err = r.run(ctx); err != nil {
			return err
		}
		return r.uncount(ctx)
	})
	return run, err
}
