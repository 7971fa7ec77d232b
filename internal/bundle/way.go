package bundle

import (
	"slices"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
)

// Way is how to get from a state to the one a manifest names: the changes to merge, oldest first, none when the state is the one already. ok
// is false when no change leads there; the snapshot does, and from the state the snapshot holds there is always a way.
func Way(c *bundlev1.CustomersPart, from [32]byte) (changes []*bundlev1.DeltaPart, ok bool) {
	if slices.Equal(c.GetStateDigest(), from[:]) {
		return nil, true
	}
	for i, d := range slices.Backward(c.GetDeltas()) {
		if slices.Equal(d.GetFromState(), from[:]) {
			return c.GetDeltas()[i:], true
		}
	}
	return nil, false
}

// Tip is the part whose header describes the state a manifest names: the last change, or the snapshot where there is none.
func Tip(c *bundlev1.CustomersPart) *bundlev1.SealedPart {
	if n := len(c.GetDeltas()); n > 0 {
		return c.GetDeltas()[n-1].GetPart()
	}
	return c.GetSnapshot()
}
