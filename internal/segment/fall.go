package segment

import customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"

// Rank returns the place of a segment among those of the programme, 0 for the best, which stands first.
func (m *Map) Rank(code string) (place int, known bool) {
	place, known = m.rank[code]
	return place, known
}

// Worse reports whether one segment is worse than another: it stands later in the programme. A segment the programme does not have is
// neither worse nor better than any.
func (m *Map) Worse(code, than string) bool {
	a, known := m.rank[code]
	b, compared := m.rank[than]
	return known && compared && a > b
}

// Current returns an account's segment on a day (days since 1970-01-01): what its values make under the cut points, unless that is a
// fall which is held back on that day; then it is the segment from which the account is to fall. It is Prospect for values that never saw a
// receipt.
func (m *Map) Current(values *customerv1.Values, memory *customerv1.Memory, cuts *customerv1.CutPoints, day int32) string {
	code := m.Lookup(Of(values, cuts))
	if memory.GetFallHeldUntilDay() >= day && m.Worse(code, memory.GetPreviousSegment()) {
		return memory.GetPreviousSegment()
	}
	return code
}
