package replica

import (
	"context"
	"time"
)

// newPace is called after each stretch of a build, and rests for a share of the time the stretch took, so that on a small machine the tills' questions
// are answered as fast as ever. nil means no rest.
func newPace(restPercent int) func(context.Context) error {
	if restPercent <= 0 {
		return nil
	}
	began := time.Now()
	return func(ctx context.Context) error {
		rest := time.NewTimer(time.Since(began) * time.Duration(restPercent) / 100)
		defer rest.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-rest.C:
		}
		began = time.Now()
		return nil
	}
}
