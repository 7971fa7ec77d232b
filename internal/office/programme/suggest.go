package programme

import (
	"slices"
	"strings"
)

// suggest is the remedy for a word that is not known: the nearest of the known ones, else a list of them.
func suggest(got string, known []string) string {
	if best := nearest(got, known); best != "" {
		return "Did you mean `" + best + "`?"
	}
	if len(known) == 0 {
		return ""
	}
	const most = 16
	listed := slices.Clone(known)
	rest := ""
	if len(listed) > most {
		listed, rest = listed[:most], ", …"
	}
	return "Known here: " + strings.Join(listed, ", ") + rest + "."
}

// nearest is the known word that differs least from what was written, or "" when none is near.
func nearest(got string, known []string) string {
	lower := strings.ReplaceAll(strings.ToLower(got), "-", "_")
	best, least := "", 1+max(1, min(3, len(lower)/3))
	for _, k := range known {
		plain := strings.ReplaceAll(strings.ToLower(k), "-", "_")
		if d := distance(lower, plain); d < least {
			best, least = k, d
		}
	}
	if best != "" || len(lower) < 3 {
		return best
	}
	for _, k := range known {
		if strings.HasPrefix(k, lower) || strings.HasPrefix(lower, k) && len(k) >= 3 {
			return k
		}
	}
	return ""
}

// distance counts the letters to add, drop, change or swap with their neighbour between two short words (optimal string alignment). Words longer
// than any name count as far apart.
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, above[j]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
