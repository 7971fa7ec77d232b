package journal

import (
	"context"
	"fmt"
	"time"
)

// load reads what is kept in memory besides: lives, trust and what the lane said.
func (j *Journal) load() error {
	return j.View(func(v *View) error {
		l, err := v.freshLives()
		if err != nil {
			return err
		}
		if err := v.scan(inWallets, nil, func(_, _ []byte) (bool, error) {
			j.coupons.Store(true)
			return false, nil
		}); err != nil {
			return err
		}
		b, err := v.metaRow(keyTrust)
		if err != nil {
			return err
		}
		t, err := decodeTrust(b)
		if err != nil {
			return fmt.Errorf("%w: its trust: %w", ErrDamaged, err)
		}
		c, err := v.clocks()
		if err != nil {
			return err
		}
		j.trustTime(c)
		j.lives.Store(newHistory(l))
		j.trust.Store(&t)
		j.size.Store(v.tx.Size())
		if _, err = v.marks(); err != nil {
			return err
		}
		o, err := v.readOverlay()
		j.overlay.Store(o)
		return err
	})
}

// TrustedVersion is the newest manifest version this server ever took; 0 before the first. It survives a restore.
func (j *Journal) TrustedVersion() uint64 { return j.trust.Load().version }

// TrustedManifest is TrustedVersion with the digest of that manifest.
func (j *Journal) TrustedManifest() (version uint64, digest [32]byte) {
	t := j.trust.Load()
	return t.version, t.digest
}

// SetTrustedVersion remembers, on disk, that a manifest was taken. The same again is harmless; ErrRollback when a newer version, or another
// manifest of this version, was taken before.
func (j *Journal) SetTrustedVersion(ctx context.Context, version uint64, digest [32]byte) error {
	had := j.trust.Load()
	if version == had.version && digest == had.digest {
		return nil
	}
	if version <= had.version {
		return fmt.Errorf("%w: version %d, offered %d", ErrRollback, had.version, version)
	}
	next := trust{version, digest}
	err := j.seal.change(func(s *shown) bool {
		if s.trust.version >= version {
			return false
		}
		s.trust = next
		return true
	})
	if err != nil {
		return err
	}
	return j.keepTrustFor(ctx, next)
}

func (j *Journal) keepTrust(t trust) error { return j.keepTrustFor(context.Background(), t) }

func (j *Journal) keepTrustFor(ctx context.Context, t trust) error {
	err := j.update(ctx, func(w *writer) error {
		b, err := w.metaRow(keyTrust)
		if err != nil {
			return err
		}
		had, err := decodeTrust(b)
		if err != nil {
			return fmt.Errorf("%w: its trust: %w", ErrDamaged, err)
		}
		if had.version > t.version {
			return fmt.Errorf("%w: version %d, offered %d", ErrRollback, had.version, t.version)
		}
		return w.put(inMeta, keyTrust, t.encode())
	})
	if err == nil {
		j.trust.Store(&t)
	}
	return err
}

// Times returns the floor of trusted time, below which it never goes, and when head office last answered by its own clock. Zero times
// when there was none.
func (j *Journal) Times() (floor, contact time.Time, err error) {
	err = j.View(func(v *View) error {
		c, err := v.clocks()
		floor, contact = fromNano(c.floor), fromNano(c.contact)
		return err
	})
	return floor, contact, err
}

// SetContact remembers that head office answered, and its time; the floor of trusted time rises with it.
func (j *Journal) SetContact(ctx context.Context, at time.Time) error {
	return j.setClocks(ctx, func(c *clocks) {
		c.contact = at.UnixNano()
		c.floor = max(c.floor, at.UnixNano())
	})
}

// RaiseFloor raises the floor of trusted time, as a verified manifest does. It never lowers it.
func (j *Journal) RaiseFloor(ctx context.Context, at time.Time) error {
	return j.setClocks(ctx, func(c *clocks) { c.floor = max(c.floor, at.UnixNano()) })
}

func (j *Journal) setClocks(ctx context.Context, change func(*clocks)) error {
	var c clocks
	err := j.update(ctx, func(w *writer) (err error) {
		if c, err = w.clocks(); err != nil {
			return err
		}
		was := c
		if change(&c); c == was {
			return nil
		}
		return w.put(inMeta, keyClocks, c.encode())
	})
	if err == nil {
		j.trustTime(c)
	}
	return err
}

func (v *View) clocks() (clocks, error) {
	b, err := v.metaRow(keyClocks)
	if err != nil {
		return clocks{}, err
	}
	c, err := decodeClocks(b)
	if err != nil {
		return clocks{}, fmt.Errorf("%w: its clocks: %w", ErrDamaged, err)
	}
	return c, nil
}

func fromNano(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
