package journal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stamklant/stamklant/internal/instore/journal"
)

// clocks are a wall clock that anybody can set and one that nobody can.
type clocks struct {
	wall    time.Time
	elapsed time.Duration
}

func (c *clocks) config() journal.Config {
	cfg := config()
	cfg.Now = func() time.Time { return c.wall }
	cfg.Elapsed = func() time.Duration { return c.elapsed }
	return cfg
}

func (c *clocks) pass(d time.Duration) {
	c.wall = c.wall.Add(d)
	c.elapsed += d
}

// TestClock sets the wall clock every way there is, and holds what the journal makes of it against DESIGN's bounds.
func TestClock(t *testing.T) {
	t.Parallel()
	signed := time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name    string
		wall    time.Time
		suspect bool
	}{
		{"right", signed, false},
		{"a minute behind", signed.Add(-time.Minute), false},
		{"two minutes behind", signed.Add(-2 * time.Minute), false},
		{"just more than two minutes behind", signed.Add(-2*time.Minute - time.Nanosecond), true},
		{"a day ahead", signed.Add(24 * time.Hour), false},
		{"36 hours ahead", signed.Add(36 * time.Hour), false},
		{"just more than 36 hours ahead", signed.Add(36*time.Hour + time.Nanosecond), true},
		{"two days ahead", signed.AddDate(0, 0, 2), true},
		{"two years ahead", signed.AddDate(2, 0, 0), true},
		{"two years behind", signed.AddDate(-2, 0, 0), true},
		{"1970", time.Unix(0, 0), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := &clocks{wall: tc.wall}
			j := openWith(t, file(t), c.config())
			if got := j.Time(); got.Suspect || !got.Trusted.IsZero() {
				t.Errorf("before anybody vouched for a time: %+v", got)
			}
			if err := j.RaiseFloor(t.Context(), signed); err != nil {
				t.Fatal(err)
			}
			got := j.Time()
			if got.Suspect != tc.suspect || !got.Trusted.Equal(signed) || !got.Wall.Equal(tc.wall) {
				t.Errorf("%+v, want suspect %v", got, tc.suspect)
			}
		})
	}
}

// TestTrustedTimeGoesOn: it runs by the clock nobody sets, rises with every word of head office, never falls, and survives a restart.
func TestTrustedTimeGoesOn(t *testing.T) {
	t.Parallel()
	signed := time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC)
	c, path := &clocks{wall: signed, elapsed: time.Hour}, file(t)
	j := openWith(t, path, c.config())
	trust := func(want time.Time, suspect bool) {
		t.Helper()
		if got := j.Time(); !got.Trusted.Equal(want) || got.Suspect != suspect {
			t.Fatalf("%+v, want %v, suspect %v", got, want, suspect)
		}
	}
	if err := j.RaiseFloor(t.Context(), signed); err != nil {
		t.Fatal(err)
	}
	c.pass(7 * 24 * time.Hour) // a week without head office: nothing becomes suspect by itself
	trust(signed.AddDate(0, 0, 7), false)
	c.wall = time.Unix(0, 0)
	trust(signed.AddDate(0, 0, 7), true)
	if err := j.SetContact(t.Context(), signed.AddDate(0, 0, 3)); err != nil { // an earlier time changes nothing
		t.Fatal(err)
	}
	trust(signed.AddDate(0, 0, 7), true)
	if err := j.SetContact(t.Context(), signed.AddDate(0, 0, 9)); err != nil {
		t.Fatal(err)
	}
	trust(signed.AddDate(0, 0, 9), true)
	j.Close()
	c.elapsed = 5 * time.Second // another process
	j = openWith(t, path, c.config())
	trust(signed.AddDate(0, 0, 9), true)
	c.wall = signed.AddDate(0, 0, 9)
	trust(signed.AddDate(0, 0, 9), false)
}

// TestBothTimesAreKept: a receipt taken under a wrong clock carries what that said and what was trusted, and ages by the latter.
func TestBothTimesAreKept(t *testing.T) {
	t.Parallel()
	signed := time.Date(2026, 3, 14, 6, 0, 0, 0, time.UTC)
	for _, wall := range []time.Time{time.Unix(0, 0).UTC(), signed.AddDate(-2, 0, 0), signed.AddDate(2, 0, 0)} {
		t.Run(fmt.Sprint(wall.Year()), func(t *testing.T) {
			t.Parallel()
			c := &clocks{wall: signed}
			j := openWith(t, file(t), c.config())
			if err := j.RaiseFloor(t.Context(), signed); err != nil {
				t.Fatal(err)
			}
			record(t, j, request("right", subject(1), 1))
			c.wall = wall
			record(t, j, request("wrong", subject(1), 2))
			if err := j.View(func(v *journal.View) error {
				right, err := v.Receipt(request("right", subject(1), 1).Key)
				if err != nil {
					return err
				}
				if right.Sale.GetTrustedAt() != nil {
					t.Error("a right clock needs no second time")
				}
				wrong, err := v.Receipt(request("wrong", subject(1), 2).Key)
				if err != nil {
					return err
				}
				if !wrong.Sale.GetRecordedAt().AsTime().Equal(wall) || !wrong.Sale.GetTrustedAt().AsTime().Equal(signed) {
					t.Errorf("recorded at %v, trusted at %v", wrong.Sale.GetRecordedAt().AsTime(), wrong.Sale.GetTrustedAt().AsTime())
				}
				if !wrong.RecordedAt.Equal(signed) {
					t.Errorf("ages from %v", wrong.RecordedAt)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}
