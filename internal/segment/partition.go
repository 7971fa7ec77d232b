package segment

import (
	"slices"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// ProblemKind says what is wrong with one code of a segment map.
type ProblemKind int

const (
	// Missing means that no segment claims the code: customers with these scores would belong nowhere.
	Missing ProblemKind = iota
	// Doubled means that the code is claimed more than once, be it by one segment.
	Doubled
	// Malformed means that what is written is no code: not three scores, or scores that do not exist.
	Malformed
)

// Claim is one place where a code is written: the i-th code of the s-th segment, both counted from 0.
type Claim struct {
	Segment, Code int
}

// Problem is one code that keeps segments from being a partition.
type Problem struct {
	Kind ProblemKind
	// Code is as it is written ("555", or "10-9-1" where there are more than nine scores).
	Code string
	// Claims are the places where it is written, in the order of the segments; none for a missing code.
	Claims []Claim
}

// Problems proves that segments share out all combinations of n scores (0 means DefaultScores), each to exactly one segment: it returns nothing
// then, and otherwise every code at fault: first what is no code, then the doubled ones, then the missing ones, each from the highest scores
// down. Without segments every code is missing. For an n outside MinScores to MaxScores it returns nothing: Compile refuses that n.
func Problems(segments []*programmev1.Segment, n int) []Problem {
	if n == 0 {
		n = DefaultScores
	}
	if n < MinScores || n > MaxScores {
		return nil
	}
	m := &Map{n: n}
	claims := make([][]Claim, n*n*n)
	var malformed, doubled, missing []Problem
	for s, seg := range segments {
		for c, written := range seg.GetCodes() {
			scores, err := ParseCode(written, n)
			if err != nil {
				malformed = append(malformed, Problem{Kind: Malformed, Code: written, Claims: []Claim{{s, c}}})
				continue
			}
			claims[m.index(scores)] = append(claims[m.index(scores)], Claim{s, c})
		}
	}
	for i, by := range slices.Backward(claims) {
		switch code := m.scores(i).String(); {
		case len(by) == 0:
			missing = append(missing, Problem{Kind: Missing, Code: code})
		case len(by) > 1:
			doubled = append(doubled, Problem{Kind: Doubled, Code: code, Claims: by})
		}
	}
	return slices.Concat(malformed, doubled, missing)
}
