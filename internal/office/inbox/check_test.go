package inbox_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/stamklant/stamklant/internal/office/inbox"
)

func TestCheck(t *testing.T) {
	path := file(t)
	box, s := open(t, path), newServer("gent-1")
	for _, no := range []string{"1", "2", "3"} {
		s.receipt(t, sale(no, account(1), 5))
	}
	deliver(t, box, s.all())
	held, err := box.Check(t.Context())
	if err != nil || len(held.Journals) != 1 || held.Journals[0].Rows != 3 || held.Journals[0].ServerID != "gent-1" || held.Journals[0].Anonymous != 0 {
		t.Errorf("in good order: %+v, %v", held, err)
	}
	if held.Values["receipts"] != 3 || held.Values["rows"] != 3 {
		t.Errorf("it holds %v", held.Values)
	}
}

// TestCheckFollowsTheChain changes rows behind the inbox's back, with a check sum that fits: only the chain tells.
func TestCheckFollowsTheChain(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(rows *bbolt.Bucket, key, value []byte) error
		says string
	}{
		{"another row", func(rows *bbolt.Bucket, key, value []byte) error {
			plain := bytes.Clone(value[:len(value)-4])
			plain[len(plain)-1] ^= 1
			return rows.Put(key, summed("rows", key, plain))
		}, "does not lead to row 2"},
		{"no row", func(rows *bbolt.Bucket, key, _ []byte) error { return rows.Delete(key) }, "row 2 is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := file(t)
			box, s := open(t, path), newServer("gent-1")
			for _, no := range []string{"1", "2", "3"} {
				s.receipt(t, sale(no, account(1), 5))
			}
			deliver(t, box, s.all())
			box.Close()
			behind(t, path, c.do)
			_, err := open(t, path).Check(t.Context())
			if !errors.Is(err, inbox.ErrDamaged) || !strings.Contains(err.Error(), "gent-1") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

// behind changes the second row of the only journal.
func behind(t *testing.T, path string, do func(rows *bbolt.Bucket, key, value []byte) error) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		rows := tx.Bucket([]byte("rows"))
		c := rows.Cursor()
		c.First()
		key, value := c.Next()
		return do(rows, bytes.Clone(key), bytes.Clone(value))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// summed is a value as its bucket holds it: with the check sum over bucket, key and value.
func summed(bucket string, key, plain []byte) []byte {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	for _, b := range [][]byte{[]byte(bucket), key, plain} {
		sum.Write(b)
	}
	return binary.BigEndian.AppendUint32(plain, sum.Sum32())
}
