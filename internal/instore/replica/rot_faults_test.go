package replica_test

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// A bbolt page begins with its number (8 bytes), its kind (2), its number of elements (2) and how many more pages it runs on for (4).
const (
	rotPage    = 4096
	rotHeader  = 16
	rotElement = 16
)

// pageKind is what a page is, and so what a fault in it may do at worst.
type pageKind int

const (
	pageOther  pageKind = iota // free, or the list of free pages
	pageMeta                   // where the file begins
	pageBranch                 // leads to other pages
	pageRoots                  // a leaf that holds buckets, and so leads to other pages as well
	pageLeaf                   // holds keys and values
)

func (k pageKind) String() string {
	return [...]string{"other", "meta", "branch", "roots", "leaf"}[k]
}

// leads reports whether a page says where other pages are.
func (k pageKind) leads() bool { return k == pageMeta || k == pageBranch || k == pageRoots }

func kindOf(page []byte) pageKind {
	switch binary.LittleEndian.Uint16(page[8:]) {
	case 0x01:
		return pageBranch
	case 0x02:
		for i := range min(int(binary.LittleEndian.Uint16(page[10:])), (rotPage-rotHeader)/rotElement) {
			if binary.LittleEndian.Uint32(page[rotHeader+i*rotElement:])&1 != 0 {
				return pageRoots
			}
		}
		return pageLeaf
	case 0x04:
		return pageMeta
	default:
		return pageOther
	}
}

func pageAt(b []byte, n int) []byte { return b[n*rotPage : (n+1)*rotPage] }

// damagePages does one fault to a bbolt file: a bit in a page's header, in its table, in a key, in a value, anywhere; a stretch or a page of
// zeros; a page in another's place, or leading to itself; the end cut off. A third is aimed at the pages that lead to others. It says what kind of
// page was hit: the worse of the two, where one was put in another's place.
func damagePages(good []byte, random *rand.Rand) (bad []byte, hit pageKind, what string) {
	bad = slices.Clone(good)
	pages := len(bad) / rotPage
	aimed := random.IntN(3) == 0
	at := random.IntN(pages)
	for kind := kindOf(pageAt(bad, at)); kind.leads() != aimed || kind == pageOther && random.IntN(20) > 0; kind = kindOf(pageAt(bad, at)) {
		at = random.IntN(pages)
	}
	page := pageAt(bad, at)
	hit = kindOf(page)
	flip := func(from, length int) { page[from+random.IntN(length)] ^= 1 << random.IntN(8) }
	switch random.IntN(13) {
	case 0:
		clear(page)
		return bad, hit, "a zeroed page"
	case 12:
		if hit == pageBranch { // one of its elements names the page itself
			element := rotHeader + rotElement*random.IntN(max(1, int(binary.LittleEndian.Uint16(page[10:]))))
			copy(page[element+8:element+rotElement], page[:8])
			return bad, hit, "a page that leads to itself"
		}
	case 1:
		from := pageAt(bad, random.IntN(pages))
		if kind := kindOf(from); kind.leads() {
			hit = kind
		}
		copy(page, from)
		return bad, hit, "a doubled page"
	case 2:
		length := 1 + random.IntN(512)
		clear(page[random.IntN(rotPage-length):][:length])
		return bad, hit, "a stretch of zeros"
	case 3:
		return bad[:at*rotPage+random.IntN(rotPage)], hit, "the end cut off"
	case 4:
		flip(0, rotHeader)
		return bad, hit, "a bit of a header"
	case 5, 6:
		elements := max(1, min(int(binary.LittleEndian.Uint16(page[10:])), (rotPage-rotHeader)/rotElement))
		flip(rotHeader, elements*rotElement)
		return bad, hit, "a bit of a table"
	case 7, 8:
		if from, length := keyIn(page, random); length > 0 {
			flip(from, length)
			return bad, hit, "a bit of a key"
		}
	}
	flip(0, rotPage)
	return bad, hit, "a bit"
}

// keyIn finds one of a page's keys; length 0 when it has none.
func keyIn(page []byte, random *rand.Rand) (from, length int) {
	n := int(binary.LittleEndian.Uint16(page[10:]))
	if n == 0 || n > (rotPage-rotHeader)/rotElement {
		return 0, 0
	}
	element := rotHeader + random.IntN(n)*rotElement
	switch kindOf(page) {
	case pageBranch:
		from, length = int(binary.LittleEndian.Uint32(page[element:])), int(binary.LittleEndian.Uint32(page[element+4:]))
	case pageRoots, pageLeaf:
		from, length = int(binary.LittleEndian.Uint32(page[element+4:])), int(binary.LittleEndian.Uint32(page[element+8:]))
	case pageMeta, pageOther:
	}
	if from += element; length <= 0 || from+length > rotPage {
		return 0, 0
	}
	return from, length
}

// damageText does one fault to a short file: a bit, a stretch of zeros, the end cut off, all gone, or twice.
func damageText(good []byte, random *rand.Rand) (bad []byte, what string) {
	bad = slices.Clone(good)
	switch random.IntN(5) {
	case 0:
		at := random.IntN(len(bad))
		clear(bad[at : at+1+random.IntN(len(bad)-at)])
		return bad, "zeros"
	case 1:
		return bad[:random.IntN(len(bad))], "the end cut off"
	case 2:
		return append(bad, good...), "doubled"
	default:
		bad[random.IntN(len(bad))] ^= 1 << random.IntN(8)
		return bad, "a bit"
	}
}
