package generation

import (
	"fmt"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// Release is all that one manifest names, ready to answer: customers, programme and what is this server's alone. It never changes; a till's
// question is answered from one release from beginning to end. It is used between [Active.Acquire] and the call of what that returned.
type Release struct {
	// The verified manifest.
	Manifest *bundlev1.Manifest
	// The digest of the signed manifest file: the name of the release.
	Digest [32]byte
	// What the customers rest on: cut-offs, cut points, age.
	Header *bundlev1.CustomersHeader
	// The programme as published.
	Programme *programmev1.Programme
	// The digest of the programme part's header: the same in every release with the same programme part.
	ProgrammeDigest [32]byte
	// The key decision tickets are sealed under.
	TicketKey []byte
	// What is this server's alone, identifier keys among it.
	Store *bundlev1.StorePart
	// What the assembly compiled from the programme before the release was switched to.
	Prepared any

	file    *File
	cutOffs map[journalLife]cutOff
	refs    atomic.Int64
	done    func()
}

// journalLife is one life of one server's journal.
type journalLife struct {
	server      string
	incarnation [16]byte
}

type cutOff struct{ ledgerThrough, receiptsThrough uint64 }

// Parts are what [NewRelease] puts together. All are handed over and must not change.
type Parts struct {
	// The verified manifest and the digest of its file.
	Manifest *bundlev1.Manifest
	Digest   [32]byte
	// The header of the customers.
	Header *bundlev1.CustomersHeader
	// The opened programme and store parts.
	Programme *bundlev1.ProgrammePart
	Store     *bundlev1.StorePart
	// What was compiled from the programme.
	Prepared any
}

// NewRelease puts a release together. It takes a reference of its own to the file, and holds it until it was replaced, stepped back from or
// closed, and the last who uses it is done. It answers [ErrClosed] for a file nobody holds.
func NewRelease(file *File, p Parts) (*Release, error) {
	if !file.Hold() {
		return nil, ErrClosed
	}
	r := &Release{
		Manifest: p.Manifest, Digest: p.Digest, Header: p.Header, Programme: p.Programme.GetProgramme(), TicketKey: p.Programme.GetTicketKey(),
		ProgrammeDigest: [32]byte(p.Manifest.GetProgramme().GetHeaderDigest()), Store: p.Store, Prepared: p.Prepared,
		file: file, cutOffs: make(map[journalLife]cutOff, len(p.Header.GetCutOffs())),
	}
	for _, c := range p.Header.GetCutOffs() {
		if len(c.GetIncarnation()) == 16 {
			r.cutOffs[journalLife{c.GetServerId(), [16]byte(c.GetIncarnation())}] = cutOff{c.GetLedgerThrough(), c.GetReceiptsThrough()}
		}
	}
	r.refs.Store(1)
	r.done = r.release
	return r, nil
}

// Account is the account of an id, as published. It answers [ErrNotFound] when there is none, and [ErrDamaged] when the file cannot say: the
// previous release may ([Active.AcquirePrevious]).
func (r *Release) Account(id [16]byte) (*customerv1.Account, error) {
	account := new(customerv1.Account)
	if err := r.message(bundle.KindAccount, id, account); err != nil {
		return nil, err
	}
	return account, nil
}

// Identifier is what the hash of an identifier leads to, as published. Errors as with [Release.Account].
func (r *Release) Identifier(hash [16]byte) (*customerv1.Identifier, error) {
	identifier := new(customerv1.Identifier)
	if err := r.message(bundle.KindIdentifier, hash, identifier); err != nil {
		return nil, err
	}
	return identifier, nil
}

// Erased reports whether the owner of an identifier was erased. The hash is made with the key that never rotates. It answers [ErrDamaged] when
// the file cannot say.
func (r *Release) Erased(hash [16]byte) (bool, error) {
	err := r.file.lookup(bundle.KindErased, hash[:], func([]byte) error { return nil })
	if err == ErrNotFound { //nolint:errorlint // lookup answers exactly this one
		return false, nil
	}
	return err == nil, err
}

func (r *Release) message(kind bundle.Kind, key [16]byte, into proto.Message) error {
	return r.file.lookup(kind, key[:], func(value []byte) error {
		if err := proto.Unmarshal(value, into); err != nil {
			return fmt.Errorf("%s as head office published it: %w", kind, err)
		}
		return nil
	})
}

// CutOff is up to where the release has counted one life of a server's journal: in balances and contacts, and in scores. 0 for a life it knows
// nothing of.
func (r *Release) CutOff(server string, incarnation [16]byte) (ledgerThrough, receiptsThrough uint64) {
	c := r.cutOffs[journalLife{server, incarnation}]
	return c.ledgerThrough, c.receiptsThrough
}

// File is the file the release answers from.
func (r *Release) File() *File { return r.file }

// Drop lets go of a release that was never switched to.
func (r *Release) Drop() { r.release() }

func (r *Release) release() {
	if r.refs.Add(-1) == 0 {
		r.file.Release()
	}
}
