package programme

import (
	"fmt"
	"strings"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/segment"
)

// segments proves that every combination of scores belongs to exactly one segment. Where scores are imported with their segments, segments need
// no codes at all.
func (c *checker) segments() {
	imported := c.p.GetScoring().GetSource() == programmev1.ScoringSource_SCORING_SOURCE_IMPORTED
	n := int(c.p.GetScoring().GetScores())
	if n == 1 {
		c.wrong("scoring.scores", "Write 2 to 10, or leave it out for 5.", "one score tells nobody apart")
		return
	}
	codes := 0
	for i, s := range c.p.GetSegments() {
		codes += len(s.GetCodes())
		switch path := entry("segments", i); {
		case s.GetCode() == segment.Prospect && len(s.GetCodes()) > 0:
			c.wrong(path+".codes", "Leave the codes out.", "`prospect` is who has no receipt, and so no scores")
		case s.GetCode() != segment.Prospect && len(s.GetCodes()) == 0 && !imported:
			c.doubtful(path, "Give it codes, or take it out.", "no customer can be in this segment, because it claims no scores")
		}
	}
	if imported && codes == 0 {
		return
	}
	if n == 0 {
		n = segment.DefaultScores
	}
	c.partition(n)
}

// partition reports each code that keeps the segments from being a partition; missing ones together, because one slip often loses many.
func (c *checker) partition(n int) {
	var missing []string
	for _, p := range segment.Problems(c.p.GetSegments(), n) {
		switch p.Kind {
		case segment.Missing:
			missing = append(missing, p.Code)
		case segment.Doubled:
			c.doubled(p)
		case segment.Malformed:
			c.wrong(c.claim(p.Claims[0]), "Write recency, frequency and money as three scores from 1 to "+fmt.Sprint(n)+", such as "+top(n)+".",
				"`%s` is not a code of scores", clip(p.Code))
		}
	}
	if len(missing) == 0 {
		return
	}
	const most = 25
	named, rest := missing, ""
	if len(missing) > most {
		named, rest = missing[:most], fmt.Sprintf(" and %d more", len(missing)-most)
	}
	plural, them := "code", "it to the codes of one segment"
	if len(missing) > 1 {
		plural, them = "codes", "each to the codes of one segment"
	}
	if len(missing) == n*n*n {
		them = "codes to the segments, or start from eleven-segments"
	}
	c.wrong("segments", "Add "+them+".", "no segment claims the %s %s%s", plural, strings.Join(named, " "), rest)
}

// doubled reports a code that is claimed more than once, where the document claims it last.
func (c *checker) doubled(p segment.Problem) {
	last := p.Claims[len(p.Claims)-1]
	var by []string
	for _, claim := range p.Claims {
		path := c.claim(claim)
		if m, _ := c.doc.marks.nearest(path); m.given {
			last = claim
		}
		by = append(by, fmt.Sprintf("%s (%s)", c.p.GetSegments()[claim.Segment].GetCode(), c.line(path)))
	}
	c.wrong(c.claim(last), "Keep it in one of them.", "code %s is claimed %d times: by %s", p.Code, len(p.Claims), list(by, "and"))
}

// claim is the path of a code.
func (c *checker) claim(at segment.Claim) string {
	return entry(entry("segments", at.Segment)+".codes", at.Code)
}

// top is the code of the best scores.
func top(n int) string { return segment.Scores{R: n, F: n, M: n}.String() }
