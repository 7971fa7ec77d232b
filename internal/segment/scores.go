package segment

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
)

const (
	// DefaultScores is how many scores a dimension has when the programme names no number.
	DefaultScores = 5
	// MinScores is the fewest a dimension may have: below two there is nothing to tell apart.
	MinScores = 2
	// MaxScores is the most a dimension may have.
	MaxScores = 10
)

// ErrCode is returned when a combination of scores is not written as three scores within range.
var ErrCode = errors.New("not a combination of scores")

// Scores are the three scores of one account, each from 1 to the programme's number of scores; more is better. The zero value stands
// for an account that has no scores.
type Scores struct {
	// R is the recency score: the highest for who was here last.
	R int
	// F is the frequency score.
	F int
	// M is the monetary score.
	M int
}

// Score returns the scores of three measured values under the cut points: frequency and money score one more than the number of cut
// points below the value, recency the number of scores less the cut points below the days. Equal values get equal scores. Without cut
// points, when nobody was scored, it returns the zero Scores.
func Score(days, frequency, monetaryMinor int64, cuts *customerv1.CutPoints) Scores {
	r, f, m := cuts.GetRecencyDays(), cuts.GetFrequency(), cuts.GetMonetaryMinor()
	if len(r) == 0 || len(f) == 0 || len(m) == 0 {
		return Scores{}
	}
	return Scores{
		R: len(r) + 1 - below(r, days),
		F: 1 + below(f, frequency),
		M: 1 + below(m, monetaryMinor),
	}
}

// Of returns the scores of published values as of the day the cut points were made. Values that are absent, or that never saw a receipt,
// have no scores.
func Of(values *customerv1.Values, cuts *customerv1.CutPoints) Scores {
	if values == nil || values.GetLastReceiptDay() == 0 {
		return Scores{}
	}
	days := int64(cuts.GetAsOfDay()) - int64(values.GetLastReceiptDay())
	return Score(max(days, 0), values.GetFrequency(), values.GetMonetaryMinor(), cuts)
}

// below counts the cut points less than v.
func below(cuts []int64, v int64) int {
	n := 0
	for _, q := range cuts {
		if q < v {
			n++
		}
	}
	return n
}

// String writes the scores as the segment map does: "555", or "10-9-1" when one of them has two digits.
func (s Scores) String() string {
	if s.R > 9 || s.F > 9 || s.M > 9 {
		return fmt.Sprintf("%d-%d-%d", s.R, s.F, s.M)
	}
	return fmt.Sprintf("%d%d%d", s.R, s.F, s.M)
}

// ParseCode reads a combination of scores, R F M, as the segment map writes it: three digits ("543"), or scores joined by dashes
// ("10-9-1", "5-4-3"). Each must lie in 1..n. It returns ErrCode, wrapped with what is wrong, for anything else.
func ParseCode(code string, n int) (Scores, error) {
	parts := strings.Split(code, "-")
	if len(parts) == 1 && len(code) == 3 {
		parts = []string{code[:1], code[1:2], code[2:]}
	}
	if len(parts) != 3 {
		return Scores{}, fmt.Errorf("%w: %q: write recency, frequency and money, as in %q", ErrCode, code, example(n))
	}
	var scores [3]int
	for i, part := range parts {
		score, err := strconv.ParseUint(part, 10, 8)
		if err != nil || part[0] == '0' || score > uint64(n) {
			return Scores{}, fmt.Errorf("%w: %q: %q is not a score from 1 to %d", ErrCode, code, part, n)
		}
		scores[i] = int(score)
	}
	return Scores{R: scores[0], F: scores[1], M: scores[2]}, nil
}

// example is a combination as one writes it with n scores.
func example(n int) string { return Scores{R: n, F: n, M: 1}.String() }
