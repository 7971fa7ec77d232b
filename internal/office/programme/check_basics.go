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

// groups looks at the patterns of product groups.
func (c *checker) groups() {
	for i, g := range c.p.GetGroups() {
		for k, pattern := range g.GetPatterns() {
			path := entry(entry("groups", i)+".patterns", k)
			if star := strings.IndexByte(pattern, '*'); star >= 0 && star < len(pattern)-1 {
				c.wrong(path, "Write what article groups begin with, and `*` after it.", "`%s` has a `*` before its end", clip(pattern))
			}
		}
	}
}

// overlap reports whether some article can be in both of two product groups.
func overlap(a, b *programmev1.ProductGroup) bool {
	for _, x := range a.GetPatterns() {
		for _, y := range b.GetPatterns() {
			px, openX := strings.CutSuffix(x, "*")
			py, openY := strings.CutSuffix(y, "*")
			switch {
			case openX && strings.HasPrefix(py, px), openY && strings.HasPrefix(px, py), x == y:
				return true
			}
		}
	}
	return false
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
