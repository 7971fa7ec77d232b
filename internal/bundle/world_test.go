package bundle_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

const (
	keysetKind   = bundlev1.SignedKind_SIGNED_KIND_KEYSET
	manifestKind = bundlev1.SignedKind_SIGNED_KIND_MANIFEST
	laneKind     = bundlev1.SignedKind_SIGNED_KIND_LANE
)

// issued is when the tests play.
var issued = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

// seeded is a key that is the same in every run.
func seeded(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(key ed25519.PrivateKey) ed25519.PublicKey {
	return key.Public().(ed25519.PublicKey)
}

// office is a head office: a root key, a signing key, and what it signs.
type office struct {
	root, signing ed25519.PrivateKey
}

func newOffice(name string) office {
	return office{seeded(name + " root"), seeded(name + " signing")}
}

func (o office) chain() bundle.ChainID { return bundle.ChainOf(public(o.root)) }

func (o office) anchor() bundle.Anchor {
	return bundle.Anchor{Chain: o.chain(), Root: public(o.root), Server: "amsterdam-1", Store: "amsterdam"}
}

func (o office) keyset() *bundlev1.Keyset {
	chain, id := o.chain(), bundle.KeyIDOf(public(o.signing))
	return &bundlev1.Keyset{
		ChainId: chain[:], Version: 1, ExpiresAt: timestamppb.New(issued.AddDate(1, 0, 0)), RecoveryPublicKey: bytes.Repeat([]byte{9}, 32),
		Keys: []*bundlev1.SigningKey{{KeyId: id[:], PublicKey: public(o.signing), MaySign: []bundlev1.SignedKind{manifestKind, laneKind}}},
	}
}

// part is a named part, told apart by its number.
func part(number byte) *bundlev1.SealedPart {
	return &bundlev1.SealedPart{HeaderDigest: bytes.Repeat([]byte{number}, 32), HeaderLength: 100, WrappedKey: bytes.Repeat([]byte{number}, 80)}
}

// state is a state's digest, told apart by its number.
func state(number byte) []byte { return bytes.Repeat([]byte{0xf0 | number}, 32) }

func delta(from, to byte) *bundlev1.DeltaPart {
	return &bundlev1.DeltaPart{FromState: state(from), ToState: state(to), Part: part(10*from + to)}
}

func (o office) manifest() *bundlev1.Manifest {
	chain := o.chain()
	return &bundlev1.Manifest{
		ChainId: chain[:], ServerId: "amsterdam-1", Store: "amsterdam", Version: 7, Format: bundle.Format,
		IssuedAt: timestamppb.New(issued), ExpiresAt: timestamppb.New(issued.AddDate(0, 0, 14)),
		Customers: &bundlev1.CustomersPart{
			StateDigest: state(3), Snapshot: part(1), SnapshotState: state(2), Deltas: []*bundlev1.DeltaPart{delta(1, 2), delta(2, 3)},
		},
		Programme: part(2), StorePart: part(3),
	}
}

// sign signs a message as a file of a kind.
func sign(tb testing.TB, kind bundlev1.SignedKind, chain bundle.ChainID, key ed25519.PrivateKey, m proto.Message) []byte {
	tb.Helper()
	payload, err := proto.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	file, err := bundle.Sign(kind, chain, key, payload)
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

func (o office) keysetFile(tb testing.TB) []byte {
	tb.Helper()
	return sign(tb, keysetKind, o.chain(), o.root, o.keyset())
}

func (o office) manifestFile(tb testing.TB) []byte {
	tb.Helper()
	return sign(tb, manifestKind, o.chain(), o.signing, o.manifest())
}

// trust is a server that has taken the keyset.
func (o office) trust(tb testing.TB, version uint64) *bundle.Trust {
	tb.Helper()
	trust := bundle.NewTrust(o.anchor(), version, [32]byte{})
	if _, err := trust.Keyset(o.keysetFile(tb)); err != nil {
		tb.Fatal(err)
	}
	return trust
}

// stream is a list as a stream.
func stream(list []bundle.Record) bundle.Records {
	return func(yield func(bundle.Record, error) bool) {
		for _, r := range list {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// failing is a stream that fails after a list.
func failing(list []bundle.Record, err error) bundle.Records {
	return func(yield func(bundle.Record, error) bool) {
		for _, r := range list {
			if !yield(r, nil) {
				return
			}
		}
		yield(bundle.Record{}, err)
	}
}

// collect copies a stream into a list.
func collect(records bundle.Records) (list []bundle.Record, err error) {
	for r, err := range records {
		if err != nil {
			return list, err
		}
		list = append(list, bundle.Record{Kind: r.Kind, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value), Tombstone: r.Tombstone})
	}
	return list, nil
}

func same(a, b []bundle.Record) bool {
	return slices.EqualFunc(a, b, func(x, y bundle.Record) bool {
		return x.Kind == y.Kind && bytes.Equal(x.Key, y.Key) && bytes.Equal(x.Value, y.Value) && x.Tombstone == y.Tombstone
	})
}

// pieces keeps pieces in memory.
type pieces map[[32]byte][]byte

func (p pieces) put(digest [32]byte, data []byte) error {
	p[digest] = data
	return nil
}

var errNoPiece = errors.New("no such piece")

func (p pieces) fetch(digest [32]byte, _ int) ([]byte, error) {
	if data, ok := p[digest]; ok {
		return data, nil
	}
	return nil, errNoPiece
}

func keyOf(name string) bundle.Key { return sha256.Sum256([]byte(name)) }

// seal writes records as a part.
func seal(tb testing.TB, p pieces, kind bundlev1.PartKind, key bundle.Key, records bundle.Records) *bundlev1.SealedPart {
	tb.Helper()
	w, err := bundle.NewPartWriter(kind, key, p.put)
	if err != nil {
		tb.Fatal(err)
	}
	if err := w.WriteAll(records); err != nil {
		tb.Fatal(err)
	}
	sealed, err := w.Finish(&bundlev1.CustomersHeader{StateDigest: state(1)})
	if err != nil {
		tb.Fatal(err)
	}
	return sealed
}
