package loyalty

import (
	"slices"
	"strings"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// GroupSet is a set of product groups: bit i stands for the i-th of the programme's groups. Nil is the empty set.
type GroupSet []uint64

// Has reports whether the i-th group is in the set.
func (s GroupSet) Has(i int) bool {
	return i/64 < len(s) && s[i/64]&(1<<(i%64)) != 0
}

// Meets reports whether the sets share a group.
func (s GroupSet) Meets(other GroupSet) bool {
	for i := range min(len(s), len(other)) {
		if s[i]&other[i] != 0 {
			return true
		}
	}
	return false
}

// Groups finds the product groups an article belongs to. It is immutable and safe for use by many goroutines.
type Groups struct {
	index    map[string]int
	words    int // length of a set
	exact    map[string]GroupSet
	prefixes []prefixes
	globs    []glob
}

// prefixes are the patterns with one star, at the end, whose fixed part is as long.
type prefixes struct {
	length int
	sets   map[string]GroupSet
}

// glob is any other pattern, and its group.
type glob struct {
	parts []string // what stands between the stars
	group int
}

// CompileGroups prepares the patterns of a programme's product groups, in the order of the programme.
func CompileGroups(groups []*programmev1.ProductGroup) *Groups {
	g := &Groups{index: make(map[string]int, len(groups)), words: (len(groups) + 63) / 64, exact: map[string]GroupSet{}}
	for i, group := range groups {
		g.index[group.GetName()] = i
		for _, patterns := range group.GetPatterns() {
			for _, pattern := range strings.Fields(patterns) {
				g.add(pattern, i)
			}
		}
	}
	slices.SortFunc(g.prefixes, func(a, b prefixes) int { return a.length - b.length })
	return g
}

// add files one pattern where it is found fastest.
func (g *Groups) add(pattern string, group int) {
	star := strings.IndexByte(pattern, '*')
	switch {
	case star < 0:
		g.exact[pattern] = g.with(g.exact[pattern], group)
	case star == len(pattern)-1:
		sets := g.ofLength(star)
		sets[pattern[:star]] = g.with(sets[pattern[:star]], group)
	default:
		g.globs = append(g.globs, glob{parts: strings.Split(pattern, "*"), group: group})
	}
}

// ofLength returns the patterns whose fixed part is as long.
func (g *Groups) ofLength(length int) map[string]GroupSet {
	for _, p := range g.prefixes {
		if p.length == length {
			return p.sets
		}
	}
	p := prefixes{length: length, sets: map[string]GroupSet{}}
	g.prefixes = append(g.prefixes, p)
	return p.sets
}

// with returns the set with one group more.
func (g *Groups) with(s GroupSet, group int) GroupSet {
	if s == nil {
		s = make(GroupSet, g.words)
	}
	s[group/64] |= 1 << (group % 64)
	return s
}

// Index returns the place of a group in the programme.
func (g *Groups) Index(name string) (int, bool) {
	i, ok := g.index[name]
	return i, ok
}

// Set returns the named groups as a set. Names the programme does not declare are left out; a programme was checked for them.
func (g *Groups) Set(names []string) GroupSet {
	var s GroupSet
	for _, name := range names {
		if i, ok := g.index[name]; ok {
			s = g.with(s, i)
		}
	}
	return s
}

// Of returns the groups of each line: by the article's group, or by its code where the till knows no group. The sets belong to the
// caller.
func (g *Groups) Of(lines []*outcomev1.Line) []GroupSet {
	sets := make([]GroupSet, len(lines))
	if g.words == 0 {
		return sets
	}
	bits := make(GroupSet, g.words*len(lines))
	for i, line := range lines {
		sets[i] = bits[i*g.words : (i+1)*g.words]
		article := line.GetGroup()
		if article == "" {
			article = line.GetSku()
		}
		g.find(article, sets[i])
	}
	return sets
}

// find adds the groups of one article.
func (g *Groups) find(article string, into GroupSet) {
	unite(into, g.exact[article])
	for _, p := range g.prefixes {
		if p.length > len(article) {
			break
		}
		unite(into, p.sets[article[:p.length]])
	}
	for _, glob := range g.globs {
		if glob.matches(article) {
			into[glob.group/64] |= 1 << (glob.group % 64)
		}
	}
}

func unite(into, other GroupSet) {
	for i, word := range other {
		into[i] |= word
	}
}

// matches reports whether the article begins with the first part, ends with the last, and holds the others in between in order. The
// earliest place for each part is always as good as a later one.
func (p glob) matches(article string) bool {
	last := len(p.parts) - 1
	rest, ok := strings.CutPrefix(article, p.parts[0])
	if !ok {
		return false
	}
	for _, part := range p.parts[1:last] {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, p.parts[last])
}
