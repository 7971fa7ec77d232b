package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stamklant/stamklant/internal/instore/journal"
)

const pageSize = 4096

// faults are what a bad disk does to a file. Each changes a copy in place and may shorten it.
var faults = []struct {
	name string
	do   func(rng *rand.Rand, b []byte) []byte
}{
	{"a bit", func(rng *rand.Rand, b []byte) []byte {
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		return b
	}},
	{"a zeroed page", func(rng *rand.Rand, b []byte) []byte {
		clear(page(b, rng))
		return b
	}},
	{"a page in another's place", func(rng *rand.Rand, b []byte) []byte {
		copy(page(b, rng), page(b, rng))
		return b
	}},
	{"a page of noise", func(rng *rand.Rand, b []byte) []byte {
		for i, p := 0, page(b, rng); i < len(p); i++ {
			p[i] = byte(rng.Uint32())
		}
		return b
	}},
	{"half a page of zeros", func(rng *rand.Rand, b []byte) []byte {
		clear(page(b, rng)[pageSize/2:])
		return b
	}},
	{"the end is missing", func(rng *rand.Rand, b []byte) []byte { return b[:rng.IntN(len(b))] }},
}

func page(b []byte, rng *rand.Rand) []byte {
	at := rng.IntN(len(b)/pageSize) * pageSize
	return b[at : at+pageSize]
}

// damageable is a journal with 60 receipts on 12 accounts, most of its pages in use.
func damageable(t *testing.T, path string, cfg journal.Config) []byte {
	t.Helper()
	j := openWith(t, path, cfg)
	for i := range 60 {
		record(t, j, request(fmt.Sprint(i), subject(i%12), 1<<(i/12)))
	}
	j.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// look asks what tills ask: the points of every account, of one without any, every receipt, one that never was, the rows that wait. It returns
// what differs from the truth, and the first error.
func look(j *journal.Journal) (wrong []string, err error) {
	err = j.View(func(v *journal.View) error {
		var first error
		note := func(err error) bool {
			if first == nil {
				first = err
			}
			return err == nil
		}
		for n := range 14 {
			want := int64(31)
			if n >= 12 {
				want = 0
			}
			if got, err := v.LocalPoints(subject(n), nothingCounted); note(err) && got != want {
				wrong = append(wrong, fmt.Sprintf("account %d has %d points", n, got))
			}
		}
		for n := range 61 {
			st, err := v.Receipt(fmt.Append(nil, "key of ", n))
			switch {
			case errors.Is(err, journal.ErrNotFound):
				if n < 60 {
					wrong = append(wrong, fmt.Sprintf("receipt %d is not found", n))
				}
			case note(err) && (n == 60 || string(st.Answer) != fmt.Sprintf("%d points on %d", 1<<(n/12), n)):
				wrong = append(wrong, fmt.Sprintf("receipt %d answers %q", n, st.Answer))
			}
		}
		return first
	})
	batch, rowsErr := j.Rows(100, 1<<20)
	if rowsErr == nil && len(batch.Rows) != 60 {
		wrong = append(wrong, fmt.Sprintf("%d rows go up", len(batch.Rows)))
	}
	return wrong, errors.Join(err, rowsErr)
}

// TestDamage does one fault at a time to the file: whatever is then read is right or ErrDamaged. A file that opens in an older state of its
// own (the newest meta page is lost) is noticed by its seal and begins a new incarnation.
func TestDamage(t *testing.T) {
	path := file(t)
	cfg := config()
	cfg.MapSize = 64 << 10 // a small file, so that most faults matter
	whole := damageable(t, path, cfg)
	seal, err := os.ReadFile(path + ".seal")
	if err != nil {
		t.Fatal(err)
	}
	for n, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(n)))
			refused, noticed, older, harmless := 0, 0, 0, 0
			for range 150 {
				write(t, path, fault.do(rng, bytes.Clone(whole)))
				write(t, path+".seal", seal)
				j, err := journal.Open(path, cfg)
				if err != nil {
					refused++
					if !errors.Is(err, journal.ErrDamaged) && !errors.Is(err, journal.ErrNewer) {
						t.Errorf("refused with %v", err)
					}
					continue
				}
				wrong, err := look(j)
				_, why := j.Born()
				switch {
				case why == journal.Restored:
					older++
				case len(wrong) > 0:
					t.Errorf("wrong: %s (%v)", wrong, err)
				case errors.Is(err, journal.ErrDamaged):
					noticed++
				case err != nil:
					t.Errorf("read with %v", err)
				default:
					harmless++
				}
				j.Close()
			}
			t.Logf("150 faults: %d refused at open, %d noticed when read, %d in an older state, %d harmless", refused, noticed, older, harmless)
			if refused+noticed == 0 {
				t.Error("no fault was noticed: the test damages nothing")
			}
		})
	}
}
