package journal

import "time"

// How far the wall clock may be from trusted time. A till's day may begin a minute early, and a server may have been switched off over a day on which
// the shop was closed: monotonic time stands still then.
const (
	maxBehind = 2 * time.Minute
	maxAhead  = 36 * time.Hour
)

// Clock is what time it is, and whether that can be.
type Clock struct {
	// Wall is the machine's clock.
	Wall time.Time
	// Trusted is the latest time somebody vouched for, by a signature or in person, and what went by since on a clock nobody sets; zero when nobody
	// ever has. It never goes back, and across a restart it stands still while the server is off.
	Trusted time.Time
	// Suspect says that the two are too far apart. Lookups, earning and recording go on; what rests on dates and hours does not, and nothing is
	// purged.
	Suspect bool
}

// Best is the wall clock, or trusted time while that is suspect.
func (c Clock) Best() time.Time {
	if c.Suspect {
		return c.Trusted
	}
	return c.Wall
}

// anchor is a moment at which trusted time was known.
type anchor struct {
	trusted time.Time
	elapsed time.Duration
}

// Time tells what time it is. It reads no disk.
func (j *Journal) Time() Clock {
	c := Clock{Wall: j.cfg.Now(), Trusted: j.trustedNow()}
	c.Suspect = !c.Trusted.IsZero() && (c.Wall.Before(c.Trusted.Add(-maxBehind)) || c.Wall.After(c.Trusted.Add(maxAhead)))
	return c
}

func (j *Journal) trustedNow() time.Time {
	a := j.sure.Load()
	if a == nil {
		return time.Time{}
	}
	return a.trusted.Add(j.cfg.Elapsed() - a.elapsed)
}

// trustTime raises trusted time to the floor; it never lowers it.
func (j *Journal) trustTime(c clocks) {
	floor := fromNano(c.floor)
	for {
		a := j.sure.Load()
		if floor.IsZero() || a != nil && !floor.After(j.trustedNow()) {
			return
		}
		if j.sure.CompareAndSwap(a, &anchor{floor, j.cfg.Elapsed()}) {
			return
		}
	}
}
