package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stamklant/stamklant/internal/office/inbox"
)

// TestDamagedBalances flips bits and empties pages: a cut gives the right balances or ErrDamaged, and never fewer in silence.
func TestDamagedBalances(t *testing.T) {
	path := file(t)
	cfg := inbox.Config{Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler), MapSize: 64 << 10}
	box, err := inbox.Open(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer("gent-1")
	for i := range 60 {
		s.receipt(t, sale(fmt.Sprint(i), account(i%20), int64(i)))
	}
	deliver(t, box, s.all())
	box.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	refused, noticed := 0, 0
	for n := range 600 {
		damaged := bytes.Clone(whole)
		at := 4*4096 + rng.IntN(len(damaged)-4*4096) // beyond meta pages and freelist: losing those loses a whole transaction, not a balance
		if n%4 == 0 {
			clear(damaged[at&^4095 : at&^4095+4096])
		} else {
			damaged[at] ^= 1 << rng.IntN(8)
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		sum, accounts, err := balances(path, cfg)
		switch {
		case errors.Is(err, errOpen):
			refused++
		case errors.Is(err, inbox.ErrDamaged):
			noticed++
		case err != nil:
			t.Errorf("fault %d: %v", n, err)
		case sum != 59*60/2 || accounts != 20:
			t.Errorf("fault %d: %d accounts with %d points, and no error", n, accounts, sum)
		}
	}
	t.Logf("600 faults: %d refused at open, %d noticed in the cut", refused, noticed)
	if noticed == 0 {
		t.Error("no fault was noticed: the test damages nothing")
	}
}

var errOpen = errors.New("refused at open")

func balances(path string, cfg inbox.Config) (sum int64, accounts int, err error) {
	box, err := inbox.Open(path, cfg)
	if err != nil {
		return 0, 0, errors.Join(errOpen, err)
	}
	defer box.Close()
	cut, err := box.Cut(context.Background())
	if err != nil {
		return 0, 0, err
	}
	defer cut.Close()
	for a, err := range cut.Accounts() {
		if err != nil {
			return 0, 0, err
		}
		accounts++
		sum += a.Points
	}
	return sum, accounts, nil
}
