package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// KeepDetails keeps contact details, sealed for head office, until they have gone up. The same customer, kind and time again is replayed: nothing
// is kept twice.
func (j *Journal) KeepDetails(ctx context.Context, d *outcomev1.SubmittedDetails) (replayed bool, err error) {
	subject, known := detailsSubject(d)
	if !known || d.GetOccurredAt() == nil || len(d.GetSealed()) == 0 {
		return false, errors.New("journal: details need an account or identifier of 16 bytes, a time, and what was sealed")
	}
	if err := j.room(fullForReceipts); err != nil {
		return false, err
	}
	what := binary.AppendVarint([]byte{byte(d.GetKind())}, d.GetOccurredAt().AsTime().UnixNano())
	err = j.update(ctx, func(w *writer) error {
		replayed = false
		prefix := localPrefix(subject, localDetails)
		err := w.scan(inLocal, prefix[:], func(_, had []byte) (bool, error) {
			replayed = bytes.Equal(had, what)
			return !replayed, nil
		})
		if err != nil || replayed {
			return err
		}
		number, err := w.append(&outcomev1.OutboxRow{Row: &outcomev1.OutboxRow_Details{Details: d}})
		if err != nil {
			return err
		}
		return w.put(inLocal, localKey(subject, localDetails, number, 0), what)
	})
	if err == nil && !replayed {
		j.recorded.Store(j.cfg.Now().UnixNano())
		j.nudge()
	}
	return replayed, err
}

// detailsSubject is whose details these are.
func detailsSubject(d *outcomev1.SubmittedDetails) (id [16]byte, known bool) {
	switch {
	case len(d.GetAccountId()) == 16:
		return [16]byte(d.GetAccountId()), true
	case len(d.GetIdHash()) == 16:
		return [16]byte(d.GetIdHash()), true
	}
	return id, false
}
