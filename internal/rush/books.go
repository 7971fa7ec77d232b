package rush

import (
	"fmt"
	"slices"
	"sync"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// fact is one receipt that a till made and that counts.
type fact struct {
	key   *outcomev1.ReceiptKey
	kind  outcomev1.ReceiptKind
	card  string // that was shown; empty for none
	lines []*outcomev1.Line
	total int64
	of    *fact // the receipt it brings goods back of, or voids
}

// books are what the tills did, in no order. They are safe for use by many goroutines.
type books struct {
	pointsPerEuro int64

	mu    sync.Mutex
	facts []*fact
	out   map[*fact]map[int32]int64 // pieces of a sale that customers still have, in thousandths, by line
}

func newBooks(pointsPerEuro int64) *books {
	return &books{pointsPerEuro: pointsPerEuro, out: map[*fact]map[int32]int64{}}
}

// add writes a receipt down.
func (b *books) add(f *fact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.facts = append(b.facts, f)
	if f.kind == outcomev1.ReceiptKind_RECEIPT_KIND_SALE && f.of == nil {
		b.out[f] = map[int32]int64{}
		for _, line := range f.lines {
			b.out[f][line.GetNo()] = line.GetQuantityMilli()
		}
	}
}

// take marks pieces of a sale's lines as brought back, at most what is out, and says how many were.
func (b *books) take(sale *fact, want func(line int32, out int64) int64) map[int32]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := map[int32]int64{}
	for _, line := range sale.lines {
		no := line.GetNo()
		if n := min(want(no, b.out[sale][no]), b.out[sale][no]); n > 0 {
			taken[no] = n
			b.out[sale][no] -= n
		}
	}
	return taken
}

// giveBack marks pieces as out again: their return was voided.
func (b *books) giveBack(sale *fact, pieces map[int32]int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line, n := range pieces {
		b.out[sale][line] += n
	}
}

// closed takes all that is left of a sale: nothing of it comes back any more.
func (b *books) closed(sale *fact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.out[sale])
}

// all are the facts so far.
func (b *books) all() []*fact {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.facts)
}

// pointsByCard adds up afresh what every card has earned and kept.
func pointsByCard(facts []*fact, perEuro int64) map[string]int64 {
	voided, backs := map[*fact]bool{}, map[*fact][]*fact{}
	for _, f := range facts {
		if f.of != nil {
			backs[f.of] = append(backs[f.of], f)
		}
		if f.kind == outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID {
			voided[f.of] = true
		}
	}
	points := map[string]int64{}
	for _, sale := range facts {
		if sale.kind != outcomev1.ReceiptKind_RECEIPT_KIND_SALE || sale.card == "" || voided[sale] {
			continue
		}
		_, perLine := award(sale.lines, perEuro)
		for i, line := range sale.lines {
			if line.GetQuantityMilli() <= 0 {
				continue
			}
			var back int64
			for _, f := range backs[sale] {
				if !voided[f] {
					back += broughtBack(f.lines, line.GetNo())
				}
			}
			points[sale.card] += perLine[i] - perLine[i]*back/line.GetQuantityMilli()
		}
	}
	return points
}

// broughtBack is how much of a line of the sale comes back on a receipt.
func broughtBack(lines []*outcomev1.Line, of int32) (pieces int64) {
	for _, line := range lines {
		if line.GetOriginalLine() == of && line.GetQuantityMilli() < 0 {
			pieces -= line.GetQuantityMilli()
		}
	}
	return pieces
}

// award is what a sale earns, and on which lines: so many points for every whole euro of merchandise that was bought, rounded down once. Every line
// gets the whole points it brought; what is left goes to the lines that were nearest to one more, the first of equals first.
func award(lines []*outcomev1.Line, perEuro int64) (points int64, perLine []int64) {
	perLine = make([]int64, len(lines))
	cents := make([]int64, len(lines))
	var sum int64
	for i, line := range lines {
		if line.GetQuantityMilli() > 0 && !line.GetNotMerchandise() {
			cents[i] = line.GetNetMinor() * perEuro
			sum += cents[i]
			perLine[i] = cents[i] / 100
		}
	}
	points = sum / 100
	for left := points; ; {
		var given int64
		for _, n := range perLine {
			given += n
		}
		if given >= left {
			return points, perLine
		}
		nearest := -1
		for i := range lines {
			if cents[i]%100 > 0 && (nearest < 0 || cents[i]%100 > cents[nearest]%100) {
				nearest = i
			}
		}
		perLine[nearest]++
		cents[nearest] = 0
	}
}

// name is a receipt's key as people write it.
func name(k *outcomev1.ReceiptKey) string {
	return fmt.Sprintf("%s/%s/%d/%s/%s", k.GetStore(), k.GetTill(), k.GetTillEpoch(), k.GetBusinessDate(), k.GetReceiptNo())
}
