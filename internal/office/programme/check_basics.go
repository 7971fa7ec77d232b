package programme

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// readyMade are the languages that ready-made texts exist in.
var readyMade = []string{"nl", "fr", "de", "en"}

// basics looks at what holds for the whole chain.
func (c *checker) basics() {
	if c.p.GetProfiling() == programmev1.Profiling_PROFILING_UNSPECIFIED {
		c.doubtful("profiling", "Write `profiling: consent` or `profiling: legitimate_interest`.",
			"no basis for profiling is chosen, and there is no default: every customer is treated as one who objected, without segment or suggestion")
	}
	c.timeZone("time_zone", c.p.GetTimeZone())
	for i, l := range c.p.GetLanguages() {
		if !slices.Contains(readyMade, l) {
			c.doubtful(entry("languages", i), "Write out every text that customers of this language should read.",
				"there are no ready-made texts in `%s`, only in %s", clip(l), list(readyMade, "and"))
		}
	}
}

// timeZone refuses a zone that no clock knows.
func (c *checker) timeZone(path, zone string) {
	if zone == "" {
		return
	}
	if _, err := time.LoadLocation(zone); err != nil || strings.EqualFold(zone, "local") {
		c.wrong(path, "Write its IANA name, such as Europe/Amsterdam.", "`%s` is not a time zone", clip(zone))
	}
}

// stores looks at the shops.
func (c *checker) stores() {
	for i, s := range c.p.GetStores() {
		path := entry("stores", i)
		c.timeZone(path+".time_zone", s.GetTimeZone())
		c.country(path+".country", s.GetCountry())
	}
}

// country refuses two letters that are no country's.
func (c *checker) country(path, code string) {
	if len(code) != 2 || strings.ToUpper(code) != code {
		return // the rules say so
	}
	if region, err := language.ParseRegion(code); err != nil || !region.IsCountry() {
		c.wrong(path, "Write its ISO 3166 code, such as NL.", "`%s` is not a country", code)
	}
}

// longestPattern bounds a pattern: no article group or SKU is longer.
const longestPattern = 64

// groups looks at the patterns of product groups.
func (c *checker) groups() {
	for i, g := range c.p.GetGroups() {
		for k, pattern := range g.GetPatterns() {
			if len(pattern) > longestPattern {
				c.wrong(entry(entry("groups", i)+".patterns", k), "Shorten it.", "`%s` is longer than any article group: more than %d characters", clip(pattern), longestPattern)
			}
		}
	}
}

// overlap reports whether some article can be in both of two product groups.
func overlap(a, b *programmev1.ProductGroup) bool {
	for _, x := range a.GetPatterns() {
		for _, y := range b.GetPatterns() {
			if len(x) <= longestPattern && len(y) <= longestPattern && meet(x, y) {
				return true
			}
		}
	}
	return false
}

// meet reports whether some text matches both of two patterns in which `*` stands for any characters. It fills a table, row by row, of which
// beginnings of the two can match the same text: a star takes nothing, or what the other pattern has next.
func meet(a, b string) bool {
	row := make([]bool, len(b)+1)
	for i := range len(a) + 1 {
		diagonal := false
		for k := range len(b) + 1 {
			up, left := i > 0 && row[k], k > 0 && row[k-1]
			star := i > 0 && a[i-1] == '*' || k > 0 && b[k-1] == '*'
			same := i > 0 && k > 0 && a[i-1] == b[k-1]
			now := i+k == 0 || star && (up || left) || same && diagonal
			diagonal, row[k] = up, now
		}
	}
	return row[len(b)]
}

// group is the product group of a name, or nil.
func (c *checker) group(name string) *programmev1.ProductGroup {
	for _, g := range c.p.GetGroups() {
		if g.GetName() == name {
			return g
		}
	}
	return nil
}

// period refuses a last day before the first.
func (c *checker) period(path string, from, until int32) {
	if from != 0 && until != 0 && until < from {
		c.wrong(path+".until", "Look at the two dates.", "it ends on %s, before it begins on %s", Day(until), Day(from))
	}
}
