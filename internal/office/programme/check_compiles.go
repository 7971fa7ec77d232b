package programme

import (
	"errors"
	"regexp"
	"strings"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/decision"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// compile refuses what a store could not use, by the store's own code: further conditions that cannot be evaluated, and earn rules that cannot
// be reckoned with. Each is compiled by itself, so that the finding stands on its line.
func (c *checker) compile() {
	found := c.problems.Errors()
	for i, campaign := range c.p.GetCampaigns() {
		if campaign.GetWhen().GetAlso() != "" {
			c.also(entry("campaigns", i)+".when.also", campaign.GetWhen().GetAlso())
		}
	}
	if len(found) > 0 {
		return // rules at fault were named already
	}
	if _, err := loyalty.Compile(c.p); err != nil {
		c.wrong("points.earn", "", "%s", reason(err, loyalty.ErrRule))
	}
}

// also compiles one further condition with nothing around it but what it may speak of.
func (c *checker) also(path, condition string) {
	alone := &programmev1.Programme{
		Groups: c.p.GetGroups(), Traits: c.p.GetTraits(),
		Campaigns: []*programmev1.Campaign{{Code: "also", When: &programmev1.Condition{Also: condition}}},
	}
	if _, err := decision.Compile(alone); err != nil {
		c.wrong(path, "docs/writing-a-programme.md lists what a condition may speak of.", "it cannot be evaluated: %s", reason(err, decision.ErrCampaign))
	}
}

var celPlace = regexp.MustCompile(`^ERROR: <input>:([0-9]+):([0-9]+): `)

// reason is what an error says after its sentinel, on one line.
func reason(err, sentinel error) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, sentinel.Error()+": "); ok && errors.Is(err, sentinel) {
		text = after
	}
	text, _, _ = strings.Cut(strings.TrimPrefix(text, "also: "), "\n")
	return celPlace.ReplaceAllString(strings.TrimSuffix(text, " (in container '')"), "")
}
