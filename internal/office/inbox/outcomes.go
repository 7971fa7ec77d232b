package inbox

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// Outcome is what came of a suggestion, told after its receipt.
type Outcome struct {
	// ServerID is who delivered it first.
	ServerID string
	// Told is what was told.
	Told *outcomev1.LateOutcome
}

// outcomeKey is what makes a late outcome the same wherever it arrives: the receipt or the decision, the suggestion, the kind.
func outcomeKey(o *outcomev1.LateOutcome) []byte {
	about := []byte(o.GetDecisionId())
	if o.GetReceipt() != nil {
		about = loyalty.KeyBytes(o.GetReceipt())
	}
	h := sha256.New()
	for _, part := range [][]byte{about, []byte(o.GetOutcome().GetSuggestionId()), {byte(o.GetKind())}} {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)[:16]
}

// takeOutcome notes where a late outcome lies; whoever delivers it first is the one that counts.
func (t *transaction) takeOutcome(at place, o *outcomev1.LateOutcome) error {
	key := outcomeKey(o)
	if known, err := t.get(inOutcomes, key); known != nil || err != nil {
		return err
	}
	for _, e := range o.GetEntries() {
		if err := t.takeEntry(at, [16]byte{}, &outcomev1.RecordedReceipt{}, e); err != nil {
			return err
		}
	}
	if err := t.heard(o.GetAccountId(), int32(o.GetOccurredAt().GetSeconds()/secondsADay), o.GetOutcome()); err != nil {
		return err
	}
	return t.put(inOutcomes, key, at.key())
}

// Outcomes visits every late outcome once. After an error the visit ends.
func (c *Cut) Outcomes() iter.Seq2[Outcome, error] {
	servers := map[uint32]string{}
	for _, s := range c.streams {
		servers[s.held.number] = s.server
	}
	return visits(func(visit func(Outcome) (bool, error)) error {
		return c.t.each(inOutcomes, nil, nil, func(_, value []byte) (bool, error) {
			at, err := decodePlace(value)
			if err != nil {
				return false, fmt.Errorf("%w: outcomes: %w", ErrDamaged, err)
			}
			message, err := c.t.row(at)
			if err != nil {
				return false, err
			}
			return visit(Outcome{ServerID: servers[at.stream], Told: message.GetOutcome()})
		})
	})
}
