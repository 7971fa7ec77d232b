package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/office/publisher"
)

// RotateKeys draws new keys for what head office signs: manifests, urgent words, or both. Stores take what either the old or the new keys sign, until
// [RetireKeys]. It needs the chain's root key.
func RotateKeys(ctx context.Context, home Home, manifest, lane bool, now time.Time, to io.Writer) error {
	keys, targets, err := home.signing()
	if err != nil {
		return err
	}
	if err := keys.Rotate(manifest, lane, now); err != nil {
		return err
	}
	for _, target := range targets {
		if err := publisher.WriteKeyset(ctx, keys, target); err != nil {
			return err
		}
	}
	fmt.Fprintf(to, "What is signed from now on is signed with new keys; stores take both.\nOn their way out:\n%sPublish, and then retire them: stamklant-office keys retire. A key that was stolen: at once.\n", listed(keys.Retiring()))
	return nil
}

// RetireKeys ends the overlap: from when the keyset reaches a store on, nothing is taken there that a key before the last rotation signs. Urgent words
// that one had signed are signed anew, so that a store that was away can follow. It needs the chain's root key, and a release since the rotation.
func RetireKeys(ctx context.Context, home Home, now time.Time, to io.Writer) error {
	keys, targets, err := home.signing()
	if err != nil {
		return err
	}
	retiring, words := keys.Retiring(), 0
	if len(retiring) == 0 {
		return publisher.ErrNothingToRetire
	}
	for _, target := range targets {
		resigned, err := publisher.Resign(ctx, keys, target)
		if err != nil {
			return err
		}
		words += resigned
	}
	if err := keys.Retire(now); err != nil {
		return err
	}
	for _, target := range targets {
		if err := publisher.WriteKeyset(ctx, keys, target); err != nil {
			return err
		}
	}
	fmt.Fprintf(to, "Retired:\n%s%d urgent words were signed anew. A store that was away catches up by itself.\n", listed(retiring), words)
	return nil
}

// listed names keys, one a line.
func listed(keys []*bundlev1.SigningKey) string {
	var text strings.Builder
	for _, key := range keys {
		signs := make([]string, 0, 2)
		for _, kind := range key.GetMaySign() {
			signs = append(signs, map[bundlev1.SignedKind]string{
				bundlev1.SignedKind_SIGNED_KIND_MANIFEST: "manifests", bundlev1.SignedKind_SIGNED_KIND_LANE: "urgent words",
			}[kind])
		}
		fmt.Fprintf(&text, "  key %x, for %s\n", key.GetKeyId(), strings.Join(signs, " and "))
	}
	return text.String()
}

// signing is the chain's keys, and all the places that stores read what they sign from.
func (h Home) signing() (keys *publisher.Keys, targets []string, err error) {
	if err := h.require(); err != nil {
		return nil, nil, err
	}
	if keys, err = publisher.LoadKeys(h.Keys()); err != nil {
		return nil, nil, err
	}
	targets = []string{h.Bundles()}
	other, err := os.ReadFile(h.lastTarget())
	if err == nil && string(other) != h.Bundles() {
		targets = append(targets, string(other))
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	return keys, targets, nil
}
