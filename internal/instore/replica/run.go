package replica

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/stamklant/stamklant/internal/instore/generation"
)

// Run follows head office until ctx ends: it asks every interval, and when woken. What fails is logged once, and again only when something else fails.
// The lane is asked for as often, in a goroutine of its own, so that no urgent word waits for a release that is being built. Files are read for bit rot soon after the start, then every [Config.ScrubEvery]; one found damaged is replaced at once.
func (r *Replica) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	beside.Go(func() { r.scrub(ctx) })
	beside.Go(func() { r.runLane(ctx) })
	defer beside.Wait()
	said := ""
	for {
		if r.config.Source != nil || r.hasBrought() {
			_, err := r.Apply(ctx)
			said = r.say(ctx, said, err)
		}
		wait := time.NewTimer(jitter(r.config.Interval))
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		case <-r.wake:
			wait.Stop()
		case <-r.damage:
			wait.Stop()
			r.mu.Lock()
			r.heal(ctx)
			r.mu.Unlock()
		}
	}
}

// say logs what keeps the replica from following, once, and that it follows again.
func (r *Replica) say(ctx context.Context, said string, err error) string {
	switch {
	case ctx.Err() != nil:
		return said
	case err != nil && err.Error() != said:
		r.config.Logger.LogAttrs(ctx, slog.LevelError, "cannot follow head office, the release at hand goes on serving", slog.String("error", err.Error()))
		return err.Error()
	case err == nil && said != "":
		r.config.Logger.LogAttrs(ctx, slog.LevelInfo, "follows head office again")
		return ""
	}
	return said
}

// jitter spreads the stores of a chain over time: 80 to 120 % of an interval.
func jitter(interval time.Duration) time.Duration {
	return interval*4/5 + rand.N(interval*2/5+1) //nolint:gosec // no secret
}

// scrub reads the file that serves whole, first after a start that trusted it, then now and then.
func (r *Replica) scrub(ctx context.Context) {
	for {
		if release, done, ok := r.active.Acquire(); ok {
			err := release.File().Check(ctx)
			done()
			if errors.Is(err, generation.ErrDamaged) {
				select {
				case r.damage <- struct{}{}:
				default:
				}
			}
		}
		wait := time.NewTimer(r.config.ScrubEvery)
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
	}
}

// heal is run once a record was found damaged: when the file differs from what was built, the newest release with another file serves instead, until
// [Replica.Apply] has built this one anew.
func (r *Replica) heal(ctx context.Context) {
	if r.file == nil || !r.file.Damaged() {
		return
	}
	bad := r.file.Info().Name
	err := r.file.Check(ctx)
	if ctx.Err() != nil {
		return
	}
	r.config.Logger.LogAttrs(ctx, slog.LevelError, "generation file is damaged and will be built anew",
		slog.String("file", bad), slog.Bool("digest_differs", err != nil))
	if err == nil {
		return // a record is not what it was, the rest is: the file goes on serving until the new one is there
	}
	for i, k := range r.kept {
		if k.file == bad {
			continue
		}
		f, err := r.find(k.digest)
		if err == nil {
			err = r.serveFound(ctx, f, true)
		}
		if err != nil {
			r.config.Logger.LogAttrs(ctx, slog.LevelError, "release cannot be stepped back to",
				slog.Uint64("version", k.version), slog.String("error", err.Error()))
			continue
		}
		r.active.DropPrevious()
		r.kept = slices.Clone(r.kept[i:])
		if err := errors.Join(r.folder.SetCurrent(k.digest), r.tidy(ctx)); err != nil {
			r.config.Logger.LogAttrs(ctx, slog.LevelError, "damaged release stays on the disk", slog.String("error", err.Error()))
		}
		return
	}
	r.config.Logger.LogAttrs(ctx, slog.LevelError, "no other release to step back to: what can be read of this one serves", slog.String("file", bad))
}
