package publisher

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// ErrNothingToRetire is returned when the keyset allows no key but those in use.
var ErrNothingToRetire = errors.New("no key to retire: the keyset allows only those in use")

// ErrStillSigned is returned when what stores would read is still signed by a key that is to be retired.
var ErrStillSigned = errors.New("still signed by a key that is to be retired: publish first")

// ErrOverlap is returned when keys would be rotated while the ones before are not retired yet.
var ErrOverlap = errors.New("the keys before are not retired yet")

// own are the keys in use, and what each may sign.
func (k *Keys) own() []*bundlev1.SigningKey {
	manifest, lane := publicKey(k.signing), publicKey(k.lane)
	if manifest.Equal(lane) {
		return []*bundlev1.SigningKey{allowed(manifest, bundlev1.SignedKind_SIGNED_KIND_MANIFEST, bundlev1.SignedKind_SIGNED_KIND_LANE)}
	}
	return []*bundlev1.SigningKey{
		allowed(manifest, bundlev1.SignedKind_SIGNED_KIND_MANIFEST), allowed(lane, bundlev1.SignedKind_SIGNED_KIND_LANE),
	}
}

func allowed(public ed25519.PublicKey, kinds ...bundlev1.SignedKind) *bundlev1.SigningKey {
	id := bundle.KeyIDOf(public)
	return &bundlev1.SigningKey{KeyId: id[:], PublicKey: public, MaySign: kinds}
}

// Retiring is the keys that the keyset still allows and that are in use no more.
func (k *Keys) Retiring() []*bundlev1.SigningKey {
	keyset, err := k.present()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(keyset.GetKeys()), func(key *bundlev1.SigningKey) bool {
		return slices.ContainsFunc(k.own(), func(own *bundlev1.SigningKey) bool { return slices.Equal(own.GetKeyId(), key.GetKeyId()) })
	})
}

// present is the keyset in the folder.
func (k *Keys) present() (*bundlev1.Keyset, error) {
	return bundle.NewTrust(bundle.Anchor{Chain: k.Chain(), Root: k.root}, 0, [32]byte{}).Keyset(k.keyset)
}

// Rotate draws new keys, for manifests, for the lane, or for both, and signs a keyset that allows the old ones beside them: what is signed from now on
// is signed with the new. It needs the root key. [ErrOverlap] while the keys of the rotation before are not retired. Write the keyset to where stores
// read ([WriteKeyset]) before anything else is signed.
func (k *Keys) Rotate(manifest, lane bool, now time.Time) error {
	if len(k.Retiring()) > 0 {
		return ErrOverlap
	}
	next := &Keys{dir: k.dir, root: k.root, signing: k.signing, lane: k.lane}
	var drafts []string
	for _, one := range []struct {
		draw    bool
		file    string
		comment string
		key     *ed25519.PrivateKey
	}{{manifest, signingFile, signingComment, &next.signing}, {lane, laneFile, laneComment, &next.lane}} {
		if !one.draw {
			continue
		}
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		*one.key = key
		draft := filepath.Join(k.dir, one.file+".next")
		if err := writePEM(draft, one.comment, key); err != nil {
			return err
		}
		drafts = append(drafts, draft)
	}
	if !lane && publicKey(k.signing).Equal(publicKey(k.lane)) {
		next.lane = next.signing // a chain from before the lane had a key of its own
	}
	present, err := k.present()
	if err != nil {
		return err
	}
	if err := k.resign(append(next.own(), present.GetKeys()...), now); err != nil {
		return err
	}
	for _, draft := range drafts { // a crash before this leaves the old keys, which the new keyset allows
		if err := os.Rename(draft, draft[:len(draft)-len(".next")]); err != nil {
			return err
		}
	}
	k.signing, k.lane = next.signing, next.lane
	return nil
}

// Retire signs a keyset that allows only the keys in use: from when it reaches a store on, nothing that an older one signs is taken there. It needs
// the root key. [Resign] comes before it, [WriteKeyset] after. [ErrNothingToRetire] when there is none.
func (k *Keys) Retire(now time.Time) error {
	if len(k.Retiring()) == 0 {
		return ErrNothingToRetire
	}
	return k.resign(k.own(), now)
}

// WriteKeyset writes the keyset to where stores read.
func WriteKeyset(ctx context.Context, keys *Keys, bundles string) (err error) {
	bucket, err := openBucket(ctx, bundles)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bucket.Close()) }()
	return write(ctx, bucket, bundle.KeysetPath, keys.keyset)
}

// Resign makes sure, before keys are retired, that stores will be able to follow: every server's manifest must be signed by the key in use
// ([ErrStillSigned]), and lane records that an older key signed are signed anew. It answers how many those were.
func Resign(ctx context.Context, keys *Keys, bundles string) (resigned int, err error) {
	bucket, err := openBucket(ctx, bundles)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, bucket.Close()) }()
	for _, s := range keys.Servers() {
		manifest, err := read(ctx, bucket, bundle.ManifestPath(s.ID))
		if err != nil {
			return 0, err
		}
		if manifest != nil && !signedBy(manifest, keys.signing) {
			return 0, fmt.Errorf("%s in %s: %w", bundle.ManifestPath(s.ID), bundles, ErrStillSigned)
		}
	}
	for number := uint64(1); ; number++ {
		file, err := read(ctx, bucket, bundle.LanePath(number))
		if err != nil || len(file) < frameExtra {
			return resigned, err // the lane has no gaps
		}
		if signedBy(file, keys.lane) {
			continue
		}
		again, err := bundle.Sign(bundlev1.SignedKind_SIGNED_KIND_LANE, keys.Chain(), keys.lane, file[frameHeader:len(file)-ed25519.SignatureSize])
		if err != nil {
			return resigned, err
		}
		if err := write(ctx, bucket, bundle.LanePath(number), again); err != nil {
			return resigned, err
		}
		resigned++
	}
}

// signedBy reports whether a signed file says that a key signed it.
func signedBy(file []byte, key ed25519.PrivateKey) bool {
	id := bundle.KeyIDOf(publicKey(key))
	return len(file) >= frameExtra && bundle.KeyID(file[4:12]) == id
}

// A signed file begins with a magic, the id of its key and its length, and ends with the signature.
const (
	frameHeader = 4 + 8 + 4
	frameExtra  = frameHeader + ed25519.SignatureSize
)
