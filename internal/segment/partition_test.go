package segment_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/segment"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	all := strings.Fields("222 221 212 211 122 121 112 111")
	for _, tc := range []struct {
		name     string
		segments [][]string
		n        int
		want     string
	}{
		{"a partition", [][]string{all[:3], all[3:]}, 2, ""},
		{"one code deleted", [][]string{all[:3], all[4:]}, 2, "missing 211"},
		{"one doubled by two segments", [][]string{all, {"212"}}, 2, "doubled 212 [{0 2} {1 0}]"},
		{"one doubled in one segment", [][]string{append(slices.Clone(all), "222")}, 2, "doubled 222 [{0 0} {0 8}]"},
		{"one deleted and one doubled", [][]string{all[1:], {"111"}}, 2, "doubled 111 [{0 6} {1 0}], missing 222"},
		{"not codes", [][]string{append(slices.Clone(all), "23", "223", "abc", "0-1-1")}, 2, "malformed 23 [{0 8}], malformed 223 [{0 9}], malformed abc [{0 10}], malformed 0-1-1 [{0 11}]"},
		{"a segment without codes", [][]string{all, nil}, 2, ""},
		{"none at all", nil, 2, "missing 222, missing 221, missing 212, missing 211, missing 122, missing 121, missing 112, missing 111"},
		{"too few scores to ask", nil, 1, ""},
		{"too many scores to ask", nil, 11, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := tell(segment.Problems(segmentsOf(tc.segments), tc.n)); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestProblemsAtTenScores(t *testing.T) {
	t.Parallel()
	var codes []string
	for r := 1; r <= 10; r++ {
		for f := 1; f <= 10; f++ {
			for m := 1; m <= 10; m++ {
				codes = append(codes, fmt.Sprintf("%d-%d-%d", r, f, m))
			}
		}
	}
	if got := segment.Problems(segmentsOf([][]string{codes}), 10); len(got) > 0 {
		t.Errorf("a thousand codes: %s", tell(got))
	}
	codes[999] = "10-9-1"
	if got, want := tell(segment.Problems(segmentsOf([][]string{codes}), 10)), "doubled 10-9-1 [{0 980} {0 999}], missing 10-10-10"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestProblemsAgainstCounting deals codes out at random, loses and doubles some, and counts them the slow way.
func TestProblemsAgainstCounting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 10).Draw(t, "n")
		segments := make([][]string, rapid.IntRange(1, 12).Draw(t, "segments"))
		count := map[string]int{}
		deal := func(code string) {
			s := rapid.IntRange(0, len(segments)-1).Draw(t, "segment")
			segments[s] = append(segments[s], code)
			count[code]++
		}
		for i := range n * n * n {
			code := spell(i/n/n+1, i/n%n+1, i%n+1)
			count[code] = 0
			if rapid.IntRange(0, 19).Draw(t, "lose") > 0 {
				deal(code)
			}
		}
		codes := slices.Sorted(maps.Keys(count))
		for _, code := range rapid.SliceOfN(rapid.SampledFrom(codes), 0, 5).Draw(t, "again") {
			deal(code)
		}
		for _, p := range segment.Problems(segmentsOf(segments), n) {
			want, known := count[p.Code]
			switch {
			case !known || len(p.Claims) != want:
				t.Fatalf("%s has %d claims, counted %d", p.Code, len(p.Claims), want)
			case p.Kind == segment.Missing && want != 0, p.Kind == segment.Doubled && want < 2, p.Kind == segment.Malformed:
				t.Fatalf("%s is called %d, counted %d", p.Code, p.Kind, want)
			}
			for _, c := range p.Claims {
				if segments[c.Segment][c.Code] != p.Code {
					t.Fatalf("claim %v of %s points at %s", c, p.Code, segments[c.Segment][c.Code])
				}
			}
			delete(count, p.Code)
		}
		for code, times := range count {
			if times != 1 {
				t.Fatalf("%s, counted %d, is not among the problems", code, times)
			}
		}
		_, err := segment.Compile(segmentsOf(segments), n)
		if proven := len(segment.Problems(segmentsOf(segments), n)) == 0; proven != (err == nil) {
			t.Fatalf("proven %v, but compiled with %v", proven, err)
		}
	})
}

func spell(r, f, m int) string {
	if max(r, f, m) > 9 {
		return fmt.Sprintf("%d-%d-%d", r, f, m)
	}
	return fmt.Sprintf("%d%d%d", r, f, m)
}

func segmentsOf(codes [][]string) []*programmev1.Segment {
	var out []*programmev1.Segment
	for i, c := range codes {
		out = append(out, &programmev1.Segment{Code: fmt.Sprintf("s%d", i), Codes: c})
	}
	return out
}

func tell(problems []segment.Problem) string {
	kinds := map[segment.ProblemKind]string{segment.Missing: "missing", segment.Doubled: "doubled", segment.Malformed: "malformed"}
	var out []string
	for _, p := range problems {
		text := kinds[p.Kind] + " " + p.Code
		if p.Claims != nil {
			text += fmt.Sprint(" ", p.Claims)
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}
