package journal

import (
	"context"
	"encoding/binary"
)

// Layouts is how many layouts a journal has been through.
func Layouts() int { return len(migrations) }

// Untag makes of all receipts that are recorded what the third layout had of them: rows without a tag, the place in ages, all entries in the set.
func (j *Journal) Untag(ctx context.Context) error {
	return j.update(ctx, func(w *writer) error {
		for number := w.marks.pruned + 1; number <= w.marks.last; number++ {
			row, tag, err := w.tagged(number)
			if err != nil {
				return err
			}
			if err := w.putRow(number, row, nil); err != nil {
				return err
			}
			if tag == nil {
				continue
			}
			if err := w.put(inAges, numberKey(number), tag.encode()); err != nil {
				return err
			}
			for _, e := range row.GetReceipt().GetEntries() {
				if err := w.put(inEntries, e.GetEntryId(), numberKey(number)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Ages answers the numbers of the receipts whose place stands in ages, and how many entries are in the set.
func (j *Journal) Ages() (ages []uint64, entries int, err error) {
	err = j.View(func(v *View) error {
		err := v.scan(inAges, nil, func(key, _ []byte) (bool, error) {
			ages = append(ages, binary.BigEndian.Uint64(key))
			return true, nil
		})
		if err != nil {
			return err
		}
		return v.scan(inEntries, nil, func(_, _ []byte) (bool, error) {
			entries++
			return true, nil
		})
	})
	return ages, entries, err
}
