package publisher

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gocloud.dev/blob"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// ledgerFile is the ledger's name in the state folder.
const ledgerFile = "published.json"

const ledgerComment = "What was published last, with the keys of its parts. Needed to publish changes instead of everything; head office only."

// ledger is what must be known of past publications.
type ledger struct {
	Comment string `json:"comment"`
	// The highest version each server's manifest ever had.
	Versions map[string]uint64 `json:"versions"`
	// The state stores have by now.
	State *stateFile `json:"state,omitempty"`
	// The newest snapshot, and which state it holds.
	Snapshot      *part  `json:"snapshot,omitempty"`
	SnapshotState []byte `json:"snapshot_state,omitempty"`
	// The changes manifests name, oldest first.
	Changes []change `json:"changes,omitempty"`
	// How many publications there were since the snapshot, and the bytes of their changes.
	SinceSnapshot int `json:"since_snapshot"`
	// The programme, and each server's own.
	Programme *part            `json:"programme,omitempty"`
	Stores    map[string]*part `json:"stores"`
	// Parts that no manifest names any more, whose pieces are still there.
	Dropped []dropped `json:"dropped,omitempty"`
}

// part is one published part.
type part struct {
	// SHA-256 of what is in it, to see when it is the same as before; empty for customers.
	Content []byte `json:"content,omitempty"`
	// The part's key.
	Key []byte `json:"key"`
	// How manifests name it.
	HeaderDigest []byte `json:"header_digest"`
	HeaderLength uint32 `json:"header_length"`
	// Its pieces, header included, and their bytes.
	Pieces []string `json:"pieces"`
	Bytes  int64    `json:"bytes"`
}

// change is one published step between two states.
type change struct {
	From []byte `json:"from"`
	To   []byte `json:"to"`
	Part *part  `json:"part"`
}

// dropped is pieces to be removed.
type dropped struct {
	At     time.Time `json:"at"`
	Pieces []string  `json:"pieces"`
}

// stateFile is the last state of all customers, in a file beside the ledger.
type stateFile struct {
	Name                          string `json:"name"`
	Digest                        []byte `json:"digest"`
	Key                           []byte `json:"key"`
	HeaderDigest                  []byte `json:"header_digest"`
	HeaderLength                  uint32 `json:"header_length"`
	IdentifierEpoch               uint32 `json:"identifier_epoch"`
	Accounts, Identifiers, Erased uint64
}

// readLedger reads the ledger of a state folder; an empty one where there is none.
func readLedger(dir string) (*ledger, error) {
	l := &ledger{Comment: ledgerComment}
	path := filepath.Join(dir, ledgerFile)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(data, l); err != nil {
			return nil, fmt.Errorf("%s: %w: %w", path, ErrLedger, err)
		}
	}
	if l.Versions == nil {
		l.Versions = make(map[string]uint64)
	}
	if l.Stores == nil {
		l.Stores = make(map[string]*part)
	}
	return l, nil
}

func (l *ledger) write(dir string) error {
	return writeJSON(filepath.Join(dir, ledgerFile), l, 0o600)
}

// forget starts anew: the next publication is a snapshot. Versions stay.
func (l *ledger) forget(now time.Time) {
	l.drop(now, l.Snapshot)
	for _, c := range l.Changes {
		l.drop(now, c.Part)
	}
	l.State, l.Snapshot, l.SnapshotState, l.Changes, l.SinceSnapshot = nil, nil, nil, nil, 0
}

// drop notes a part's pieces for removal.
func (l *ledger) drop(now time.Time, p *part) {
	if p != nil {
		l.Dropped = append(l.Dropped, dropped{now.UTC(), p.Pieces})
	}
}

// expire takes out the pieces that were dropped long enough ago.
func (l *ledger) expire(now time.Time) (names []string) {
	l.Dropped = slices.DeleteFunc(l.Dropped, func(d dropped) bool {
		old := now.Sub(d.At) > keepDropped
		if old {
			names = append(names, d.Pieces...)
		}
		return old
	})
	return names
}

// changed adds a step, and drops the oldest beyond what a manifest names; those after the snapshot's state always stay.
func (l *ledger) changed(now time.Time, c change) {
	l.Changes = append(l.Changes, c)
	for len(l.Changes) > maxChanges && !slices.Equal(l.Changes[0].From, l.SnapshotState) {
		l.drop(now, l.Changes[0].Part)
		l.Changes = l.Changes[1:]
	}
}

// changeBytes is how much a server fetches that goes on from the snapshot.
func (l *ledger) changeBytes() (bytes int64) {
	for _, c := range slices.Backward(l.Changes) {
		bytes += c.Part.Bytes
		if slices.Equal(c.From, l.SnapshotState) {
			break
		}
	}
	return bytes
}

// present reports whether the pieces the ledger relies on are where stores read; they are not after the bucket was emptied or another was chosen.
func (l *ledger) present(ctx context.Context, bucket *blob.Bucket) (bool, error) {
	parts := []*part{l.Snapshot, l.Programme}
	for _, c := range l.Changes {
		parts = append(parts, c.Part)
	}
	for _, p := range parts {
		if p == nil {
			continue
		}
		if ok, err := bucket.Exists(ctx, bundle.Path([32]byte(p.HeaderDigest))); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// sealedFor is how one server's manifest names the part: with its key sealed to that server.
func (p *part) sealedFor(s Server, chain bundle.ChainID) (*bundlev1.SealedPart, error) {
	wrapped, err := bundle.SealKey(s.PublicKey, bundle.ForPart(chain, s.ID, [32]byte(p.HeaderDigest)), bundle.Key(p.Key))
	if err != nil {
		return nil, fmt.Errorf("server %s: %w", s.ID, err)
	}
	return &bundlev1.SealedPart{HeaderDigest: p.HeaderDigest, HeaderLength: p.HeaderLength, WrappedKey: wrapped}, nil
}

// newPart is a finished part as the ledger keeps it.
func newPart(key bundle.Key, sealed *bundlev1.SealedPart, content []byte, names [][32]byte, bytes int64) *part {
	p := &part{
		Content: content, Key: key[:], HeaderDigest: sealed.GetHeaderDigest(), HeaderLength: sealed.GetHeaderLength(), Bytes: bytes,
	}
	for _, name := range names {
		p.Pieces = append(p.Pieces, hex.EncodeToString(name[:]))
	}
	return p
}

// Version is the newest manifest version made for a server, 0 for none, by the state folder's ledger.
func Version(stateDir, server string) (uint64, error) {
	l, err := readLedger(stateDir)
	if err != nil {
		return 0, err
	}
	return l.Versions[server], nil
}
