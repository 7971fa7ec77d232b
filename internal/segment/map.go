package segment

import (
	"errors"
	"fmt"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// Prospect is the segment of an account without a receipt. It stands outside the map: it needs no scores.
const Prospect = "prospect"

// ErrMap is returned when segments do not share out all combinations of scores, each to one segment.
var ErrMap = errors.New("segments do not share out all scores")

// Map leads from three scores to a segment. It is immutable and safe for use by many goroutines.
type Map struct {
	n    int
	code []string       // by index of R, F, M
	rank map[string]int // the best segment 0
}

// Compile builds the map of segments over n scores per dimension (0 means DefaultScores). Every combination must be claimed exactly
// once; otherwise it returns ErrMap, wrapped with the first combination at fault, and Problems names them all.
func Compile(segments []*programmev1.Segment, n int) (*Map, error) {
	if n == 0 {
		n = DefaultScores
	}
	if n < MinScores || n > MaxScores {
		return nil, fmt.Errorf("%w: %d scores per dimension, where %d to %d are possible", ErrMap, n, MinScores, MaxScores)
	}
	m := &Map{n: n, code: make([]string, n*n*n), rank: make(map[string]int, len(segments))}
	for i, s := range segments {
		m.rank[s.GetCode()] = i
		for _, written := range s.GetCodes() {
			scores, err := ParseCode(written, n)
			if err != nil {
				return nil, fmt.Errorf("segment %s: %w", s.GetCode(), err)
			}
			place := &m.code[m.index(scores)]
			if *place != "" {
				return nil, fmt.Errorf("%w: %s is claimed by %s and by %s", ErrMap, scores, *place, s.GetCode())
			}
			*place = s.GetCode()
		}
	}
	for i, code := range m.code {
		if code == "" {
			return nil, fmt.Errorf("%w: no segment claims %s", ErrMap, m.scores(i))
		}
	}
	return m, nil
}

// Lookup returns the code of the segment that claims the scores, and Prospect for an account without scores.
func (m *Map) Lookup(s Scores) string {
	if s.R < 1 || s.F < 1 || s.M < 1 || s.R > m.n || s.F > m.n || s.M > m.n {
		return Prospect
	}
	return m.code[m.index(s)]
}

// Scores returns how many scores each dimension has.
func (m *Map) Scores() int { return m.n }

// All yields every combination of scores with its segment, 111 first.
func (m *Map) All(yield func(Scores, string) bool) {
	for i, code := range m.code {
		if !yield(m.scores(i), code) {
			return
		}
	}
}

// index is the place of scores in the map.
func (m *Map) index(s Scores) int { return ((s.R-1)*m.n+s.F-1)*m.n + s.M - 1 }

// scores are what stands at a place of the map.
func (m *Map) scores(i int) Scores {
	return Scores{R: i/(m.n*m.n) + 1, F: i/m.n%m.n + 1, M: i%m.n + 1}
}
