package till

import (
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// bought books what was bought. What has to wait is reckoned all the same, by the rules and the time of the sale, and goes up for head office to count.
func (b *booking) bought(v *journal.View, before *standing, out *result) error {
	waits := b.waits()
	out.provisional = waits || b.who.earns() && b.outdated()
	if !b.who.earns() && (!waits || len(b.who.hashes) == 0) {
		return nil
	}
	if before == nil {
		before = &standing{}
	}
	entry, err := b.earnOn(v, before)
	switch {
	case err != nil:
		return err
	case out.provisional:
		out.parked = append(out.parked, entry)
	default:
		out.earned = entry.GetPoints()
		out.entries = append(out.entries, entry)
	}
	return nil
}

// waits reports whether head office has still to find out whose receipt it is.
func (b *booking) waits() bool {
	if b.who.erased {
		return false
	}
	switch b.who.outcome {
	case tillv1.Outcome_OUTCOME_UNKNOWN_CARD, tillv1.Outcome_OUTCOME_AMBIGUOUS:
		return b.receipt.GetIdentifier() != nil || b.req.GetAccountRef() != ""
	default:
		return false
	}
}

// outdated reports whether the receipt is so old that this server may have had it before and forgotten it: head office alone knows then. A clock that cannot be right makes none old.
func (b *booking) outdated() bool {
	return loyalty.Day(b.service.cfg.Journal.Time().Best().In(b.place.zone))-dayOf(b.receipt.GetKey().GetBusinessDate()) > journal.KeyDays
}

// trainingKey is the key of a receipt of a training. Its number stays free for the real sale after it, and for another training.
func trainingKey(key []byte, hash [32]byte) []byte {
	return append(append([]byte(nil), key...), hash[:]...)
}

// counted reports whether a receipt is more than practice.
func counted(r *outcomev1.Receipt) bool {
	return r.GetKind() != outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING
}
