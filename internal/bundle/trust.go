package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
)

// Anchor is what a server was told when it was enrolled, and what all its trust hangs on.
type Anchor struct {
	// The chain.
	Chain ChainID
	// Its root key, which is kept offline.
	Root ed25519.PublicKey
	// This server.
	Server string
	// The store it stands in.
	Store string
}

// AnchorOf reads an enrolment. It answers [ErrWrongChain] when the chain is not the root key's.
func AnchorOf(e *bundlev1.Enrolment) (Anchor, error) {
	a := Anchor{Root: e.GetRootPublicKey(), Server: e.GetServerId(), Store: e.GetStore()}
	switch {
	case len(a.Root) != ed25519.PublicKeySize:
		return Anchor{}, fmt.Errorf("enrolment: root public key of %d bytes, %d needed: %w", len(a.Root), ed25519.PublicKeySize, ErrDamaged)
	case a.Server == "" || a.Store == "":
		return Anchor{}, fmt.Errorf("enrolment: no server or no store: %w", ErrDamaged)
	}
	a.Chain = ChainOf(a.Root)
	if !slices.Equal(a.Chain[:], e.GetChainId()) {
		return Anchor{}, fmt.Errorf("enrolment: chain is not the root key's: %w", ErrWrongChain)
	}
	return a, nil
}

// Trust takes a server from its anchor to a manifest it may run: root → keyset → manifest. It only verifies; who fetches hands it the bytes.
// After an error it is as it was before. Not for concurrent use.
type Trust struct {
	anchor   Anchor
	keyset   *bundlev1.Keyset
	keyFile  [32]byte
	version  uint64
	manifest [32]byte
}

// NewTrust starts from the anchor and the manifest of the highest version ever trusted here: its version, and the digest of its file. Version 0
// for none; a zero digest when it is not known.
func NewTrust(anchor Anchor, version uint64, manifest [32]byte) *Trust {
	return &Trust{anchor: anchor, version: version, manifest: manifest}
}

// Version is the highest manifest version trusted so far.
func (t *Trust) Version() uint64 { return t.version }

// Keyset verifies a keyset file and goes on with its keys. The same file again is fine; an older version answers [ErrOlder], another file with
// the same version [ErrSameVersion].
func (t *Trust) Keyset(file []byte) (*bundlev1.Keyset, error) {
	payload, err := Verify(bundlev1.SignedKind_SIGNED_KIND_KEYSET, t.anchor.Chain, t.rootKey, file)
	if err != nil {
		return nil, err
	}
	keyset := new(bundlev1.Keyset)
	if err := proto.Unmarshal(payload, keyset); err != nil {
		return nil, fmt.Errorf("keyset: %w: %w", ErrDamaged, err)
	}
	if err := t.checkKeyset(keyset); err != nil {
		return nil, fmt.Errorf("keyset: %w", err)
	}
	digest := sha256.Sum256(file)
	switch before := t.keyset.GetVersion(); {
	case keyset.GetVersion() < before:
		return nil, fmt.Errorf("keyset: version %d after %d: %w", keyset.GetVersion(), before, ErrOlder)
	case keyset.GetVersion() == before && digest != t.keyFile:
		return nil, fmt.Errorf("keyset: version %d: %w", before, ErrSameVersion)
	}
	t.keyset, t.keyFile = keyset, digest
	return keyset, nil
}

// Manifest verifies a manifest file against the keyset and everything trusted before, and trusts its version from now on. The same file again
// is fine.
func (t *Trust) Manifest(file []byte) (*bundlev1.Manifest, error) {
	m, err := t.Kept(file)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(file)
	switch v := m.GetVersion(); {
	case v < t.version:
		return nil, fmt.Errorf("manifest: version %d after %d: %w", v, t.version, ErrOlder)
	case v == t.version && t.manifest != [32]byte{} && digest != t.manifest:
		return nil, fmt.Errorf("manifest: version %d: %w", v, ErrSameVersion)
	case v >= math.MaxInt64 || v-t.version > MaxVersionJump:
		return nil, fmt.Errorf("manifest: version %d after %d: %w", v, t.version, ErrTooFar)
	}
	t.version, t.manifest = m.GetVersion(), digest
	return m, nil
}

// Kept verifies a manifest this server has run before, for a start without head office: everything but that its version rises.
func (t *Trust) Kept(file []byte) (*bundlev1.Manifest, error) {
	payload, err := Verify(bundlev1.SignedKind_SIGNED_KIND_MANIFEST, t.anchor.Chain, t.keyFor(bundlev1.SignedKind_SIGNED_KIND_MANIFEST), file)
	if err != nil {
		return nil, err
	}
	m := new(bundlev1.Manifest)
	if err := proto.Unmarshal(payload, m); err != nil {
		return nil, fmt.Errorf("manifest: %w: %w", ErrDamaged, err)
	}
	if err := t.checkManifest(m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return m, nil
}

// Lane verifies a lane record file and returns its payload.
func (t *Trust) Lane(file []byte) ([]byte, error) {
	return Verify(bundlev1.SignedKind_SIGNED_KIND_LANE, t.anchor.Chain, t.keyFor(bundlev1.SignedKind_SIGNED_KIND_LANE), file)
}

// Expired reports whether what should have been replaced by then has not been. Stores go on serving with it, marked stale.
func Expired(expires *timestamppb.Timestamp, now time.Time) bool {
	return expires != nil && now.After(expires.AsTime())
}

func (t *Trust) rootKey(id KeyID) ed25519.PublicKey {
	if id == KeyIDOf(t.anchor.Root) {
		return t.anchor.Root
	}
	return nil
}

func (t *Trust) keyFor(kind bundlev1.SignedKind) func(KeyID) ed25519.PublicKey {
	return func(id KeyID) ed25519.PublicKey {
		for _, key := range t.keyset.GetKeys() {
			if KeyID(key.GetKeyId()) == id && slices.Contains(key.GetMaySign(), kind) {
				return key.GetPublicKey()
			}
		}
		return nil
	}
}

// maxKeys is how many keys a keyset may hold; two overlap while one is replaced.
const maxKeys = 16

func (t *Trust) checkKeyset(k *bundlev1.Keyset) error {
	switch {
	case !slices.Equal(k.GetChainId(), t.anchor.Chain[:]):
		return ErrWrongChain
	case k.GetVersion() == 0 || len(k.GetKeys()) == 0 || len(k.GetKeys()) > maxKeys:
		return fmt.Errorf("version %d with %d keys: %w", k.GetVersion(), len(k.GetKeys()), ErrDamaged)
	case len(k.GetRecoveryPublicKey()) != 32:
		return fmt.Errorf("no recovery key: %w", ErrDamaged)
	}
	for _, key := range k.GetKeys() {
		if len(key.GetPublicKey()) != ed25519.PublicKeySize || len(key.GetKeyId()) != len(KeyID{}) || KeyID(key.GetKeyId()) != KeyIDOf(key.GetPublicKey()) {
			return fmt.Errorf("a key that is not its id's: %w", ErrDamaged)
		}
	}
	return nil
}

func (t *Trust) checkManifest(m *bundlev1.Manifest) error {
	switch {
	case !slices.Equal(m.GetChainId(), t.anchor.Chain[:]):
		return ErrWrongChain
	case m.GetServerId() != t.anchor.Server || m.GetStore() != t.anchor.Store:
		return fmt.Errorf("for server %q in store %q, this is %q in %q: %w", m.GetServerId(), m.GetStore(), t.anchor.Server, t.anchor.Store, ErrWrongServer)
	case m.GetFormat() > Format:
		return fmt.Errorf("format %d, this server knows %d: %w", m.GetFormat(), Format, ErrFormat)
	case m.GetFormat() == 0 || m.GetVersion() == 0 || m.GetIssuedAt() == nil || m.GetExpiresAt() == nil:
		return fmt.Errorf("no format, version or time: %w", ErrDamaged)
	}
	if err := checkPart("programme", m.GetProgramme()); err != nil {
		return err
	}
	if err := checkPart("store part", m.GetStorePart()); err != nil {
		return err
	}
	return checkCustomers(m.GetCustomers())
}

// maxWrapped bounds a wrapped key: HPKE takes 80 bytes.
const maxWrapped = 256

func checkPart(what string, p *bundlev1.SealedPart) error {
	switch {
	case len(p.GetHeaderDigest()) != sha256.Size || p.GetHeaderLength() <= tagSize || len(p.GetWrappedKey()) > maxWrapped:
		return fmt.Errorf("%s is not named: %w", what, ErrDamaged)
	case p.GetHeaderLength() > MaxHeader:
		return fmt.Errorf("%s: header of %d bytes, at most %d: %w", what, p.GetHeaderLength(), MaxHeader, ErrTooLarge)
	}
	return nil
}

// checkCustomers checks that the snapshot and the changes make one chain that ends in the state.
func checkCustomers(c *bundlev1.CustomersPart) error {
	if len(c.GetStateDigest()) != sha256.Size {
		return fmt.Errorf("customers: no state: %w", ErrDamaged)
	}
	if err := checkPart("customers", c.GetSnapshot()); err != nil {
		return err
	}
	if n := len(c.GetDeltas()); n > MaxDeltas {
		return fmt.Errorf("customers: %d changes, at most %d: %w", n, MaxDeltas, ErrTooLarge)
	}
	end, reached := c.GetSnapshotState(), slices.Equal(c.GetSnapshotState(), c.GetStateDigest())
	for i, d := range c.GetDeltas() {
		if err := checkPart("change of customers", d.GetPart()); err != nil {
			return err
		}
		if len(d.GetFromState()) != sha256.Size || len(d.GetToState()) != sha256.Size {
			return fmt.Errorf("customers: change %d names no states: %w", i, ErrDamaged)
		}
		if i > 0 && !slices.Equal(d.GetFromState(), end) {
			return fmt.Errorf("customers: change %d does not follow the one before: %w", i, ErrDoesNotFit)
		}
		reached = reached || slices.Equal(d.GetFromState(), c.GetSnapshotState())
		end = d.GetToState()
	}
	if len(c.GetSnapshotState()) != sha256.Size || !reached || !slices.Equal(end, c.GetStateDigest()) {
		return fmt.Errorf("customers: no way from the snapshot to the state: %w", ErrDoesNotFit)
	}
	return nil
}
