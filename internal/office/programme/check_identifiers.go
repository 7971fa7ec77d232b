package programme

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/identify"
)

// identifiers looks at how scanned codes are recognised.
func (c *checker) identifiers() {
	rules := c.p.GetIdentifiers()
	if len(rules) == 0 {
		c.doubtful("identifiers", "Write a rule such as {name: card, kind: card, starts_with: \"29001\", length: 13, check: gs1}.",
			"nothing says what a customer's card looks like, so no scan is recognised")
	}
	names := map[string]string{}
	for i, r := range rules {
		path := entry("identifiers", i)
		if first, again := names[r.GetName()]; again {
			c.wrong(path+".name", "Give each rule a name of its own.", "`%s` is also the name of the rule at %s", clip(r.GetName()), c.line(first))
		} else {
			names[r.GetName()] = path
		}
		before := len(c.problems)
		c.identifier(path, r)
		if len(c.problems) == before {
			c.compiles(path, r)
		}
		c.reachable(path, i)
	}
}

// identifier looks at one rule.
func (c *checker) identifier(path string, r *programmev1.IdentifierRule) {
	c.country(path+".country", r.GetCountry())
	if spoken(r.GetKind()) {
		c.noForm(path, r)
		return
	}
	if r.GetStartsWith() == "" && r.GetPattern() == "" && r.GetLink() == "" && r.GetLength() == 0 {
		c.lacks(path, "Write starts_with and length, or pattern, or link.", "nothing says what the code looks like, so it would match any")
	}
	if r.GetStartsWith() != "" && r.GetPattern() != "" {
		c.wrong(path+".pattern", "Keep one of the two.", "a rule has either starts_with or pattern")
	}
	if length := int(r.GetLength()); length > 0 && len(r.GetStartsWith()) > length {
		c.wrong(path+".length", "Look at both.", "starts_with alone has %d characters", len(r.GetStartsWith()))
	}
	if _, err := regexp.Compile(r.GetPattern()); err != nil {
		c.wrong(path+".pattern", "Look at its brackets and signs.", "it cannot be used: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	if link, err := url.Parse(r.GetLink()); r.GetLink() != "" && (err != nil || link.Host == "" || link.Scheme != "https" && link.Scheme != "http") {
		c.wrong(path+".link", "Write the whole beginning, such as https://shop.example/card/.", "`%s` is not the beginning of a link", clip(r.GetLink()))
	}
	c.issued(path+".issued", r)
}

// spoken reports whether a kind is typed in by its own rules, so that a form of the code means nothing.
func spoken(kind programmev1.IdentifierKind) bool {
	return slices.Contains([]programmev1.IdentifierKind{
		programmev1.IdentifierKind_IDENTIFIER_KIND_PHONE,
		programmev1.IdentifierKind_IDENTIFIER_KIND_EMAIL,
		programmev1.IdentifierKind_IDENTIFIER_KIND_POSTCODE_AND_HOUSE_NUMBER,
	}, kind)
}

// noForm refuses the form of a code where there is none.
func (c *checker) noForm(path string, r *programmev1.IdentifierRule) {
	written := []struct {
		name string
		set  bool
	}{
		{"starts_with", r.GetStartsWith() != ""},
		{"pattern", r.GetPattern() != ""},
		{"link", r.GetLink() != ""},
		{"length", r.GetLength() != 0},
		{"issued", r.GetIssued() != nil},
	}
	for _, w := range written {
		if w.set {
			c.wrong(path+"."+w.name, "Take it out.", "`%s` is for cards and vouchers: how a %s is written is known", w.name, kindName(r.GetKind()))
		}
	}
	if r.GetKind() == programmev1.IdentifierKind_IDENTIFIER_KIND_PHONE && r.GetCountry() == "" {
		c.lacks(path, "Write the country whose numbers are typed without their prefix, such as `country: NL`.", "a phone rule needs a country")
	}
}

// kindName is a kind as it is written, with spaces.
func kindName(kind programmev1.IdentifierKind) string {
	return strings.ReplaceAll(word(kind.Descriptor().Values().ByNumber(kind.Number())), "_", " ")
}

// issued looks at the range of numbers that were handed out.
func (c *checker) issued(path string, r *programmev1.IdentifierRule) {
	issued := r.GetIssued()
	if issued == nil {
		return
	}
	switch first := issued.GetFirst(); {
	case r.GetLength() > 0 && len(first) != int(r.GetLength()):
		c.wrong(path, "Write the numbers with all their digits, check digit included.", "its numbers have %d digits, and length says %d", len(first), r.GetLength())
	case !strings.HasPrefix(first, r.GetStartsWith()) || !strings.HasPrefix(issued.GetLast(), r.GetStartsWith()):
		c.wrong(path, "Look at both.", "its numbers do not all begin with %s, as starts_with says", r.GetStartsWith())
	}
}

// compiles refuses what the store's own reader of codes would refuse.
func (c *checker) compiles(path string, r *programmev1.IdentifierRule) {
	if r.GetKind() == programmev1.IdentifierKind_IDENTIFIER_KIND_UNSPECIFIED {
		return // the rules say so
	}
	_, err := identify.Compile([]*programmev1.IdentifierRule{r})
	if err == nil {
		return
	}
	c.wrong(path, "", "the rule cannot be used: %s", reason(err, identify.ErrRule))
}

// reachable warns of a rule that never matches, because an earlier one takes all its codes.
func (c *checker) reachable(path string, i int) {
	r := c.p.GetIdentifiers()[i]
	if spoken(r.GetKind()) || r.GetPattern() != "" || r.GetLink() != "" || r.GetStartsWith() == "" {
		return
	}
	for _, e := range c.p.GetIdentifiers()[:i] {
		if spoken(e.GetKind()) || e.GetPattern() != "" || e.GetLink() != "" || e.GetCheck() != r.GetCheck() {
			continue
		}
		if strings.HasPrefix(r.GetStartsWith(), e.GetStartsWith()) && (e.GetLength() == 0 || e.GetLength() == r.GetLength()) {
			c.doubtful(path, "Put it before that one.", "it never matches, because the rule `%s` above it takes all its codes", clip(e.GetName()))
			return
		}
	}
}
