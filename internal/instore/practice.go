package instore

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/segment"
)

// Practice is a store to try things on, or to measure: one release made on the spot, under keys that are drawn for it and forgotten. It goes
// through the same files, signatures and seals as a real one.
type Practice struct {
	// Server and Store are its names.
	Server, Store string
	// Programme is what the retailer configured.
	Programme *programmev1.Programme
	// Accounts are the customers, ascending by id.
	Accounts iter.Seq2[[16]byte, *customerv1.Account]
	// Identifiers yields what leads to them; hash is how they are published.
	Identifiers func(hash func(namespace, canonical string) [16]byte) iter.Seq2[[16]byte, *customerv1.Identifier]
	// AsOf is the age of the data, and the day its customers are scored as of.
	AsOf time.Time
	// Expires is when answers become stale.
	Expires time.Time
}

// practiceKeys are one practice store's keys; nothing of them is kept.
type practiceKeys struct {
	chain      bundle.ChainID
	root       ed25519.PublicKey
	rootKey    ed25519.PrivateKey
	recovery   []byte
	private    []byte
	public     []byte
	identifier []byte
	other      []byte // for contents and tickets
}

func drawKeys() (practiceKeys, error) {
	root, rootKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return practiceKeys{}, err
	}
	own, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return practiceKeys{}, err
	}
	k := practiceKeys{
		chain: bundle.ChainOf(root), root: root, rootKey: rootKey, recovery: own.PublicKey().Bytes(),
		private: own.Bytes(), public: own.PublicKey().Bytes(), identifier: make([]byte, 32), other: make([]byte, 32),
	}
	rand.Read(k.identifier)
	rand.Read(k.other)
	return k, nil
}

// Write makes the release in a folder and returns the path of the enrolment file to start a server with.
func (p Practice) Write(dir string) (enrolment string, err error) {
	bundles, err := filepath.Abs(filepath.Join(dir, "bundles"))
	if err != nil {
		return "", err
	}
	keys, err := drawKeys()
	if err != nil {
		return "", err
	}
	w := &practiceWriter{Practice: p, keys: keys, dir: bundles, version: 1}
	if err := w.write(); err != nil {
		return "", fmt.Errorf("make a practice store: %w", err)
	}
	return w.enrol(dir)
}

// enrol writes the enrolment of the store into a folder and returns where.
func (w *practiceWriter) enrol(dir string) (enrolment string, err error) {
	text, err := protojson.Marshal(&bundlev1.Enrolment{
		ServerId: w.Server, Store: w.Store, ChainId: w.keys.chain[:], RootPublicKey: w.keys.root, PrivateKey: w.keys.private,
		Bundles: w.dir, Token: base64.RawURLEncoding.EncodeToString(w.keys.other),
	})
	if err != nil {
		return "", err
	}
	enrolment = filepath.Join(dir, "enrolment.json")
	return enrolment, keepSecret(enrolment, text)
}

// practiceWriter writes one release in the layout stores read.
type practiceWriter struct {
	Practice
	keys    practiceKeys
	dir     string
	version uint64 // of the manifest
}

func (w *practiceWriter) write() error {
	customers, state, err := w.customers()
	if err != nil {
		return err
	}
	programme, err := w.messagePart(bundlev1.PartKind_PART_KIND_PROGRAMME, bundle.KindProgramme,
		&bundlev1.ProgrammePart{Programme: w.Programme, TicketKey: w.keys.other})
	if err != nil {
		return err
	}
	store, err := w.messagePart(bundlev1.PartKind_PART_KIND_STORE, bundle.KindStore, &bundlev1.StorePart{
		ServerId: w.Server, ContentKey: w.keys.other, IdentifierKeys: []*bundlev1.IdentifierKey{{Epoch: 1, Key: w.keys.identifier}},
	})
	if err != nil {
		return err
	}
	return errors.Join(
		w.sign(bundle.KeysetPath, bundlev1.SignedKind_SIGNED_KIND_KEYSET, w.keyset()),
		w.sign(bundle.ManifestPath(w.Server), bundlev1.SignedKind_SIGNED_KIND_MANIFEST, &bundlev1.Manifest{
			ChainId: w.keys.chain[:], ServerId: w.Server, Store: w.Store, Version: w.version, Format: bundle.Format,
			IssuedAt: timestamppb.New(w.AsOf), ExpiresAt: timestamppb.New(w.Expires),
			Customers: &bundlev1.CustomersPart{StateDigest: state, SnapshotState: state, Snapshot: customers}, Programme: programme, StorePart: store,
		}),
	)
}

func (w *practiceWriter) keyset() *bundlev1.Keyset {
	id := bundle.KeyIDOf(w.keys.root)
	return &bundlev1.Keyset{
		ChainId: w.keys.chain[:], Version: 1, ExpiresAt: timestamppb.New(w.Expires), RecoveryPublicKey: w.keys.recovery,
		Keys: []*bundlev1.SigningKey{{KeyId: id[:], PublicKey: w.keys.root, MaySign: []bundlev1.SignedKind{bundlev1.SignedKind_SIGNED_KIND_MANIFEST}}},
	}
}

// customers writes all customers as one snapshot.
func (w *practiceWriter) customers() (*bundlev1.SealedPart, []byte, error) {
	cuts, err := w.cutPoints()
	if err != nil {
		return nil, nil, err
	}
	state := bundle.NewState()
	part, err := w.part(bundlev1.PartKind_PART_KIND_CUSTOMERS_SNAPSHOT, state.Pass(w.records()), func() *bundlev1.CustomersHeader {
		digest := state.Digest()
		return &bundlev1.CustomersHeader{
			StateDigest: digest[:], Accounts: state.Accounts, Identifiers: state.Identifiers, CutPoints: cuts,
			IdentifierEpoch: 1, DataAsOf: timestamppb.New(w.AsOf),
		}
	})
	digest := state.Digest()
	return part, digest[:], err
}

// cutPoints scores the customers by the programme's number of scores, as head office would.
func (w *practiceWriter) cutPoints() (*customerv1.CutPoints, error) {
	day := int32(w.AsOf.Unix() / (24 * 60 * 60))
	var days, frequency, money []int64
	for _, account := range w.Accounts {
		if v := account.GetValues(); v.GetLastReceiptDay() != 0 {
			days = append(days, int64(day-v.GetLastReceiptDay()))
			frequency = append(frequency, v.GetFrequency())
			money = append(money, v.GetMonetaryMinor())
		}
	}
	n := int(w.Programme.GetScoring().GetScores())
	if n == 0 {
		n = segment.DefaultScores
	}
	if _, err := segment.Compile(w.Programme.GetSegments(), n); err != nil {
		return nil, err
	}
	for _, values := range [][]int64{days, frequency, money} {
		slices.Sort(values)
	}
	return &customerv1.CutPoints{
		RecencyDays: segment.CutPoints(days, n), Frequency: segment.CutPoints(frequency, n), MonetaryMinor: segment.CutPoints(money, n), AsOfDay: day,
	}, nil
}

// records are accounts as they come, then identifiers by their hash.
func (w *practiceWriter) records() bundle.Records {
	return func(yield func(bundle.Record, error) bool) {
		for id, account := range w.Accounts {
			value, err := proto.MarshalOptions{Deterministic: true}.Marshal(account)
			if !yield(bundle.Record{Kind: bundle.KindAccount, Key: id[:], Value: value}, err) || err != nil {
				return
			}
		}
		for _, r := range w.identifiers() {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (w *practiceWriter) identifiers() []bundle.Record {
	var all []bundle.Record
	hash := func(namespace, canonical string) [16]byte {
		return identify.Hash(w.keys.identifier, namespace, canonical)
	}
	for id, identifier := range w.Identifiers(hash) {
		value, err := proto.MarshalOptions{Deterministic: true}.Marshal(identifier)
		if err == nil {
			all = append(all, bundle.Record{Kind: bundle.KindIdentifier, Key: bytes.Clone(id[:]), Value: value})
		}
	}
	slices.SortFunc(all, bundle.Compare)
	return all
}

func (w *practiceWriter) messagePart(kind bundlev1.PartKind, record bundle.Kind, message proto.Message) (*bundlev1.SealedPart, error) {
	records, err := bundle.Pieces(record, message)
	if err != nil {
		return nil, err
	}
	return w.part(kind, records, func() *bundlev1.CustomersHeader { return nil })
}

// part writes one part under a key of its own, sealed to the server.
func (w *practiceWriter) part(kind bundlev1.PartKind, records bundle.Records, header func() *bundlev1.CustomersHeader) (*bundlev1.SealedPart, error) {
	var key bundle.Key
	rand.Read(key[:])
	writer, err := bundle.NewPartWriter(kind, key, func(digest [32]byte, data []byte) error {
		return w.file(bundle.Path(digest), data)
	})
	if err != nil {
		return nil, err
	}
	if err := writer.WriteAll(records); err != nil {
		return nil, err
	}
	sealed, err := writer.Finish(header())
	if err != nil {
		return nil, err
	}
	sealed.WrappedKey, err = bundle.SealKey(w.keys.public, bundle.ForPart(w.keys.chain, w.Server, [32]byte(sealed.GetHeaderDigest())), key)
	return sealed, err
}

func (w *practiceWriter) sign(path string, kind bundlev1.SignedKind, message proto.Message) error {
	payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return err
	}
	file, err := bundle.Sign(kind, w.keys.chain, w.keys.rootKey, payload)
	if err != nil {
		return err
	}
	return w.file(path, file)
}

func (w *practiceWriter) file(path string, data []byte) error {
	full := filepath.Join(w.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		return err
	}
	return os.WriteFile(full, data, 0o600)
}
