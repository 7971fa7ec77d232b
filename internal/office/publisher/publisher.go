// Package publisher cuts and signs what the stores get: every customer, the programme, and what is one server's alone, so that a till knows its
// regulars without asking head office.
//
// It owns the chain's keys (a folder of files, see [Keys]), the ledger of what was published (a file in the state folder, with the last state of
// all customers beside it), and the layout stores read: keyset.skm, servers/<id>/current.skm, chunks/<aa>/<sha256>.
//
// What it promises: pieces are written first, then the ledger, then the keyset, each server's manifest last, so that no store ever sees a manifest
// whose pieces are not there. A server's version only rises, over crashes and over a lost state folder too. Whoever goes on from an older state gets
// the changes since; a new server gets a snapshot. A publication that fails leaves the stores with what they have, and can be run again.
//
// It does not decide what is true about a customer, it does not talk to stores, and it starts no goroutine that outlives a call.
package publisher

import (
	"errors"
	"iter"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

var (
	// ErrNoChain is returned when a folder holds no keys yet.
	ErrNoChain = errors.New("no chain's keys here")
	// ErrChainExists is returned when keys would be overwritten.
	ErrChainExists = errors.New("a chain's keys are here already")
	// ErrKeyFile is returned when a key file cannot be read as what its name says.
	ErrKeyFile = errors.New("not a usable key file")
	// ErrServerName is returned when a server's name is not one: lower-case letters, digits and hyphens, at most 63.
	ErrServerName = errors.New("not a server's name")
	// ErrServerExists is returned when a server was enrolled before.
	ErrServerExists = errors.New("server was enrolled before")
	// ErrNoServers is returned when there is nobody to publish to.
	ErrNoServers = errors.New("no server is enrolled")
	// ErrOrder is returned when accounts do not come in the order of their ids.
	ErrOrder = errors.New("accounts out of order")
	// ErrInput is returned when what is to be published is not complete.
	ErrInput = errors.New("cannot be published")
	// ErrLedger is returned when the ledger of what was published cannot be read.
	ErrLedger = errors.New("ledger of publications is damaged")
)

// Account is one customer to publish.
type Account struct {
	// The account's id.
	ID [16]byte
	// What is published about it.
	Account *customerv1.Account
}

// Identifier is one card, phone, e-mail or address to publish. It is hashed here; what a store gets does not show it.
type Identifier struct {
	// Its namespace.
	Namespace string
	// Its canonical form.
	Canonical string
	// What is published about it. Where several records have the same identifier, its accounts are joined, at most 8, and the rest is the first's.
	Identifier *customerv1.Identifier
}

// Inputs are what a publication is cut from.
type Inputs struct {
	// The programme, checked.
	Programme *programmev1.Programme
	// All accounts, ascending by id.
	Accounts iter.Seq2[Account, error]
	// All identifiers, in any order. They are held in memory while they are sorted: about 100 bytes each.
	Identifiers iter.Seq2[Identifier, error]
	// The suppression list: hashes of the identifiers of erased customers, made with the content key, which never rotates. In any order; may be nil.
	Erased iter.Seq2[[16]byte, error]
	// Up to where each journal is counted in the accounts.
	CutOffs []*bundlev1.CutOff
	// Coupons that servers were heard to give, in any order that is always the same.
	Coupons []GivenCoupon
	// The cut points the accounts were scored with; nil under imported scores.
	CutPoints *customerv1.CutPoints
	// The newest lane record worked into the accounts, and the newest that erased a customer.
	LaneThrough, ErasedThrough uint64
	// The age of the data.
	DataAsOf time.Time
	// How many accounts to expect, for the progress; 0 when unknown.
	Total int64
}

// Target is where a publication goes, and how.
type Target struct {
	// The chain's keys, with the servers enrolled.
	Keys *Keys
	// Where the ledger and the last state are kept: a folder of head office's own.
	StateDir string
	// Where stores read: a folder, or the URL of a bucket (file:///…, s3://…).
	Bundles string
	// The time of the publication.
	Now time.Time
	// How long a manifest holds before stores call themselves stale. 0 means 14 days.
	ValidFor time.Duration
	// After how many publications a new snapshot is cut; between, changes are enough. 0 means 7, 1 means always.
	SnapshotEvery int
	// Called now and then with what is being done; total is 0 when unknown. May be nil.
	Progress func(step string, done, total int64)
}

const (
	defaultValidFor      = 14 * 24 * time.Hour
	defaultSnapshotEvery = 7
	// maxChanges is how many changes a manifest names: who is further behind takes the snapshot, which is less to fetch by then.
	maxChanges = 35
	// keepDropped is how long pieces stay that no manifest names any more, for stores in the middle of fetching them.
	keepDropped = 72 * time.Hour
)

// Report says what a publication was.
type Report struct {
	// The digest of the state of all customers.
	State [32]byte
	// What the state holds.
	Accounts, Identifiers, Erased uint64
	// Changed, new and gone records since the publication before; -1 when there was none, or when identifiers are hashed anew.
	Changes int64
	// Whether a snapshot was cut.
	Snapshot bool
	// Whether the programme is another than before.
	NewProgramme bool
	// What was written, in pieces and bytes.
	Pieces int
	Bytes  int64
	// The version of each server's manifest.
	Versions map[string]uint64
	// When the manifests expire.
	ExpiresAt time.Time
	// How long it took.
	Took time.Duration
}
