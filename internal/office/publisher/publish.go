package publisher

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"time"

	"gocloud.dev/blob"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// publication is one run of [Publish].
type publication struct {
	in     Inputs
	to     Target
	bucket *blob.Bucket
	ledger *ledger
	report Report
}

// Publish cuts a release from the inputs and signs it for every enrolled server. It answers [ErrNoServers], [ErrInput] and [ErrOrder] before
// anything was written where stores read. Only one publication of a state folder may run at a time.
func Publish(ctx context.Context, in Inputs, to Target) (*Report, error) {
	started := time.Now()
	if err := checkInputs(in, to); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(to.StateDir, 0o700); err != nil {
		return nil, err
	}
	bucket, err := openBucket(ctx, to.Bundles)
	if err != nil {
		return nil, err
	}
	defer func() { _ = bucket.Close() }()
	p := &publication{in: in, to: to, bucket: bucket}
	if p.ledger, err = readLedger(to.StateDir); err != nil {
		return nil, err
	}
	if err := p.run(ctx); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	p.report.Took = time.Since(started)
	return &p.report, nil
}

func checkInputs(in Inputs, to Target) error {
	switch {
	case to.Keys == nil || to.StateDir == "" || to.Bundles == "":
		return fmt.Errorf("no keys, state folder or place for bundles: %w", ErrInput)
	case len(to.Keys.servers) == 0:
		return fmt.Errorf("%w: enrol one with `stamklant-office keys server`", ErrNoServers)
	case in.Programme == nil || in.Accounts == nil || in.Identifiers == nil:
		return fmt.Errorf("no programme, accounts or identifiers: %w", ErrInput)
	case to.Now.IsZero() || in.DataAsOf.IsZero():
		return fmt.Errorf("no time: %w", ErrInput)
	}
	return nil
}

func (p *publication) run(ctx context.Context) error {
	if err := p.lookBack(ctx); err != nil {
		return err
	}
	if err := p.customers(ctx); err != nil {
		return err
	}
	if err := p.programme(ctx); err != nil {
		return err
	}
	if err := p.stores(ctx); err != nil {
		return err
	}
	manifests, err := p.manifests()
	if err != nil {
		return err
	}
	expired := p.ledger.expire(p.to.Now)
	if err := p.ledger.write(p.to.StateDir); err != nil {
		return err
	}
	if err := p.sign(ctx, manifests); err != nil {
		return err
	}
	// The release stands. What is left is tidying up.
	if err := removeStates(p.to.StateDir, p.ledger.State.Name); err != nil {
		return err
	}
	return removePieces(ctx, p.bucket, expired)
}

// lookBack makes the ledger agree with what lies where stores read: versions never fall behind, and nothing is built on pieces that are gone.
func (p *publication) lookBack(ctx context.Context) error {
	epoch, _ := p.to.Keys.IdentifierKey()
	present, err := p.ledger.present(ctx, p.bucket)
	if err != nil {
		return err
	}
	if !present {
		p.ledger.Programme, p.ledger.Stores = nil, make(map[string]*part)
	}
	if !present || !p.ledger.State.usable(p.to.StateDir) || p.ledger.State.IdentifierEpoch != epoch {
		p.ledger.forget(p.to.Now)
	}
	for _, s := range p.to.Keys.Servers() {
		version, err := p.published(ctx, s)
		if err != nil {
			return err
		}
		p.ledger.Versions[s.ID] = max(p.ledger.Versions[s.ID], version)
	}
	return nil
}

// published is the version of the manifest a server finds now, if it is one of ours.
func (p *publication) published(ctx context.Context, s Server) (uint64, error) {
	file, err := read(ctx, p.bucket, bundle.ManifestPath(s.ID))
	if err != nil || file == nil {
		return 0, err
	}
	trust := bundle.NewTrust(bundle.Anchor{Chain: p.to.Keys.Chain(), Root: p.to.Keys.root, Server: s.ID, Store: s.Store}, 0, [32]byte{})
	if _, err := trust.Keyset(p.to.Keys.keyset); err != nil {
		return 0, err
	}
	m, err := trust.Kept(file)
	if err != nil {
		return 0, nil //nolint:nilerr // whatever lies there is not ours, and is replaced
	}
	return m.GetVersion(), nil
}

// customers writes the state of all customers: as changes since the last, and as a snapshot when one is due.
func (p *publication) customers(ctx context.Context) error {
	epoch, key := p.to.Keys.IdentifierKey()
	before := p.ledger.State
	next, err := writeState(p.to.StateDir, p.counted(ctx, "customers", p.in.Total, customerRecords(p.in, key)))
	if err != nil {
		return err
	}
	next.IdentifierEpoch = epoch
	header := &bundlev1.CustomersHeader{
		StateDigest: next.Digest, Accounts: next.Accounts, Identifiers: next.Identifiers, CutOffs: p.in.CutOffs, LaneThrough: p.in.LaneThrough, ErasedThrough: p.in.ErasedThrough,
		CutPoints: p.in.CutPoints, IdentifierEpoch: epoch, DataAsOf: timestamppb.New(p.in.DataAsOf),
	}
	p.report.State = [32]byte(next.Digest)
	p.report.Accounts, p.report.Identifiers, p.report.Erased = next.Accounts, next.Identifiers, next.Erased
	p.report.Changes = -1
	if before != nil {
		if err := p.writeChange(ctx, before, next, header); err != nil {
			return err
		}
	}
	p.ledger.State = next
	p.ledger.SinceSnapshot++
	if !p.snapshotDue() {
		return nil
	}
	snapshot, err := p.writePart(ctx, bundlev1.PartKind_PART_KIND_CUSTOMERS_SNAPSHOT, nil, header,
		p.counted(ctx, "snapshot", int64(next.Accounts+next.Identifiers+next.Erased), next.records(p.to.StateDir)))
	if err != nil {
		return err
	}
	p.ledger.drop(p.to.Now, p.ledger.Snapshot)
	p.ledger.Snapshot, p.ledger.SnapshotState, p.ledger.SinceSnapshot = snapshot, next.Digest, 0
	p.report.Snapshot = true
	return nil
}

func (p *publication) writeChange(ctx context.Context, before, next *stateFile, header *bundlev1.CustomersHeader) error {
	p.report.Changes = 0
	counted := func(yield func(bundle.Record, error) bool) {
		for r, err := range bundle.Diff(before.records(p.to.StateDir), next.records(p.to.StateDir)) {
			p.report.Changes++
			if !yield(r, err) {
				return
			}
		}
	}
	part, err := p.writePart(ctx, bundlev1.PartKind_PART_KIND_CUSTOMERS_DELTA, nil, header, p.counted(ctx, "changes", 0, counted))
	if err != nil {
		return err
	}
	p.ledger.changed(p.to.Now, change{From: before.Digest, To: next.Digest, Part: part})
	return nil
}

func (p *publication) snapshotDue() bool {
	every := p.to.SnapshotEvery
	if every == 0 {
		every = defaultSnapshotEvery
	}
	return p.ledger.Snapshot == nil || p.ledger.SinceSnapshot >= every || 2*p.ledger.changeBytes() > p.ledger.Snapshot.Bytes ||
		len(p.ledger.Changes) >= maxChanges
}

// programme writes the programme, unless it is the one published last.
func (p *publication) programme(ctx context.Context) error {
	message := &bundlev1.ProgrammePart{Programme: p.in.Programme, TicketKey: p.to.Keys.TicketKey()}
	part, fresh, err := p.messagePart(ctx, bundlev1.PartKind_PART_KIND_PROGRAMME, bundle.KindProgramme, message, p.ledger.Programme)
	p.ledger.Programme, p.report.NewProgramme = part, fresh
	return err
}

// stores writes what is each server's own, unless it is what was published last.
func (p *publication) stores(ctx context.Context) error {
	details, err := p.to.Keys.DetailsKey()
	if err != nil {
		return err
	}
	coupons, err := p.coupons()
	if err != nil {
		return err
	}
	for _, s := range p.to.Keys.Servers() {
		message := &bundlev1.StorePart{
			ServerId: s.ID, ContentKey: p.to.Keys.ContentKey(), Standby: s.Standby, DetailsKey: details,
			CouponShares: coupons.codes[s.ID], Coupons: coupons.known[s.ID],
		}
		for _, key := range p.to.Keys.secrets.IdentifierKeys {
			message.IdentifierKeys = append(message.IdentifierKeys, &bundlev1.IdentifierKey{Epoch: key.Epoch, Key: key.Key})
		}
		part, _, err := p.messagePart(ctx, bundlev1.PartKind_PART_KIND_STORE, bundle.KindStore, message, p.ledger.Stores[s.ID])
		if err != nil {
			return err
		}
		p.ledger.Stores[s.ID] = part
	}
	return nil
}

func (p *publication) messagePart(ctx context.Context, kind bundlev1.PartKind, record bundle.Kind, message proto.Message, last *part) (now *part, fresh bool, err error) {
	data, err := marshal.Marshal(message)
	if err != nil {
		return nil, false, err
	}
	content := sha256.Sum256(data)
	if last != nil && slices.Equal(last.Content, content[:]) {
		return last, false, nil
	}
	records, err := bundle.Pieces(record, message)
	if err != nil {
		return nil, false, err
	}
	if now, err = p.writePart(ctx, kind, content[:], nil, records); err != nil {
		return nil, false, err
	}
	p.ledger.drop(p.to.Now, last)
	return now, true, nil
}

// writePart writes one part under a fresh key; its pieces are safely where stores read when it returns.
func (p *publication) writePart(ctx context.Context, kind bundlev1.PartKind, content []byte, customers *bundlev1.CustomersHeader, records bundle.Records) (*part, error) {
	key := bundle.Key(random(32))
	out := newPieces(ctx, p.bucket)
	var names [][32]byte
	w, err := bundle.NewPartWriter(kind, key, func(digest [32]byte, data []byte) error {
		names = append(names, digest)
		return out.put(digest, data)
	})
	if err != nil {
		return nil, err
	}
	var sealed *bundlev1.SealedPart
	if err = w.WriteAll(records); err == nil {
		sealed, err = w.Finish(customers)
	}
	if waitErr := out.wait(); waitErr != nil {
		err = waitErr
	}
	if err != nil {
		return nil, err
	}
	p.report.Pieces += out.count
	p.report.Bytes += out.bytes
	return newPart(key, sealed, content, names, out.bytes), nil
}

// progressEvery is how many records pass between two reports of progress.
const progressEvery = 4096

// counted reports progress as records pass, and ends when ctx does.
func (p *publication) counted(ctx context.Context, step string, total int64, records bundle.Records) bundle.Records {
	return func(yield func(bundle.Record, error) bool) {
		done := int64(0)
		for r, err := range records {
			if done++; done%progressEvery == 0 {
				p.progress(step, done, total)
				if err == nil {
					err = ctx.Err()
				}
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
		p.progress(step, done, total)
	}
}

func (p *publication) progress(step string, done, total int64) {
	if p.to.Progress != nil {
		p.to.Progress(step, done, total)
	}
}

// manifests makes every server's next manifest, and notes its version in the ledger.
func (p *publication) manifests() (map[string][]byte, error) {
	files := make(map[string][]byte)
	p.report.Versions = make(map[string]uint64)
	validFor := p.to.ValidFor
	if validFor == 0 {
		validFor = defaultValidFor
	}
	p.report.ExpiresAt = p.to.Now.Add(validFor)
	for _, s := range p.to.Keys.Servers() {
		m, err := p.manifest(s)
		if err != nil {
			return nil, err
		}
		payload, err := marshal.Marshal(m)
		if err != nil {
			return nil, err
		}
		if files[s.ID], err = bundle.Sign(bundlev1.SignedKind_SIGNED_KIND_MANIFEST, p.to.Keys.Chain(), p.to.Keys.signing, payload); err != nil {
			return nil, err
		}
		p.ledger.Versions[s.ID], p.report.Versions[s.ID] = m.GetVersion(), m.GetVersion()
	}
	return files, nil
}

func (p *publication) manifest(s Server) (m *bundlev1.Manifest, err error) {
	chain := p.to.Keys.Chain()
	m = &bundlev1.Manifest{
		ChainId: chain[:], ServerId: s.ID, Store: s.Store, Version: p.ledger.Versions[s.ID] + 1, Format: bundle.Format,
		IssuedAt: timestamppb.New(p.to.Now), ExpiresAt: timestamppb.New(p.report.ExpiresAt),
		Customers: &bundlev1.CustomersPart{StateDigest: p.ledger.State.Digest, SnapshotState: p.ledger.SnapshotState},
		LaneHead:  p.in.LaneThrough,
	}
	if m.Customers.Snapshot, err = p.ledger.Snapshot.sealedFor(s, chain); err != nil {
		return nil, err
	}
	for _, c := range p.ledger.Changes {
		sealed, err := c.Part.sealedFor(s, chain)
		if err != nil {
			return nil, err
		}
		m.Customers.Deltas = append(m.Customers.Deltas, &bundlev1.DeltaPart{FromState: c.From, ToState: c.To, Part: sealed})
	}
	if m.Programme, err = p.ledger.Programme.sealedFor(s, chain); err != nil {
		return nil, err
	}
	m.StorePart, err = p.ledger.Stores[s.ID].sealedFor(s, chain)
	return m, err
}

// sign writes the signed files: the keyset, then every server's manifest.
func (p *publication) sign(ctx context.Context, manifests map[string][]byte) error {
	if err := write(ctx, p.bucket, bundle.KeysetPath, p.to.Keys.keyset); err != nil {
		return err
	}
	for i, s := range p.to.Keys.Servers() {
		if err := write(ctx, p.bucket, bundle.ManifestPath(s.ID), manifests[s.ID]); err != nil {
			return err
		}
		p.progress("servers", int64(i+1), int64(len(manifests)))
	}
	return nil
}
