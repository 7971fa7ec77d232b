package decision_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/decision"
)

var update = flag.Bool("update", false, "write the documentation anew")

// TestVocabularyIsCurrent holds the page of names against what the program knows.
func TestVocabularyIsCurrent(t *testing.T) {
	t.Parallel()
	const page = "../../docs/conditions.md"
	want := decision.Vocabulary()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date: go test ./internal/decision -run TestVocabulary -update", page)
	}
}

// TestEveryNameCompiles compiles a condition over each name of the page.
func TestEveryNameCompiles(t *testing.T) {
	t.Parallel()
	names := 0
	for line := range strings.Lines(decision.Vocabulary()) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		name := strings.Trim(cells[1], " `")
		name = strings.NewReplacer("trait.<name>", "trait.children", "<name>", "plants").Replace(name)
		source := map[string]string{" word ": name + ` == "x"`, " number ": name + " == 1", " yes or no ": "!" + name, " as declared ": "!" + name}[cells[2]]
		compile(t, programme(prompt("c", &programmev1.Condition{Also: source})))
		names++
	}
	if names < 25 {
		t.Errorf("the page has only %d names", names)
	}
}

// ptr is a pointer to a value.
func ptr[T any](v T) *T { return &v }

// known is a regular customer of whom much is known.
func known() *decision.Input {
	in := regular()
	in.Predictions = &customerv1.Predictions{AlivePercent: 45, VisitsThousandths: 6000, NextVisitDays: 28, ValueMinor: 20_000}
	in.Picture = &customerv1.Picture{
		FavouriteGroup: "plants", Breadth: 3, PromotionPercent: ptr[int32](35), UsualWeekday: 6, UsualHours: "morning", UsualSeason: "spring",
		UsualStore: "s01", UsualChannel: "web", Cluster: "plants", AlsoBought: []string{"paint"},
		Replenishments: []*customerv1.Replenishment{{Group: "timber", ExpectedDay: 20_002, EveryDays: 30}, {Group: "tobacco", ExpectedDay: 19_990, EveryDays: 7}},
	}
	return in
}

// TestPicture asks everything about predictions and picture, of a customer of whom it is known and of one of whom nothing is.
func TestPicture(t *testing.T) {
	t.Parallel()
	type when = programmev1.Condition
	runsOut := func(group string, least, most *int64) []*programmev1.RunsOutCondition {
		return []*programmev1.RunsOutCondition{{Group: group, AtLeast: least, AtMost: most}}
	}
	money := func(least, most *int64) *programmev1.MoneyBounds {
		return &programmev1.MoneyBounds{AtLeast: least, AtMost: most}
	}
	for _, tc := range []struct {
		name    string
		when    *when
		known   bool // holds for who is known
		unknown bool // holds for who is not
	}{
		{"favourite", &when{FavouriteGroups: []string{"paint", "plants"}}, true, false},
		{"other favourite", &when{FavouriteGroups: []string{"paint"}}, false, false},
		{"others also bought", &when{OthersAlsoBought: []string{"timber", "paint"}}, true, false},
		{"others did not", &when{OthersAlsoBought: []string{"timber"}}, false, false},
		{"runs out", &when{RunsOut: runsOut("timber", nil, ptr[int64](2))}, true, false},
		{"does not run out yet", &when{RunsOut: runsOut("timber", nil, ptr[int64](1))}, false, false},
		{"overdue", &when{RunsOut: runsOut("tobacco", ptr[int64](-10), ptr[int64](-1))}, true, false},
		{"too long overdue", &when{RunsOut: runsOut("tobacco", ptr[int64](-9), nil)}, false, false},
		{"not expected", &when{RunsOut: runsOut("plants", nil, nil)}, false, false},
		{"promotion", &when{PromotionPercent: bounds(30, 35)}, true, false},
		{"less on promotion", &when{PromotionPercent: bounds(-1, 34)}, false, false},
		{"alive", &when{AlivePercent: bounds(-1, 45)}, true, false},
		{"too much alive", &when{AlivePercent: bounds(46, -1)}, false, false},
		{"value", &when{ValueNext_12Months: money(ptr[int64](20_000), nil)}, true, false},
		{"too little value", &when{ValueNext_12Months: money(ptr[int64](20_001), nil)}, false, false},
		{"CEL: all names", &when{Also: `customer.clv_band == 20000 && customer.alive_percent == 45 && customer.visits_thousandths == 6000
			&& customer.next_visit_days == 28 && customer.favourite_group == "plants" && customer.breadth == 3 && customer.promotion_percent == 35
			&& customer.usual_weekday == 6 && customer.usual_hours == "morning" && customer.usual_season == "spring"
			&& customer.usual_store == "s01" && customer.usual_channel == "web" && customer.cluster == "plants" && group.timber.days_to_replenish == 2
			&& group.paint.others_also_bought && !group.timber.others_also_bought`}, true, false},
		{"CEL: nothing known", &when{Also: `customer.clv_band == -1 && customer.promotion_percent == -1 && customer.favourite_group == ""
			&& group.timber.days_to_replenish == 99999`}, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := compile(t, programme(prompt("c", tc.when)))
			for _, who := range []struct {
				name string
				in   *decision.Input
				want bool
			}{{"known", known(), tc.known}, {"unknown", regular(), tc.unknown}} {
				if v := p.Decide(who.in); (v.Reason == decision.Won) != who.want {
					t.Errorf("%s: %v, want it to hold: %t", who.name, v.Reason, who.want)
				}
			}
			silent := known()
			silent.Silenced = true
			if v := p.Decide(silent); v.Campaign != nil {
				t.Errorf("who is silenced gets %v", v.Campaign)
			}
		})
	}
}

// TestAsked sends to stores what live campaigns ask about, and nothing else.
func TestAsked(t *testing.T) {
	t.Parallel()
	type when = programmev1.Condition
	for _, tc := range []struct {
		name        string
		when        *when
		until       int32
		predictions string
		picture     string
	}{
		{"nothing", &when{Segments: []string{"promising"}, Also: "customer.points > 3"}, 0, "", ""},
		{"ended", &when{FavouriteGroups: []string{"plants"}, Also: "customer.clv_band > 3"}, 19_999, "", ""},
		{"last day", &when{FavouriteGroups: []string{"plants"}}, 20_000, "", `favourite_group:"plants"`},
		{"one group", &when{RunsOut: []*programmev1.RunsOutCondition{{Group: "timber"}}}, 0, "", `replenishments:{group:"timber" expected_day:20002 every_days:30}`},
		{"by CEL", &when{Also: "group.tobacco.days_to_replenish < 3 || customer.alive_percent < 50"}, 0, "alive_percent:45", `replenishments:{group:"tobacco" expected_day:19990 every_days:7}`},
		{"value", &when{ValueNext_12Months: &programmev1.MoneyBounds{AtLeast: ptr[int64](1)}}, 0, "value_minor:20000", ""},
		{"also bought", &when{OthersAlsoBought: []string{"paint", "timber"}}, 0, "", `also_bought:"paint"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := prompt("c", tc.when)
			c.Runs = &programmev1.Period{Until: tc.until}
			asked := compile(t, programme(c)).Asked(20_000)
			in := known()
			predictions, picture := asked.Predictions(in.Predictions), asked.Picture(in.Picture)
			if got := words(predictions); got != tc.predictions {
				t.Errorf("predictions %s, want %s", got, tc.predictions)
			}
			if got := words(picture); got != tc.picture {
				t.Errorf("picture %s, want %s", got, tc.picture)
			}
			if asked.None() != (tc.predictions == "" && tc.picture == "") {
				t.Errorf("asks for nothing: %t", asked.None())
			}
		})
	}
}

// words is a message in a line, with single spaces: protobuf varies them.
func words(m interface{ String() string }) string {
	text := m.String()
	if text == "<nil>" {
		return ""
	}
	return strings.Join(strings.Fields(text), " ")
}
