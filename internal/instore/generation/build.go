package generation

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"go.etcd.io/bbolt"

	"github.com/stamklant/stamklant/internal/bundle"
)

const (
	// recordsPerTx bounds the memory of a build: a transaction keeps what it writes until it commits.
	recordsPerTx = 10_000
	// recordsPerPace is how many records are written between two calls of Pace.
	recordsPerPace = 200
	// pageSize is fixed so that a file is the same on every machine.
	pageSize = 4096
	// mapAtLeast is how much address space a build reserves, so that the file rarely has to be mapped anew.
	mapAtLeast = 64 << 20
)

// BuildOptions say how a file is built.
type BuildOptions struct {
	// The folder of the files. It must exist.
	Dir string
	// The server's data key; the file's own key is derived from it.
	DataKey bundle.Key
	// The state the records must be. The build fails with [ErrState] when they are another.
	State [32]byte
	// How large the file may become, in bytes: a guess that saves time. 0 when unknown.
	Expect int64
	// Called again and again, after less than a millisecond's work as a rule, so that a build leaves the tills their share of the machine. nil to build
	// at full speed.
	Pace func(context.Context) error
}

// Build writes a new file from the records of a whole state, in their published order, and returns how it is named, once it is safely on the
// disk. Records stream through: memory does not grow with them. On an error, and when ctx ends, nothing stays behind.
func Build(ctx context.Context, o BuildOptions, records bundle.Records) (info FileInfo, err error) {
	suffix := make([]byte, 4)
	rand.Read(suffix)
	name := fmt.Sprintf("gen-%s-%s.db", hex.EncodeToString(o.State[:8]), hex.EncodeToString(suffix))
	building := filepath.Join(o.Dir, buildingPrefix+name)
	defer func() {
		if err != nil {
			os.Remove(building)
			err = fmt.Errorf("build %s: %w", name, err)
		}
	}()
	if err := writeGeneration(ctx, building, o, records); err != nil {
		return FileInfo{}, err
	}
	sum, length, err := digestFile(ctx, building, o.Pace)
	if err != nil {
		return FileInfo{}, err
	}
	if err := os.Rename(building, filepath.Join(o.Dir, name)); err != nil {
		return FileInfo{}, err
	}
	return FileInfo{Name: name, Length: length, SHA256: sum, State: o.State}, syncDir(o.Dir)
}

// buildingPrefix marks a file that is not finished.
const buildingPrefix = "building-"

func writeGeneration(ctx context.Context, path string, o BuildOptions, records bundle.Records) error {
	mapSize := max(2*o.Expect, mapAtLeast)
	if runtime.GOOS == "windows" {
		mapSize = 0 // there it is the size of the file
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		NoSync: true, NoGrowSync: true, NoFreelistSync: true, NoStatistics: true,
		FreelistType: bbolt.FreelistMapType, PageSize: pageSize, InitialMmapSize: int(mapSize),
	})
	if err != nil {
		return err
	}
	b := &builder{db: db, state: bundle.NewState()}
	err = b.build(ctx, o, records)
	if b.tx != nil {
		b.tx.Rollback()
	}
	if err == nil {
		err = db.Sync()
	}
	if closeErr := db.Close(); err == nil {
		err = closeErr
	}
	return err
}

// builder writes one file. It holds one record back, because a sealed value names its successor.
type builder struct {
	db      *bbolt.DB
	tx      *bbolt.Tx
	bucket  *bbolt.Bucket
	sealer  *sealer
	scratch scratch
	state   *bundle.State

	kind    bundle.Kind // of the open bucket; 0 before the first
	key     []byte      // the record held back
	value   []byte
	sealed  []byte
	ordinal uint64
	inTx    int
}

func (b *builder) build(ctx context.Context, o BuildOptions, records bundle.Records) error {
	var salt [saltSize]byte
	rand.Read(salt[:])
	var err error
	if b.sealer, err = newSealer(o.DataKey, salt); err != nil {
		return err
	}
	if err := b.begin(); err != nil {
		return err
	}
	for r, err := range records {
		if err != nil {
			return err
		}
		if err := b.add(r); err != nil {
			return err
		}
		if b.inTx >= recordsPerTx {
			if err := b.commit(ctx); err != nil {
				return err
			}
		}
		if o.Pace != nil && b.ordinal%recordsPerPace == 0 {
			if err := o.Pace(ctx); err != nil {
				return err
			}
		}
	}
	if err := b.openBucket(0); err != nil {
		return err
	}
	if b.state.Digest() != o.State {
		return ErrState
	}
	if err := b.writeMeta(salt); err != nil {
		return err
	}
	return b.commit(ctx)
}

func (b *builder) add(r bundle.Record) error {
	if bucketName(r.Kind) == nil || len(r.Key) != keySize {
		return fmt.Errorf("%s with a key of %d bytes: %w", r.Kind, len(r.Key), ErrRecord)
	}
	if err := b.state.Add(r); err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if r.Kind != b.kind {
		if err := b.openBucket(r.Kind); err != nil {
			return err
		}
	}
	return b.hold(r.Key, r.Value)
}

// hold writes the record held back, now that its successor is known, and holds this one.
func (b *builder) hold(key, value []byte) error {
	if err := b.flush(key); err != nil {
		return err
	}
	b.key, b.value = append(b.key[:0], key...), append(b.value[:0], value...)
	return nil
}

func (b *builder) flush(next []byte) error {
	if b.bucket == nil {
		return nil
	}
	b.sealed = b.sealer.seal(b.sealed[:0], &b.scratch, b.ordinal, b.kind, b.key, next, b.value)
	b.ordinal++
	b.inTx++
	// bbolt keeps the value until the transaction commits, so it gets one of its own.
	return b.bucket.Put(b.key, bytes.Clone(b.sealed))
}

// openBucket ends the bucket at hand and opens those up to and with a kind; 0 ends the last.
func (b *builder) openBucket(kind bundle.Kind) error {
	for {
		if b.kind > 0 {
			if err := b.hold(highest, nil); err != nil {
				return err
			}
			if err := b.flush(nil); err != nil {
				return err
			}
		}
		i := int(b.kind) // kinds are numbered from 1
		if b.bucket = nil; i == len(kinds) {
			return nil
		}
		b.kind = kinds[i]
		if err := b.useBucket(); err != nil {
			return err
		}
		b.key, b.value = append(b.key[:0], lowest...), b.value[:0]
		if b.kind == kind {
			return nil
		}
	}
}

func (b *builder) useBucket() error {
	bucket, err := b.tx.CreateBucketIfNotExists(bucketName(b.kind))
	if err != nil {
		return err
	}
	bucket.FillPercent = 1.0
	b.bucket = bucket
	return nil
}

func (b *builder) begin() error {
	tx, err := b.db.Begin(true)
	if err != nil {
		return err
	}
	b.tx, b.inTx = tx, 0
	if b.bucket != nil {
		return b.useBucket()
	}
	return nil
}

func (b *builder) commit(ctx context.Context) error {
	tx := b.tx
	b.tx = nil
	if err := tx.Commit(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.begin()
}

func (b *builder) writeMeta(salt [saltSize]byte) error {
	meta, err := b.tx.CreateBucketIfNotExists(metaBucket)
	if err != nil {
		return err
	}
	s := summary{state: b.state.Digest(), accounts: b.state.Accounts, identifiers: b.state.Identifiers, erased: b.state.Erased}
	sealed := b.sealer.seal(nil, &b.scratch, b.ordinal, 0, summaryKey, nil, s.encode())
	for _, put := range []struct{ key, value []byte }{
		{formatKey, binary.BigEndian.AppendUint32(nil, formatVersion)},
		{saltKey, salt[:]},
		{summaryKey, sealed},
	} {
		if err := meta.Put(put.key, put.value); err != nil {
			return err
		}
	}
	return nil
}
