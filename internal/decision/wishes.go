package decision

import "time"

// ObjectionHolds is how long an objection also wins over what was agreed after it: clocks of tills differ, and of two slips of paper filled in on one
// day nobody knows which was the later.
const ObjectionHolds = 24 * time.Hour

// Agreed is whether a customer agrees to a purpose: what was published, and over it the newest objection and the newest agreement since; zero times
// for none. The latest counts, but an objection also wins over an agreement of the 24 hours after it.
func Agreed(published bool, objected, agreed time.Time) bool {
	switch {
	case !objected.IsZero() && (agreed.IsZero() || agreed.Before(objected.Add(ObjectionHolds))):
		return false
	case !agreed.IsZero():
		return true
	default:
		return published
	}
}
