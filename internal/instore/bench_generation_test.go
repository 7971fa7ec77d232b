package instore_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

// generationRounds are fewer than elsewhere: a round writes some gigabytes.
const generationRounds = 10

// BenchmarkTableGeneration is what building a release's file costs, from the sealed chunks of a snapshot and by merging the changes of a day into the
// file before, against loading the same bytes, sorted, into a bare bbolt.
func BenchmarkTableGeneration(b *testing.B) {
	if b.N > 1 {
		return
	}
	g := newGenerationBench(b, benchAccounts())
	snapshot := &row{what: "generation from a snapshot; bare sorted load of the same bytes", unit: "s", target: "≤ 2 ×"}
	merged := &row{what: "generation by merge of a 5 % delta; the same bare load", unit: "s", target: "≤ 3 ×"}
	for round := range generationRounds {
		var ours, bare, merge float64
		if round%2 == 0 {
			ours, bare, merge = g.fromSnapshot(b), g.bare(b), g.byMerge(b)
		} else {
			merge, bare, ours = g.byMerge(b), g.bare(b), g.fromSnapshot(b)
		}
		snapshot.add(ours, bare)
		merged.add(merge, bare)
	}
	printTable(os.Stdout, []*row{snapshot, merged})
	fact(fmt.Sprintf("file of %d accounts and as many identifiers", benchAccounts()), fmt.Sprintf("%.0f MiB", float64(g.file.Length)/(1<<20)), "–")
	fact("anonymous memory of the process while building, at most", fmt.Sprintf("%.0f MiB", g.anonymous), "≤ 250 MB")
}

// generationBench is a snapshot and a delta as they lie at head office, and the file of the snapshot.
type generationBench struct {
	dir       string
	dataKey   bundle.Key
	key       bundle.Key
	chunks    string
	snapshot  *bundlev1.PartHeader
	delta     *bundlev1.PartHeader
	before    [32]byte
	after     [32]byte
	records   int
	file      generation.FileInfo
	anonymous float64
}

func newGenerationBench(b *testing.B, accounts int) *generationBench {
	b.Helper()
	g := &generationBench{dir: b.TempDir(), chunks: b.TempDir(), dataKey: bundle.Key{1}, key: bundle.Key{2}, records: 2 * accounts}
	keys := make([][16]byte, accounts)
	for i := range keys {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
		keys[i] = [16]byte(sum[:16])
	}
	slices.SortFunc(keys, func(x, y [16]byte) int { return slices.Compare(x[:], y[:]) })
	g.snapshot, g.before = g.part(b, bundlev1.PartKind_PART_KIND_CUSTOMERS_SNAPSHOT, g.state(keys, 0, 1))
	g.delta, _ = g.part(b, bundlev1.PartKind_PART_KIND_CUSTOMERS_DELTA, g.state(keys, 1, 20))
	g.after = digestOf(b, bundle.Merge(g.state(keys, 0, 1), g.state(keys, 1, 20)))
	g.fromSnapshot(b)
	return g
}

// state is every n-th account with its identifier, as it is on a day.
func (g *generationBench) state(keys [][16]byte, day, every int) bundle.Records {
	return func(yield func(bundle.Record, error) bool) {
		for _, kind := range []bundle.Kind{bundle.KindAccount, bundle.KindIdentifier} {
			if kind == bundle.KindIdentifier && day > 0 {
				return // a day changes what customers have, not their cards
			}
			for i := 0; i < len(keys); i += every {
				var message proto.Message = &customerv1.Identifier{
					State: customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE, AccountIds: [][]byte{keys[(i*7919)%len(keys)][:]}, Masked: "…6785",
				}
				if kind == bundle.KindAccount {
					message = &customerv1.Account{
						State: customerv1.AccountState_ACCOUNT_STATE_ACTIVE, HomeStore: "s01", Language: "nl",
						Values:  &customerv1.Values{LastReceiptDay: int32(20_000 + day), Frequency: int64(i % 50), MonetaryMinor: int64(i) * 137, FirstReceiptDay: 19_000},
						Memory:  &customerv1.Memory{PreviousSegment: "promising", ChangedDay: 19_990},
						Loyalty: &customerv1.LoyaltyState{Balance: int64(i + day), Tier: "silver", TierSinceDay: 19_500},
					}
				}
				value, err := proto.Marshal(message)
				if !yield(bundle.Record{Kind: kind, Key: keys[i][:], Value: value}, err) || err != nil {
					return
				}
			}
		}
	}
}

func digestOf(b *testing.B, records bundle.Records) [32]byte {
	b.Helper()
	digest, err := bundle.StateDigest(records)
	must(b, err)
	return digest
}

// part seals records into chunks, and answers their header and the digest of the state.
func (g *generationBench) part(b *testing.B, kind bundlev1.PartKind, records bundle.Records) (*bundlev1.PartHeader, [32]byte) {
	b.Helper()
	writer, err := bundle.NewPartWriter(kind, g.key, func(digest [32]byte, data []byte) error {
		return os.WriteFile(filepath.Join(g.chunks, bundle.Name(digest)), data, 0o600)
	})
	must(b, err)
	state := bundle.NewState()
	must(b, writer.WriteAll(state.Pass(records)))
	digest := state.Digest()
	sealed, err := writer.Finish(&bundlev1.CustomersHeader{StateDigest: digest[:], Accounts: state.Accounts, Identifiers: state.Identifiers})
	must(b, err)
	header, err := bundle.ReadHeader(sealed, g.key, g.fetch)
	must(b, err)
	return header, digest
}

func (g *generationBench) fetch(digest [32]byte, _ int) ([]byte, error) {
	return os.ReadFile(filepath.Join(g.chunks, bundle.Name(digest)))
}

func (g *generationBench) build(b *testing.B, state [32]byte, records bundle.Records) (generation.FileInfo, float64) {
	b.Helper()
	began := time.Now()
	info, err := generation.Build(b.Context(), generation.BuildOptions{Dir: g.dir, DataKey: g.dataKey, State: state, Expect: g.file.Length}, records)
	took := time.Since(began).Seconds()
	must(b, err)
	g.anonymous = max(g.anonymous, anonymousMiB(b))
	return info, took
}

func (g *generationBench) fromSnapshot(b *testing.B) float64 {
	b.Helper()
	info, took := g.build(b, g.before, bundle.ReadPart(g.snapshot, g.key, g.fetch))
	if g.file.Name != "" {
		must(b, os.Remove(filepath.Join(g.dir, g.file.Name)))
	}
	g.file = info
	return took
}

func (g *generationBench) byMerge(b *testing.B) float64 {
	b.Helper()
	file, err := generation.OpenFile(g.dir, g.file, g.dataKey, nil)
	must(b, err)
	defer file.Release()
	info, took := g.build(b, g.after, bundle.Merge(file.Records(), bundle.ReadPart(g.delta, g.key, g.fetch)))
	must(b, os.Remove(filepath.Join(g.dir, info.Name)))
	return took
}

// bare loads what the file holds, sealed values and all, into a bbolt of its own.
func (g *generationBench) bare(b *testing.B) float64 {
	b.Helper()
	source, err := bbolt.Open(filepath.Join(g.dir, g.file.Name), 0o600, &bbolt.Options{ReadOnly: true})
	must(b, err)
	defer source.Close()
	path := filepath.Join(g.dir, "bare.db")
	defer os.Remove(path)
	began := time.Now()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		NoSync: true, NoGrowSync: true, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, PageSize: 4096, InitialMmapSize: int(2 * g.file.Length),
	})
	must(b, err)
	must(b, source.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, from *bbolt.Bucket) error { return copySorted(db, name, from) })
	}))
	must(b, db.Sync())
	must(b, db.Close())
	return time.Since(began).Seconds()
}

// copySorted puts a bucket into another file, ten thousand records to a transaction.
func copySorted(db *bbolt.DB, name []byte, from *bbolt.Bucket) error {
	cursor := from.Cursor()
	for key, value := cursor.First(); key != nil; {
		err := db.Update(func(tx *bbolt.Tx) error {
			to, err := tx.CreateBucketIfNotExists(name)
			if err != nil {
				return err
			}
			to.FillPercent = 1
			for n := 0; key != nil && n < 10_000; n++ {
				if err := to.Put(key, value); err != nil {
					return err
				}
				key, value = cursor.Next()
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
