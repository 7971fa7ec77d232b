package groupcommit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// A page begins with its number (8 bytes), its kind (2), its number of elements (2) and how many more pages it runs on for (4). Numbers are
// as the processor writes them.
const (
	pageHeader = 16
	elementLen = 16
	// bucketHeader is the number of a bucket's root page, 0 when the bucket follows at once, and a sequence.
	bucketHeader = 16

	kindBranch   = 0x01
	kindLeaf     = 0x02
	kindFreelist = 0x10

	bucketLeaf = 0x01       // flag of a leaf's element that is a bucket
	noFreelist = ^uint64(0) // where the list of free pages would be, in a file that is written without
	manyFree   = 0xFFFF     // so many elements in a list of free pages: the number stands in the first

	// maxDepth is more levels than a file of any size has: each level has at least twice the pages of the one above.
	maxDepth = 48
	// maxRun is how many more pages a branch page may run on for: its keys are names of buckets and ids, and two of the longest fit in far less.
	maxRun = 64
)

// A tree is what there is to know of a file's pages before bbolt follows them. bbolt follows what a page says without asking where it leads:
// into a circle until the process's stack or memory ends, which nothing in the process can catch.
type tree struct {
	file     io.ReaderAt
	pageSize uint64
	end      uint64 // the first page number that is not in use
	root     uint64
	free     uint64 // where the list of free pages is
	seen     []uint64
}

// checkTree reads the pages that lead to others, each once, and answers ErrDamaged when following them would not end, would leave the file, or
// lead to a page that is free: pages are what they say they are, no two lead to the same one, and their keys rise from page to page. It does
// not read the pages that hold the values, but for the directory of buckets, so that its cost is about a hundredth of the file.
func checkTree(file io.ReaderAt, size int64, pageSize int) error {
	t := &tree{file: file, pageSize: uint64(pageSize)}
	if err := t.readMeta(); err != nil {
		return err
	}
	if t.end > uint64(size)/t.pageSize {
		return fmt.Errorf("%w: it ends at byte %d, before its last page, %d", ErrDamaged, size, t.end-1)
	}
	t.seen = make([]uint64, t.end/64+1)
	if err := t.readFree(); err != nil {
		return err
	}
	return t.walk(t.root, 0, level{leaves: unread})
}

// readMeta finds where the tree begins: the newer of the two beginnings, if it holds, as bbolt does.
func (t *tree) readMeta() error {
	newest := uint64(0)
	for page := range uint64(2) {
		b := make([]byte, pageHeader+64)
		if _, err := t.file.ReadAt(b, int64(page*t.pageSize)); err != nil {
			return fmt.Errorf("%w: page %d: %w", ErrDamaged, page, err)
		}
		m := b[pageHeader:]
		sum := fnv.New64a()
		sum.Write(m[:56])
		if binary.NativeEndian.Uint64(m[56:]) != sum.Sum64() {
			continue
		}
		if txid := binary.NativeEndian.Uint64(m[48:]); t.end == 0 || txid > newest {
			newest, t.root = txid, binary.NativeEndian.Uint64(m[16:])
			t.free, t.end = binary.NativeEndian.Uint64(m[32:]), binary.NativeEndian.Uint64(m[40:])
		}
	}
	if t.end == 0 {
		return fmt.Errorf("%w: neither of its two beginnings holds", ErrDamaged)
	}
	return nil
}

// readFree notes the free pages, and the pages of their list, as places nothing may lead to.
func (t *tree) readFree() error {
	if t.free == noFreelist {
		return nil
	}
	page, err := t.page(t.free, kindFreelist, t.end)
	if err != nil {
		return err
	}
	count, list := uint64(binary.NativeEndian.Uint16(page[10:])), page[pageHeader:]
	if count == manyFree {
		count, list = binary.NativeEndian.Uint64(list), list[8:]
	}
	if count > uint64(len(list))/8 {
		return fmt.Errorf("%w: page %d: a list of %d free pages does not fit it", ErrDamaged, t.free, count)
	}
	for i := range count {
		if err := t.visit(binary.NativeEndian.Uint64(list[8*i:]), t.free); err != nil {
			return err
		}
	}
	for i := range uint64(len(page)) / t.pageSize {
		if err := t.visit(t.free+i, 0); err != nil {
			return err
		}
	}
	return nil
}

// visit notes that something leads to a page, which only one thing may.
func (t *tree) visit(page, from uint64) error {
	if page < 2 || page >= t.end {
		return fmt.Errorf("%w: page %d leads to page %d, of %d", ErrDamaged, from, page, t.end)
	}
	if t.seen[page/64]&(1<<(page%64)) != 0 {
		return fmt.Errorf("%w: page %d leads to page %d, which is free or has another place", ErrDamaged, from, page)
	}
	t.seen[page/64] |= 1 << (page % 64)
	return nil
}

// page reads a page with what it runs on for, at most run more; with run 0 only its beginning. kind 0 is a branch or a leaf. What cannot be read is
// damaged: bbolt would not be able to read it either.
func (t *tree) page(id uint64, kind uint16, run uint64) ([]byte, error) {
	if id < 2 || id >= t.end {
		return nil, fmt.Errorf("%w: there is no page %d among %d", ErrDamaged, id, t.end)
	}
	b := make([]byte, t.pageSize)
	if _, err := t.file.ReadAt(b, int64(id*t.pageSize)); err != nil {
		return nil, fmt.Errorf("%w: page %d: %w", ErrDamaged, id, err)
	}
	is, more := kindOf(b), uint64(binary.NativeEndian.Uint32(b[12:]))
	known := is == kind || kind == 0 && (is == kindBranch || is == kindLeaf)
	if got := binary.NativeEndian.Uint64(b); got != id || !known {
		return nil, fmt.Errorf("%w: page %d says it is %d, of kind %#x", ErrDamaged, id, got, is)
	}
	if more == 0 || run == 0 {
		return b, nil
	}
	if more > run || id+more >= t.end {
		return nil, fmt.Errorf("%w: page %d runs on for %d pages", ErrDamaged, id, more)
	}
	b = make([]byte, (1+more)*t.pageSize)
	if _, err := t.file.ReadAt(b, int64(id*t.pageSize)); err != nil {
		return nil, fmt.Errorf("%w: page %d: %w", ErrDamaged, id, err)
	}
	return b, nil
}

// A level is where in a tree a page is.
type level struct {
	least, most []byte // its keys are from least up to below most; nil is no bound
	depth       int
	leaves      int // the depth of the leaves, which are not read; unread for the directory, which is read to its last page
}

// unread says of a level that no depth is left unread.
const unread = maxDepth + 1

// walk checks a page and those it leads to.
func (t *tree) walk(id, from uint64, at level) error {
	if at.depth > maxDepth {
		return fmt.Errorf("%w: page %d is %d levels deep", ErrDamaged, id, at.depth)
	}
	if err := t.visit(id, from); err != nil || at.depth == at.leaves {
		return err // what a leaf holds is proved where it is read
	}
	page, err := t.page(id, 0, maxRun)
	if err != nil {
		return err
	}
	if kindOf(page) == kindLeaf {
		if at.leaves == unread {
			return t.buckets(id, page)
		}
		return nil
	}
	keys, err := branchKeys(id, page, at)
	if err != nil {
		return err
	}
	for i, key := range keys {
		below := level{least: key, most: at.most, depth: at.depth + 1, leaves: at.leaves}
		if i+1 < len(keys) {
			below.most = keys[i+1]
		}
		if err := t.walk(child(page, i), id, below); err != nil {
			return err
		}
	}
	return nil
}

// buckets checks the tree of every bucket that a leaf of the directory holds. A small bucket is in the leaf itself.
func (t *tree) buckets(id uint64, page []byte) error {
	for i := range elements(page) {
		at := pageHeader + i*elementLen
		if at+elementLen > len(page) {
			return fmt.Errorf("%w: page %d has no room for %d elements", ErrDamaged, id, elements(page))
		}
		e := page[at:]
		if binary.NativeEndian.Uint32(e)&bucketLeaf == 0 {
			continue
		}
		value := at + int(binary.NativeEndian.Uint32(e[4:])) + int(binary.NativeEndian.Uint32(e[8:]))
		if value+bucketHeader > len(page) {
			return fmt.Errorf("%w: page %d: a bucket stands outside it", ErrDamaged, id)
		}
		root := binary.NativeEndian.Uint64(page[value:])
		if root == 0 {
			continue
		}
		leaves, err := t.depth(root)
		if err == nil {
			err = t.walk(root, id, level{leaves: leaves})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// depth finds how many levels are above a bucket's leaves, which are all at the same one, by the way along its first pages.
func (t *tree) depth(root uint64) (int, error) {
	for id, depth := root, 0; depth <= maxDepth; depth++ {
		page, err := t.page(id, 0, 0)
		if err != nil || kindOf(page) == kindLeaf {
			return depth, err
		}
		if elements(page) == 0 {
			return depth, nil
		}
		id = child(page, 0)
	}
	return 0, fmt.Errorf("%w: page %d leads down more than %d levels", ErrDamaged, root, maxDepth)
}

// branchKeys are the keys of a branch page, which rise, within its level's bounds.
func branchKeys(id uint64, page []byte, at level) ([][]byte, error) {
	n := elements(page)
	if n == 0 || pageHeader+n*elementLen > len(page) {
		return nil, fmt.Errorf("%w: page %d leads to %d others", ErrDamaged, id, n)
	}
	keys := make([][]byte, n)
	for i := range keys {
		e := pageHeader + i*elementLen
		from := e + int(binary.NativeEndian.Uint32(page[e:]))
		to := from + int(binary.NativeEndian.Uint32(page[e+4:]))
		if to > len(page) {
			return nil, fmt.Errorf("%w: page %d: a key stands outside it", ErrDamaged, id)
		}
		if keys[i] = page[from:to]; i > 0 && bytes.Compare(keys[i-1], keys[i]) >= 0 {
			return nil, fmt.Errorf("%w: page %d: its keys do not rise", ErrDamaged, id)
		}
	}
	if bytes.Compare(keys[0], at.least) < 0 || at.most != nil && bytes.Compare(keys[n-1], at.most) >= 0 {
		return nil, fmt.Errorf("%w: page %d: its keys belong elsewhere", ErrDamaged, id)
	}
	return keys, nil
}

func kindOf(page []byte) uint16 { return binary.NativeEndian.Uint16(page[8:]) }
func elements(page []byte) int  { return int(binary.NativeEndian.Uint16(page[10:])) }
func child(page []byte, i int) uint64 {
	return binary.NativeEndian.Uint64(page[pageHeader+i*elementLen+8:])
}
