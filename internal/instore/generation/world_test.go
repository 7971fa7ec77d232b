package generation_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

var dataKey = bundle.Key(sha256.Sum256([]byte("data key")))

// key is the key of the n-th record of a kind.
func key(kind bundle.Kind, n int) [16]byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte{byte(kind)}, uint64(n)))
	return [16]byte(sum[:16])
}

// account is what is published about the n-th account.
func account(n int) *customerv1.Account {
	return &customerv1.Account{
		State: customerv1.AccountState_ACCOUNT_STATE_ACTIVE, HomeStore: "amsterdam", Language: "nl",
		Values:    &customerv1.Values{LastReceiptDay: 20_000, Frequency: int64(n % 50), MonetaryMinor: int64(n) * 137, FirstReceiptDay: 19_000},
		Memory:    &customerv1.Memory{PreviousSegment: "promising", ChangedDay: 19_990},
		Loyalty:   &customerv1.LoyaltyState{Balance: int64(n), Tier: "silver", TierSinceDay: 19_500},
		Consents:  &customerv1.Consents{Profiling: true, Marketing: true},
		FirstName: "Anna",
	}
}

// state is the records of n accounts, as many identifiers, and n/10 erased identifiers, in published order.
func state(tb testing.TB, n int) []bundle.Record {
	tb.Helper()
	list := make([]bundle.Record, 0, 2*n+n/10)
	for i := range n {
		k := key(bundle.KindAccount, i)
		list = append(list, bundle.Record{Kind: bundle.KindAccount, Key: k[:], Value: marshal(tb, account(i))})
		h := key(bundle.KindIdentifier, i)
		list = append(list, bundle.Record{
			Kind: bundle.KindIdentifier, Key: h[:], Value: marshal(tb, &customerv1.Identifier{AccountIds: [][]byte{k[:]}, Masked: "kaart …6785"}),
		})
		if i%10 == 0 {
			e := key(bundle.KindErased, i)
			list = append(list, bundle.Record{Kind: bundle.KindErased, Key: e[:]})
		}
	}
	slices.SortFunc(list, bundle.Compare)
	return list
}

func marshal(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func stream(list []bundle.Record) bundle.Records {
	return func(yield func(bundle.Record, error) bool) {
		for _, r := range list {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func digest(tb testing.TB, records bundle.Records) [32]byte {
	tb.Helper()
	d, err := bundle.StateDigest(records)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// build builds a file of a list.
func build(tb testing.TB, dir string, list []bundle.Record) generation.FileInfo {
	tb.Helper()
	info, err := generation.Build(context.Background(), generation.BuildOptions{Dir: dir, DataKey: dataKey, State: digest(tb, stream(list))}, stream(list))
	if err != nil {
		tb.Fatal(err)
	}
	return info
}

// open opens a file for the length of a test.
func open(tb testing.TB, dir string, info generation.FileInfo) *generation.File {
	tb.Helper()
	f, err := generation.OpenFile(dir, info, dataKey, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.Release)
	return f
}

// release is a release over a file, under a version.
func release(tb testing.TB, f *generation.File, version uint64, cutOffs ...*bundlev1.CutOff) *generation.Release {
	tb.Helper()
	r, err := generation.NewRelease(f, generation.Parts{
		Manifest: &bundlev1.Manifest{Version: version, Programme: &bundlev1.SealedPart{HeaderDigest: bytes.Repeat([]byte{byte(version)}, 32)}},
		Header:   &bundlev1.CustomersHeader{CutOffs: cutOffs}, Programme: &bundlev1.ProgrammePart{}, Store: &bundlev1.StorePart{},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// files is the names in a folder.
func files(tb testing.TB, dir string) (names []string) {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// releaseParts are the parts of a release nobody looks at.
func releaseParts() generation.Parts {
	return generation.Parts{
		Manifest: &bundlev1.Manifest{Version: 1, Programme: &bundlev1.SealedPart{HeaderDigest: make([]byte, 32)}},
		Header:   &bundlev1.CustomersHeader{}, Programme: &bundlev1.ProgrammePart{}, Store: &bundlev1.StorePart{},
	}
}
