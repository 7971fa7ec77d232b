package replica

import (
	"context"
	"time"
)

// shortest is the least a build rests at once: what is less is put off to the next time, for a timer is not more exact.
const shortest = 2 * time.Millisecond

// newPace is called again and again during a build, and rests for a share of the time that was worked, so that on a small machine the tills' questions
// are answered as fast as ever. nil means no rest.
func newPace(restPercent int) func(context.Context) error {
	if restPercent <= 0 {
		return nil
	}
	began, owed := time.Now(), time.Duration(0)
	return func(ctx context.Context) error {
		now := time.Now()
		owed += now.Sub(began) * time.Duration(restPercent) / 100
		if began = now; owed < shortest {
			return ctx.Err()
		}
		rest := time.NewTimer(owed)
		defer rest.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-rest.C:
		}
		began = time.Now()
		owed -= began.Sub(now) // a timer that rings late has rested in advance
		return nil
	}
}
