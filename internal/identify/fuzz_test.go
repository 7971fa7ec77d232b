package identify_test

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"

	"github.com/stamklant/stamklant/internal/identify"
)

// maxAllocated bounds what one reading may allocate.
const maxAllocated = 64 << 10

var hostile = []string{
	"2900123456785", "]E02900123456785", `éçàà&é"'(-è_(`, "]C18018871234500000123453", ";9528234000001239=2912?", "+31 6 1234 5678",
	"Jan@Example.nl", "3511 ab 12-a", "https://delinde.example/k/2900123456785?x", "https://id.gs1.org/8018/871234500000123453",
	strings.Repeat("\ufdfa", 170), strings.Repeat("]C1", 170), strings.Repeat("/8018", 100), "\x1d" + strings.Repeat("10", 255),
	"+" + strings.Repeat("1", 31), "+883510012345678", "+290" + strings.Repeat("9", 10), strings.Repeat("e\u0301", 170), "\xff\xfe29", "+49 30 123456789", "+1 212 555 0100",
	"https://delinde.example/k/%e2%82", strings.Repeat("(", 512), strings.Repeat("@", 512), "a@" + strings.Repeat("b.", 255),
}

func FuzzRead(f *testing.F) {
	for _, raw := range hostile {
		f.Add([]byte(raw))
	}
	rules := shop(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := rules.Read(raw)
		if again := rules.Read(raw); again != got {
			t.Fatalf("%q is read as %+v, then as %+v", raw, got, again)
		}
		if got.Outcome == identify.NotACard || got.Outcome == identify.BadCheckDigit {
			if got.Canonical != "" || got.Masked != "" || got.Issued {
				t.Fatalf("%q is no identifier and yet %+v", raw, got)
			}
			return
		}
		if got.Canonical == "" || got.Namespace == "" || len(got.Canonical) > identify.MaxBytes {
			t.Fatalf("%q has the canonical form %q in %q", raw, got.Canonical, got.Namespace)
		}
		if !utf8.ValidString(got.Canonical) || strings.ContainsRune(got.Canonical, 0) {
			t.Fatalf("%q has a canonical form that no receipt can hold: %q", raw, got.Canonical)
		}
		if shown := utf8.RuneCountInString(got.Masked) - 1; shown > 4 || shown > utf8.RuneCountInString(got.Canonical)/2 {
			t.Fatalf("%q shows %d of %d characters", raw, shown, utf8.RuneCountInString(got.Canonical))
		}
	})
}

// TestAllocation reads what a stranger may send and looks at what a reading takes. The first reading of a foreign country's number
// compiles patterns once for the life of the process; that is the process's, not the reading's.
func TestAllocation(t *testing.T) {
	rules := shop(t)
	scans := slices.Clone(hostile)
	for region := range phonenumbers.GetSupportedRegions() {
		if example := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE); example != nil {
			number := phonenumbers.Format(example, phonenumbers.E164)
			scans = append(scans, number, number[:len(number)-4]+"0000", number[:len(number)-4]+"9876", number+"1")
		}
	}
	most := uint64(0)
	for _, raw := range scans {
		least := uint64(math.MaxUint64)
		for range 3 {
			least = min(least, allocated(func() { rules.Read([]byte(raw)) }))
		}
		most = max(most, least)
		if least > maxAllocated {
			t.Errorf("%.40q took %d bytes, at most %d are allowed", raw, least, maxAllocated)
		}
	}
	t.Logf("%d scans, the one that took most took %d bytes", len(scans), most)
}

// allocated is the number of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func BenchmarkRead(b *testing.B) {
	rules := shop(b)
	for _, raw := range []string{"2900123456785", "]E02900123456785\r\n", `éçàà&é"'(-è_(`, "06-12345678"} {
		b.Run(raw[:4], func(b *testing.B) {
			scan := []byte(raw)
			b.ReportAllocs()
			for b.Loop() {
				rules.Read(scan)
			}
		})
	}
}
