package scoring_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// visitsMapping reads receipts with their times and discounts.
const visitsMapping = `
list: receipts
receipt: [time, no]
customer: {column: who, is: external_id}
columns: {store: store, time: {column: time, format: "YYYY-MM-DD HH:mm"}, receipt_no: no, sku: sku, group: group, quantity: {constant: "1"}, amount: amount, discount: off}
time_zone: Europe/Amsterdam
`

// visits imports receipts: who, store, time, number, article, group, amount, discount.
func visits(t *testing.T, w *warehouse.Warehouse, rows ...string) {
	t.Helper()
	listed(t, w, visitsMapping, "who,store,time,no,sku,group,amount,off\n"+strings.Join(rows, "\n")+"\n")
}

// garden are the settings of a garden centre with five product groups, of which medicine says too much about a person.
func garden() *programmev1.Programme {
	p := halves()
	for name, pattern := range map[string]string{"feed": "50*", "plants": "10*", "soil": "11*", "nails": "45*", "medicine": "80*"} {
		p.Groups = append(p.Groups, &programmev1.ProductGroup{Name: name, Patterns: []string{pattern}})
	}
	slices.SortFunc(p.Groups, func(a, b *programmev1.ProductGroup) int { return strings.Compare(a.GetName(), b.GetName()) })
	p.Sensitive = []string{"medicine"}
	return p
}

// fortnights are purchases of feed on Saturday mornings, each so many days after the one before.
func fortnights(who, first string, gaps ...int) []string {
	at, err := time.Parse(time.DateOnly, first)
	if err != nil {
		panic(err)
	}
	rows := []string{fmt.Sprintf("%s,s1,%s 10:00,%s-0,5001,501,30.00,0", who, at.Format("2006-01-02"), who)}
	for i, gap := range gaps {
		at = at.AddDate(0, 0, gap)
		rows = append(rows, fmt.Sprintf("%s,s1,%s 10:00,%s-%d,5001,501,30.00,0", who, at.Format("2006-01-02"), who, i+1))
	}
	return rows
}

// couples are receipts of so many customers that hold plants and soil, of others that hold plants, and of others that hold nails.
func couples(both, plants, nails int) []string {
	var rows []string
	add := func(n int, kind string, groups ...string) {
		for i := range n {
			for _, group := range groups {
				rows = append(rows, fmt.Sprintf("%s%d,s2,2026-05-0%d 15:30,%s%d,x,%s,5.00,0", kind, i, 1+i%9, kind, i, group))
			}
		}
	}
	add(both, "both", "101", "111")
	add(plants, "plants", "102")
	add(nails, "nails", "451")
	return rows
}

// TestPicture makes pictures of customers whose habits are known.
func TestPicture(t *testing.T) {
	t.Parallel()
	w := open(t)
	rows := fortnights("A", "2026-04-11", 14, 14, 14, 14, 14)
	// 30.00 · (2^(−70/90) + 2^(−56/90) + … + 1) = 139.81 for feed, and 10.00 at a discount.
	rows = append(rows, "A,s1,2026-06-20 10:00,A-5,4501,451,10.00,2.00", "A,s1,2026-06-20 10:00,A-5,8001,801,400.00,0")
	rows = slices.Concat(rows, fortnights("irregular", "2026-05-02", 3, 40, 5), fortnights("few", "2026-05-23", 14, 14),
		fortnights("gone", "2025-12-06", 14, 14, 14, 14), couples(40, 20, 40))
	visits(t, w, rows...)
	p := garden()
	score(t, w, p, "2026-06-30")

	a := sent(t, w, p)[account("", "A")].GetPicture()
	promotion := int32(7)
	want := &customerv1.Picture{
		FavouriteGroup: "feed", Breadth: 2, PromotionPercent: &promotion, UsualWeekday: 6, UsualHours: "morning", UsualStore: "s1", Cluster: "feed",
		Replenishments: []*customerv1.Replenishment{{Group: "feed", ExpectedDay: day(t, "2026-07-04"), EveryDays: 14}},
	}
	if a.String() != want.String() {
		t.Errorf("A has\n%v, want\n%v", a, want)
	}
	for who, also := range map[string][]string{"plants3": {"soil"}, "both3": nil, "nails3": nil, "A": nil} {
		if got := sent(t, w, p)[account("", who)].GetPicture().GetAlsoBought(); !slices.Equal(got, also) {
			t.Errorf("%s is suggested %v, want %v", who, got, also)
		}
	}
	for _, tc := range []struct {
		query string
		want  int64
	}{
		// One who buys feed again and again; the others have too few purchases, no regular ones, or stopped.
		{"select count(*) from replenishments", 1},
		{"select receipts * 10000 + spend_minor + share_percent from mixes join accounts using (account_id) where external_id = 'A' and item = 'feed'", 6*10000 + 18000 + 93},
		{"select count(*) from mixes where item = 'medicine'", 0},
		// 40 of 60 receipts with plants hold soil, and all 40 with soil hold plants.
		{"select receipts * 1000 + left_receipts from affinities where left_items = ['plants'] and right_item = 'soil'", 40*1000 + 60},
		{"select count(*) from affinities where list_contains(left_items, 'medicine') or right_item = 'medicine'", 0},
	} {
		if got := number(t, w, tc.query); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.query, got, tc.want)
		}
	}
	row := exported(t, w)["A"]
	if row["favourite_group"] != "feed" || row["promotion_percent"] != "7" || row["usual_weekday"] != "6" || row["cluster"] != "feed" {
		t.Errorf("exported: %v", row)
	}

	// While she does nothing, nothing of it changes.
	score(t, w, p, "2026-07-21")
	if again := sent(t, w, p)[account("", "A")].GetPicture(); again.String() != a.String() {
		t.Errorf("three weeks later A has\n%v", again)
	}
	p.Scoring.Picture = programmev1.OnOff_ON_OFF_OFF
	score(t, w, p, "2026-07-21")
	if n := number(t, w, "select (select count(*) from pictures) + (select count(*) from mixes) + (select count(*) from affinities)"); n != 0 {
		t.Errorf("switched off, %d rows are left", n)
	}
}

// TestPictureWithoutGroups takes articles' groups, or else articles, for items where the programme declares none.
func TestPictureWithoutGroups(t *testing.T) {
	t.Parallel()
	w := open(t)
	visits(t, w, "A,s1,2026-06-01 00:00,1,5001,,9.00,0", "A,s1,2026-06-02 00:00,2,5001,,9.00,0", "A,s1,2026-06-03 00:00,3,5001,77,9.00,0")
	p := halves()
	score(t, w, p, "2026-06-30")
	got := sent(t, w, p)[account("", "A")].GetPicture()
	if got.GetFavouriteGroup() != "5001" || got.GetBreadth() != 2 || got.GetUsualHours() != "" {
		t.Errorf("got %v", got)
	}
}

// TestNothingOfThoseLeftOut reckons nothing beyond points of who objected, is a child, gave no basis or is left out, and learns nothing from their
// receipts.
func TestNothingOfThoseLeftOut(t *testing.T) {
	t.Parallel()
	const know = `select (select count(*) from predictions where account_id = a) + (select count(*) from pictures where account_id = a)
		+ (select count(*) from mixes where account_id = a) + (select count(*) from replenishments where account_id = a)
		from (select account_id as a from accounts where external_id = 'A')`
	consent := func(p *programmev1.Programme) { p.Profiling = programmev1.Profiling_PROFILING_CONSENT }
	for _, tc := range []struct {
		name     string
		customer string
		change   func(*programmev1.Programme)
	}{
		{"objected", "A,yes,,,yes,,,", nil},
		{"objected, having agreed", "A,yes,,,yes,,,", consent},
		{"a child", "A,,yes,,yes,,,", nil},
		{"did not agree", "A,,,,,,,", consent},
		{"no basis", "A,,,,yes,,,", func(p *programmev1.Programme) { p.Profiling = programmev1.Profiling_PROFILING_UNSPECIFIED }},
		{"staff", "A,,,staff,yes,,,", nil},
	} {
		w := open(t)
		p := garden()
		rows := fortnights("A", "2026-04-11", 14, 14, 14, 14, 14)
		for i := range 30 { // what would make a rule
			rows = append(rows, fmt.Sprintf("A,s1,2026-06-20 10:00,A-x%d,1,101,1.00,0", i), fmt.Sprintf("A,s1,2026-06-20 10:00,A-x%d,1,111,1.00,0", i))
		}
		visits(t, w, slices.Concat(rows, couples(0, 30, 30))...)
		score(t, w, p, "2026-06-30")
		if n := number(t, w, know); n != 6 { // a prediction, a picture, three items, one of them bought again and again
			t.Fatalf("%s: before, %d rows tell of her", tc.name, n)
		}
		if n := number(t, w, "select count(*) from affinities"); n == 0 {
			t.Fatalf("%s: before, no rule is learnt", tc.name)
		}
		if tc.change != nil {
			tc.change(p)
		}
		agreed := []string{tc.customer}
		for i := range 30 {
			agreed = append(agreed, fmt.Sprintf("plants%d,,,,yes,,,", i), fmt.Sprintf("nails%d,,,,yes,,,", i))
		}
		list(t, w, warehouse.Customers, agreed...)
		if tc.name != "staff" { // a group that is left out is known to the next run
			// From the moment it is known, before the next run.
			if a := sent(t, w, p)[account("", "A")]; a.GetPredictions() != nil || a.GetPicture() != nil {
				t.Errorf("%s: published: %v", tc.name, a)
			}
		}
		score(t, w, p, "2026-06-30")
		if n := number(t, w, know); n != 0 {
			t.Errorf("%s: %d rows tell of her", tc.name, n)
		}
		if n := number(t, w, "select count(*) from affinities"); n != 0 {
			t.Errorf("%s: %d rules were learnt from her receipts", tc.name, n)
		}
		if a := sent(t, w, p)[account("", "A")]; a.GetPredictions() != nil || a.GetPicture() != nil {
			t.Errorf("%s: published: %v", tc.name, a)
		}
		if _, found := exported(t, w)["A"]; found {
			t.Errorf("%s: exported", tc.name)
		}
	}
}

// TestArticlesTellMore: an article list tells favourite brands, and profit beside turnover.
func TestArticlesTellMore(t *testing.T) {
	t.Parallel()
	w := open(t)
	visits(t, w, append(fortnights("A", "2026-04-11", 14, 14, 14), "A,s1,2026-05-23 10:00,A-3,8001,801,400.00,0", "B,s1,2026-05-23 10:00,B,7001,701,10.00,0")...)
	m, err := warehouse.ParseMapping("articles.yaml", []byte("list: articles\ncolumns: {sku: sku, brand: brand, cost: cost}\n"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "articles.csv")
	if err := os.WriteFile(path, []byte("sku,brand,cost\n5001,Bark,21.00\n8001,Cure,1.00\n7001,,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Import(t.Context(), warehouse.ImportRequest{List: warehouse.Articles, Files: []string{path}, Mapping: m}); err != nil {
		t.Fatal(err)
	}
	score(t, w, garden(), "2026-06-30")
	rows := exported(t, w)
	value, err := strconv.ParseFloat(rows["A"]["value_minor"], 64)
	if err != nil {
		t.Fatal(err)
	}
	profit, err := strconv.ParseFloat(rows["A"]["profit_minor"], 64)
	if err != nil || value <= 0 || math.Abs(profit-0.3*value) > 1 { // of 30.00 each 21.00 were paid
		t.Errorf("of %.0f in turnover %.0f are profit: %v", value, profit, err)
	}
	if rows["A"]["favourite_brand"] != "Bark" || rows["B"]["favourite_brand"] != "" || rows["B"]["profit_minor"] != "" {
		t.Errorf("A likes %q; B likes %q and brings %q", rows["A"]["favourite_brand"], rows["B"]["favourite_brand"], rows["B"]["profit_minor"])
	}
}

// TestChannel tells where customers buy once receipts tell it, and nothing before.
func TestChannel(t *testing.T) {
	t.Parallel()
	const channelMapping = `
list: receipts
receipt: [no]
customer: {column: customer, is: external_id}
columns: {store: {constant: s1}, date: day, sku: sku, amount: amount, quantity: {constant: "1"}, channel: kanaal}
`
	var rows strings.Builder
	rows.WriteString("no,customer,day,sku,amount,kanaal\n")
	for i := range 4 {
		fmt.Fprintf(&rows, "w%d,weaver,2026-06-%02d,a,5.00,\n", i, 1+i)
	}
	w := open(t)
	listed(t, w, channelMapping, rows.String())
	p := garden()
	score(t, w, p, "2026-06-30")
	if got := sent(t, w, p)[account("", "weaver")].GetPicture(); got == nil || got.GetUsualChannel() != "" {
		t.Errorf("no receipt tells a channel: %v", got)
	}
	rows.Reset()
	rows.WriteString("no,customer,day,sku,amount,kanaal\n")
	for i := range 4 {
		fmt.Fprintf(&rows, "o%d,online,2026-06-%02d,a,5.00,%s\n", i, 1+i, []string{"", "Web", "web", "WEB"}[i])
		fmt.Fprintf(&rows, "b%d,both,2026-06-%02d,a,5.00,%s\n", i, 1, []string{"", "web", "app", "phone"}[i])
	}
	rows.WriteString("f1,few,2026-06-01,a,5.00,web\nf2,few,2026-06-02,a,5.00,web\n")
	listed(t, w, channelMapping, rows.String())
	score(t, w, p, "2026-06-30")
	for who, want := range map[string]string{"weaver": "store", "online": "web", "both": "", "few": ""} {
		if got := sent(t, w, p)[account("", who)].GetPicture().GetUsualChannel(); got != want {
			t.Errorf("%s buys by %q, want %q", who, got, want)
		}
	}
}
