package programme

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestMeet tries every short text on two patterns. It stands inside the package, because nothing outside needs what it tests.
func TestMeet(t *testing.T) {
	t.Parallel()
	texts := []string{""}
	for i := 0; i < len(texts) && len(texts[i]) < 8; i++ {
		texts = append(texts, texts[i]+"1", texts[i]+"2")
	}
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[12*]{0,4}`)
		a, b := pattern.Draw(t, "a"), pattern.Draw(t, "b")
		matchA, matchB, want := glob(a), glob(b), false
		for _, text := range texts {
			want = want || matchA.MatchString(text) && matchB.MatchString(text)
		}
		if got := meet(a, b); got != want {
			t.Fatalf("%q and %q meet: %v, want %v", a, b, got, want)
		}
	})
}

func glob(pattern string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(pattern, "*", ".*") + "$")
}
