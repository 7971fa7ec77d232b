package journal_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/stamklant/stamklant/internal/instore/journal"
)

// setVersion writes a layout version into a closed journal.
func setVersion(t *testing.T, path string, version uint32) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte{1}, binary.BigEndian.AppendUint32(nil, version))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestNewerLayoutIsRefused(t *testing.T) {
	path := file(t)
	open(t, path).Close()
	setVersion(t, path, 99)
	if _, err := journal.Open(path, config()); !errors.Is(err, journal.ErrNewer) {
		t.Errorf("got %v", err)
	}
}

// withoutLane takes out of a closed journal what the second layout added.
func withoutLane(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return errors.Join(tx.DeleteBucket([]byte("lane")), tx.Bucket([]byte("meta")).Delete([]byte{0x14}))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// withoutHolds takes out of a closed journal what the third layout added.
func withoutHolds(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) (err error) {
		for _, name := range []string{"coupons", "wallets", "holds", "outcomes"} {
			err = errors.Join(err, tx.DeleteBucket([]byte(name)))
		}
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestMigrations starts from a file of every older layout and expects what was recorded then.
func TestMigrations(t *testing.T) {
	for version := range journal.Layouts() {
		path := file(t)
		j := open(t, path)
		record(t, j, request("1", subject(1), 5))
		j.Close()
		setVersion(t, path, uint32(version))
		switch version {
		case 0: // before the first layout there was the same file without a version
		case 1: // there was no lane
			withoutLane(t, path)
			withoutHolds(t, path)
		case 2: // nothing was held, and no coupon given
			withoutHolds(t, path)
		case 3: // receipts' places stood in ages only, and all entries in a set
			setVersion(t, path, uint32(journal.Layouts()))
			j = open(t, path)
			if err := j.Untag(t.Context()); err != nil {
				t.Fatal(err)
			}
			j.Close()
			setVersion(t, path, uint32(version))
		default:
			t.Fatalf("the migration from layout %d has no test: make a file of that layout here", version)
		}
		j = open(t, path)
		if got := points(t, j, subject(1), nothingCounted); got != 5 {
			t.Errorf("from layout %d: %d points, want 5", version, got)
		}
		keepLane(t, j, objection(1, subject(1)))
		if got := j.LaneThrough(); got != 1 {
			t.Errorf("from layout %d: the lane is at %d, want 1", version, got)
		}
		if got := hold(t, j, subject(9), "sale", "1", noon); !got.Granted {
			t.Errorf("from layout %d: nothing can be held: %+v", version, got)
		}
		j.Close()
	}
}
