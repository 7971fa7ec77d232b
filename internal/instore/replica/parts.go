package replica

import (
	"context"
	"fmt"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// openPart is a part whose header was read.
type openPart struct {
	key    bundle.Key
	header *bundlev1.PartHeader
}

// contents is what is small in a release, opened, and the sealed pieces it was opened from.
type contents struct {
	customers *bundlev1.CustomersHeader
	programme *bundlev1.ProgrammePart
	store     *bundlev1.StorePart
	pieces    map[[32]byte][]byte
}

// readContents opens the programme, the server's own and the header of the customers. fetch may answer from anywhere.
func (r *Replica) readContents(m *bundlev1.Manifest, fetch bundle.Fetch) (*contents, error) {
	c := &contents{pieces: make(map[[32]byte][]byte), programme: new(bundlev1.ProgrammePart), store: new(bundlev1.StorePart)}
	kept := func(digest [32]byte, length int) ([]byte, error) {
		data, err := fetch(digest, length)
		if err == nil {
			c.pieces[digest] = data
		}
		return data, err
	}
	programme, err := r.open(m.GetProgramme(), kept, bundlev1.PartKind_PART_KIND_PROGRAMME)
	if err != nil {
		return nil, fmt.Errorf("programme: %w", err)
	}
	if err := bundle.Join(bundle.KindProgramme, bundle.ReadPart(programme.header, programme.key, kept), c.programme); err != nil {
		return nil, fmt.Errorf("programme: %w", err)
	}
	store, err := r.open(m.GetStorePart(), kept, bundlev1.PartKind_PART_KIND_STORE)
	if err != nil {
		return nil, fmt.Errorf("store part: %w", err)
	}
	if err := bundle.Join(bundle.KindStore, bundle.ReadPart(store.header, store.key, kept), c.store); err != nil {
		return nil, fmt.Errorf("store part: %w", err)
	}
	if c.store.GetServerId() != r.anchor.Server {
		return nil, fmt.Errorf("store part of server %q: %w", c.store.GetServerId(), bundle.ErrWrongServer)
	}
	tip, err := r.open(bundle.Tip(m.GetCustomers()), kept, bundlev1.PartKind_PART_KIND_CUSTOMERS_SNAPSHOT, bundlev1.PartKind_PART_KIND_CUSTOMERS_DELTA)
	if err != nil {
		return nil, fmt.Errorf("customers: %w", err)
	}
	c.customers = tip.header.GetCustomers()
	if string(c.customers.GetStateDigest()) != string(m.GetCustomers().GetStateDigest()) {
		return nil, fmt.Errorf("customers: header of another state: %w", bundle.ErrDoesNotFit)
	}
	return c, nil
}

// open reads the header of a part, which must be of one of the kinds.
func (r *Replica) open(p *bundlev1.SealedPart, fetch bundle.Fetch, kinds ...bundlev1.PartKind) (*openPart, error) {
	use := bundle.ForPart(r.anchor.Chain, r.anchor.Server, [32]byte(p.GetHeaderDigest()))
	key, err := bundle.OpenKey(r.config.Enrolment.GetPrivateKey(), use, p.GetWrappedKey())
	if err != nil {
		return nil, fmt.Errorf("key of the part: %w", err)
	}
	header, err := bundle.ReadHeader(p, key, fetch)
	if err != nil {
		return nil, err
	}
	for _, kind := range kinds {
		if header.GetKind() == kind {
			return &openPart{key, header}, nil
		}
	}
	return nil, fmt.Errorf("part is a %s: %w", header.GetKind(), bundle.ErrDamaged)
}

// fetcher is [Replica.piece] within a context.
func (r *Replica) fetcher(ctx context.Context) bundle.Fetch {
	return func(digest [32]byte, length int) ([]byte, error) { return r.piece(ctx, digest, length) }
}

// fetcherFrom answers from the pieces of the release that serves before it fetches: what did not change is not fetched again.
func (r *Replica) fetcherFrom(ctx context.Context, have map[[32]byte][]byte) bundle.Fetch {
	return func(digest [32]byte, length int) ([]byte, error) {
		if data, ok := have[digest]; ok && len(data) == length {
			return data, nil
		}
		return r.piece(ctx, digest, length)
	}
}
