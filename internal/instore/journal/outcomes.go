package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// RecordedOutcome is what became of a late word.
type RecordedOutcome struct {
	// Replayed: this very word was recorded before.
	Replayed bool
	// Another: another word stands under the key; nothing was recorded.
	Another bool
}

// RecordOutcome keeps what came of a suggestion after the receipt, until it has gone up, and answers when it is on disk. Key is what makes it the
// same wherever it arrives, and said what was said. Its entries count once, by their ids; beside goes up with it. Errors: ErrFull; ErrUnavailable and ctx's error, after which the same may simply be sent
// again; ErrDamaged; ErrClosed.
func (j *Journal) RecordOutcome(ctx context.Context, key, said []byte, o *outcomev1.LateOutcome, beside ...*outcomev1.LateOutcome) (out RecordedOutcome, err error) {
	if len(key) == 0 || o.GetOutcome() == nil {
		return out, errors.New("journal: a late outcome needs a key and what came of what")
	}
	if err := j.room(fullForReceipts); err != nil {
		return out, err
	}
	id, hash := sha256.Sum256(key), sha256.Sum256(said)
	at := j.Time().Best()
	err = j.update(ctx, func(w *writer) error {
		out = RecordedOutcome{}
		had, err := w.get(inOutcomes, id[:16])
		if err != nil {
			return err
		}
		if had != nil {
			out.Replayed = bytes.HasSuffix(had, hash[:16])
			out.Another = !out.Replayed
			return nil
		}
		number, err := w.append(&outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Outcome{Outcome: o}})
		if err != nil {
			return err
		}
		for i, e := range o.GetEntries() {
			if err := w.indexEntry(number, i, e, false); err != nil {
				return err
			}
		}
		if err := w.beside(beside); err != nil {
			return err
		}
		return w.put(inOutcomes, id[:16], append(binary.AppendVarint(nil, at.UnixNano()), hash[:16]...))
	})
	if err == nil && !out.Replayed && !out.Another {
		j.recorded.Store(at.UnixNano())
		j.nudge()
	}
	return out, err
}

// beside adds rows that are about nobody.
func (w *writer) beside(outcomes []*outcomev1.LateOutcome) error {
	for _, o := range outcomes {
		if _, err := w.append(&outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Outcome{Outcome: o}}); err != nil {
			return err
		}
	}
	return nil
}
