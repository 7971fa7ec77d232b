package decision

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// identifier is what CEL takes as a name.
var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// variable is one name that a further condition may use, and how it gets its value.
type variable struct {
	name  string
	of    *cel.Type
	value func(*look) ref.Val
	about string // what it is, and what it is when nothing is known
	asks  asked  // of predictions and picture
}

// text is a variable that is a word.
func text(name, about string, value func(*look) string) variable {
	return variable{name: name, of: cel.StringType, about: about, value: func(l *look) ref.Val { return types.String(value(l)) }}
}

// number is a variable that is a whole number.
func number(name, about string, value func(*look) int64) variable {
	return variable{name: name, of: cel.IntType, about: about, value: func(l *look) ref.Val { return types.Int(value(l)) }}
}

// flag is a variable that is a yes or no.
func flag(name, about string, value func(*look) bool) variable {
	return variable{name: name, of: cel.BoolType, about: about, value: func(l *look) ref.Val { return types.Bool(value(l)) }}
}

// asking is a variable that reads a part of predictions or picture.
func (v variable) asking(field string) variable {
	v.asks = asked{field: field}
	return v
}

// variablesOf is every name a condition of the programme may use.
func variablesOf(p *programmev1.Programme) map[string]variable {
	all := slices.Concat(saleVariables(), customerVariables(), foretoldVariables(), pictureVariables())
	for _, trait := range p.GetTraits() {
		if identifier.MatchString(trait.GetName()) {
			all = append(all, traitVariable(trait))
		}
	}
	for i, group := range p.GetGroups() {
		if identifier.MatchString(group.GetName()) {
			all = append(all, groupVariables(i, group.GetName())...)
		}
	}
	table := make(map[string]variable, len(all))
	for _, v := range all {
		table[v.name] = v
	}
	return table
}

// saleVariables are about the sale.
func saleVariables() []variable {
	return []variable{
		text("store", "the store's code", func(l *look) string { return l.in.Store }),
		number("weekday", "the day of the week, 1 for Monday to 7 for Sunday", func(l *look) int64 { l.timed = true; return int64(l.in.Weekday) }),
		number("minute", "the minute of the day, store time: 600 is ten o'clock", func(l *look) int64 { l.timed = true; return int64(l.in.Minute) }),
		flag("basket.open", "whether there is a basket yet", func(l *look) bool { return len(l.in.Lines) > 0 }),
		number("basket.lines", "its lines; 0 without a basket", func(l *look) int64 { return int64(len(l.in.Lines)) }),
		number("basket.pieces", "its pieces, rounded down; 0 without a basket", func(l *look) int64 { return l.whole().milli / 1000 }),
		number("basket.spend", "what it comes to, in cents; 0 without a basket", func(l *look) int64 { return l.whole().spend }),
		flag("stage.payment", "whether the customer is about to pay", func(l *look) bool { return l.in.Stage == Payment }),
	}
}

// customerVariables are about the customer, as every store knows her.
func customerVariables() []variable {
	return []variable{
		text("customer.segment", "the segment's code; empty when there is none", func(l *look) string { return l.in.Segment }),
		text("customer.tier", "the tier's code; empty when there is none", func(l *look) string { return l.in.Tier }),
		text("customer.home_store", "the customer's own store; empty when unknown", func(l *look) string { return l.in.HomeStore }),
		number("customer.points", "points that may be spent", func(l *look) int64 { return l.in.PointsAvailable }),
		number("customer.days_since_visit", "days since the last visit; -1 for who was never here", func(l *look) int64 {
			if l.in.LastVisitDay == 0 {
				return -1
			}
			return int64(l.today() - l.in.LastVisitDay)
		}),
	}
}

// foretoldVariables are what the models foretell of the customer's next twelve months. All are the lower ends of bands.
func foretoldVariables() []variable {
	told := func(name, about, field string, value func(*look) int64) variable {
		return number(name, about+"; -1 when nothing is foretold", func(l *look) int64 {
			if l.in.Predictions == nil {
				return -1
			}
			return value(l)
		}).asking(field)
	}
	return []variable{
		told("customer.alive_percent", "how likely it is, in percent, that the customer still buys here: 0, 5, 10 … 100", askAlive,
			func(l *look) int64 { return int64(l.in.Predictions.GetAlivePercent()) }),
		told("customer.clv_band", "the turnover expected in twelve months, in cents: 0, 100, 200, 500, 1000, 2000, 5000 …", askValue,
			func(l *look) int64 { return l.in.Predictions.GetValueMinor() }),
		told("customer.profit_band", "the profit expected in twelve months, in cents, in the same steps; 0 where the article list knows neither cost nor margin",
			askProfit, func(l *look) int64 { return l.in.Predictions.GetProfitMinor() }),
		told("customer.visits_thousandths", "visits expected in twelve months, in thousandths: 12000 is once a month", askVisits,
			func(l *look) int64 { return l.in.Predictions.GetVisitsThousandths() }),
		told("customer.next_visit_days", "days until the next visit, if the customer still buys here: 1, 2, 3, 5, 7, 10, 14, 21, 28, 42 …", askNextVisit,
			func(l *look) int64 { return int64(l.in.Predictions.GetNextVisitDays()) }),
	}
}

// pictureVariables are what the customer likes to buy, when and where.
func pictureVariables() []variable {
	return []variable{
		text("customer.favourite_group", "the product group bought most often, recent visits weighing more; empty when unknown",
			func(l *look) string { return l.in.Picture.GetFavouriteGroup() }).asking(askFavouriteGroup),
		text("customer.favourite_brand", "the brand bought most often; empty when unknown",
			func(l *look) string { return l.in.Picture.GetFavouriteBrand() }).asking(askFavouriteBrand),
		number("customer.breadth", "how many different product groups were bought; 0 when unknown",
			func(l *look) int64 { return int64(l.in.Picture.GetBreadth()) }).asking(askBreadth),
		number("customer.promotion_percent", "the share of money, in percent, spent on goods on promotion; -1 when unknown", func(l *look) int64 {
			if l.in.Picture == nil || l.in.Picture.PromotionPercent == nil {
				return -1
			}
			return int64(l.in.Picture.GetPromotionPercent())
		}).asking(askPromotion),
		number("customer.usual_weekday", "the usual day of the week, 1 for Monday to 7 for Sunday; 0 when there is none",
			func(l *look) int64 { return int64(l.in.Picture.GetUsualWeekday()) }).asking(askWeekday),
		text("customer.usual_hours", "the usual part of the day: morning (before 12), midday (12 to 14), afternoon (14 to 17), evening; empty when there is none",
			func(l *look) string { return l.in.Picture.GetUsualHours() }).asking(askHours),
		text("customer.usual_season", "the usual season: spring, summer, autumn, winter; empty when there is none",
			func(l *look) string { return l.in.Picture.GetUsualSeason() }).asking(askSeason),
		text("customer.usual_store", "the store visited most often; empty when unknown",
			func(l *look) string { return l.in.Picture.GetUsualStore() }).asking(askStore),
		text("customer.usual_channel", "where most is bought: store, or what receipts call it (web, app, phone); empty when there is none or receipts do not tell",
			func(l *look) string { return l.in.Picture.GetUsualChannel() }).asking(askChannel),
		text("customer.cluster", "which customers this one shops like: a product group that takes most of the money, or mixed; empty when unknown",
			func(l *look) string { return l.in.Picture.GetCluster() }).asking(askCluster),
	}
}

// traitVariable is a declared trait; what is not known about a customer is no, 0 or empty.
func traitVariable(t *programmev1.TraitDeclaration) variable {
	name := t.GetName()
	const about = "a declared trait, as a yes or no, a whole number or a word; no, 0 or empty when unknown"
	switch t.GetType() {
	case programmev1.TraitType_TRAIT_TYPE_NUMBER:
		return number("trait."+name, about, func(l *look) int64 { return l.trait(name).GetNumber() })
	case programmev1.TraitType_TRAIT_TYPE_WORD:
		return text("trait."+name, about, func(l *look) string { return l.trait(name).GetWord() })
	default:
		return flag("trait."+name, about, func(l *look) bool { return l.trait(name).GetYes() })
	}
}

// groupVariables are about the i-th of the programme's product groups.
func groupVariables(i int, name string) []variable {
	again := number("group."+name+".days_to_replenish",
		fmt.Sprintf("days until the customer is expected to buy it again, below 0 when overdue; %d when nothing is expected", unknownDays),
		func(l *look) int64 { return l.daysToReplenish(name) })
	again.asks = asked{askReplenishments, name}
	also := flag("group."+name+".others_also_bought", "whether others who buy the same buy it, and this customer never did",
		func(l *look) bool { return slices.Contains(l.in.Picture.GetAlsoBought(), name) })
	also.asks = asked{askAlsoBought, name}
	return []variable{
		number("group."+name+".pieces", "its pieces in the basket, rounded down", func(l *look) int64 { return l.group(i).milli / 1000 }),
		number("group."+name+".spend", "what they come to, in cents", func(l *look) int64 { return l.group(i).spend }),
		again, also,
	}
}

// preface is what the page of all names begins with.
const preface = `# What a further condition may ask

Fields come first: what stands under a campaign's ` + "`when`" + ` must hold, all of it. For what has no field of its own, ` + "`also`" + ` takes a condition in
[CEL](https://cel.dev): comparisons joined by ` + "`&&`, `||` and `!`" + `, over whole numbers, words, yes and no. There are no fractions and no loops; money
is in cents. The names below are all there are, and this page is written from the program itself.

` + "```yaml" + `
groups: {feed: "50*", paint: "46*"}
campaigns:
  voer-op:                                   # the bag of feed must be nearly empty
    prompt: replenishment
    when: {runs_out: {feed: {at_most: 3}}, also: "!basket.open || group.feed.pieces == 0"}
  kom-terug:                                 # worth a lot, and about to be lost
    offer: {percent: 10}
    when: {alive_percent: {at_most: 50}, value_next_12_months: {at_least: 200.00}}
  verf-erbij:                                # others who buy the same buy paint too
    prompt: cross_sell
    when: {others_also_bought: paint, also: "customer.promotion_percent < 50"}
` + "```" + `

What is foretold, and what a customer likes to buy, leaves head office only while a campaign asks for it, and never for customers who objected,
are under age, or gave no basis. Recent purchases weigh more than older ones: a purchase counts half of one made 90 days later. All of it is reckoned
at head office, every night: what was bought here today is in it tomorrow.

`

// Vocabulary is a page of all names that a further condition may use, in Markdown, for the documentation.
func Vocabulary() string {
	var out strings.Builder
	out.WriteString(preface)
	chapter := func(title string, all ...variable) {
		fmt.Fprintf(&out, "## %s\n\n| Name | Is | What |\n|---|---|---|\n", title)
		for _, v := range all {
			kind := map[string]string{"string": "word", "int": "number", "bool": "yes or no"}[v.of.String()]
			if strings.HasPrefix(v.name, "trait.") {
				kind = "as declared"
			}
			fmt.Fprintf(&out, "| `%s` | %s | %s |\n", v.name, kind, v.about)
		}
		out.WriteString("\n")
	}
	chapter("The sale", saleVariables()...)
	chapter("The customer", append(customerVariables(), traitVariable(&programmev1.TraitDeclaration{Name: "<name>"}))...)
	chapter("What is foretold", foretoldVariables()...)
	chapter("What the customer likes to buy", pictureVariables()...)
	chapter("A product group, by its name in the programme", groupVariables(0, "<name>")...)
	return strings.TrimRight(out.String(), "\n") + "\n"
}
