package programme

import (
	"slices"
	"strings"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/decision"
)

// asked looks at whether a question can be put to anybody at all.
func (c *checker) asked(path string, kind programmev1.SurveyKind, campaign *programmev1.Campaign) {
	ask := campaign.GetAsk()
	byLink := slices.Contains(ask.GetOn(), programmev1.AskOn_ASK_ON_RECEIPT_LINK)
	switch {
	case len(decision.Places(ask)) == 0:
		c.lacks(path+".ask", "Write `link: shop.example/v/{id}`, or ask on the pin_pad, the display or by the cashier too.",
			"the question can never be asked: a link on the receipt needs the address of a page")
	case ask.GetLink() == "":
	case strings.Count(ask.GetLink(), decision.LinkID) != 1:
		c.wrong(path+".ask.link", "Write `shop.example/v/{id}`.", "without {id} no answer would lead back to its question")
	case strings.Contains(ask.GetLink(), "://") || strings.ContainsAny(ask.GetLink(), " |"):
		c.wrong(path+".ask.link", "Leave out `https://` and spaces.", "it is printed as it stands, and opened by https")
	case stranger(ask.GetLink()) != 0:
		c.wrong(path+".ask.link", "Use plain letters.", "%s is not on every printer", spellOut(stranger(ask.GetLink())))
	case len(ask.GetOn()) > 0 && !byLink:
		c.doubtful(path+".ask.link", "Add receipt_link to `on`, or leave the link out.", "nothing asks by a link")
	case decision.LinkLength(ask.GetLink()) > receiptRoom.width:
		c.doubtful(path+".ask.link", "Choose a shorter address.", "with the question's id it has %d characters, a receipt line has %d: only tills that print bar codes ask by it",
			decision.LinkLength(ask.GetLink()), receiptRoom.width)
	}
	unspoken := kind == programmev1.SurveyKind_SURVEY_KIND_YES_NO || kind == programmev1.SurveyKind_SURVEY_KIND_CHOICE
	if unspoken && len(campaign.GetSay().GetDisplay()) == 0 {
		c.doubtful(path, "Write the question under `say.display`.", "the question has no words: customers would read only that there is one")
	}
}
