package segment

import "time"

// DefaultMonths is the length of the window in which receipts count when the programme names none.
const DefaultMonths = 12

// Window returns the first day of the trailing window of the given months (0 means DefaultMonths) that ends on, and includes, the day
// asOf: the day after the one that many months earlier. Where the earlier month is shorter its last day is taken: one month as of 31 March
// begins after 28 (or 29) February. Days count from 1970-01-01.
func Window(asOf int32, months int32) int32 {
	if months == 0 {
		months = DefaultMonths
	}
	end := time.Unix(int64(asOf)*86400, 0).UTC()
	firstOfMonth := time.Date(end.Year(), end.Month()-time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	lastOfMonth := firstOfMonth.AddDate(0, 1, -1)
	before := firstOfMonth.AddDate(0, 0, min(end.Day(), lastOfMonth.Day())-1)
	return int32(before.Unix()/86400) + 1
}
