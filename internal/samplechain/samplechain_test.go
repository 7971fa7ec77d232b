package samplechain_test

import (
	"bytes"
	"encoding/csv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/stamklant/stamklant/internal/samplechain"
)

var lastDay = time.Date(2026, time.November, 14, 0, 0, 0, 0, time.UTC)

// chain makes a chain that ends on lastDay.
func chain(tb testing.TB, config samplechain.Config) *samplechain.Chain {
	tb.Helper()
	config.LastDay = lastDay
	c, err := samplechain.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// small is large enough to hold a bit of everything.
var small = samplechain.Config{Seed: 7, Accounts: 2000, Days: 500}

func TestNewRefusesNumbersOutOfBounds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		config samplechain.Config
		want   string
	}{
		{"no last day", samplechain.Config{}, "last business day"},
		{"one store", samplechain.Config{LastDay: lastDay, Stores: 1}, "stores"},
		{"too many customers", samplechain.Config{LastDay: lastDay, Accounts: 3_000_000}, "accounts"},
		{"negative customers", samplechain.Config{LastDay: lastDay, Accounts: -1}, "accounts"},
		{"eleven years", samplechain.Config{LastDay: lastDay, Days: 4018}, "days"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if _, err := samplechain.New(tc.config); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error about %s", err, tc.want)
			}
		})
	}
}

// written is all a chain writes, uncompressed.
func written(tb testing.TB, config samplechain.Config) (receipts, customers []byte) {
	tb.Helper()
	c := chain(tb, config)
	var r, k bytes.Buffer
	if err := c.WriteReceipts(&r, func(int) {}); err != nil {
		tb.Fatal(err)
	}
	if err := c.WriteCustomers(&k); err != nil {
		tb.Fatal(err)
	}
	return r.Bytes(), k.Bytes()
}

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	config := samplechain.Config{Seed: 3, Accounts: 300, Stores: 4, Days: 200}
	receipts, customers := written(t, config)
	again, customersAgain := written(t, config)
	if !bytes.Equal(receipts, again) || !bytes.Equal(customers, customersAgain) {
		t.Error("the same seed gave other bytes")
	}
	config.Seed++
	if other, otherCustomers := written(t, config); bytes.Equal(receipts, other) || bytes.Equal(customers, otherCustomers) {
		t.Error("another seed gave the same bytes")
	}
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	c := chain(t, small)
	stores := c.Stores()
	first := lastDay.AddDate(0, 0, 1-small.Days)
	lines := make(map[samplechain.ReceiptID][]samplechain.Line)
	var all, anonymous, returns, elsewhere, quiet, busy int
	last := time.Time{}
	for r := range c.Receipts() {
		all++
		if _, known := lines[r.ID()]; known {
			t.Fatalf("receipt %v twice", r.ID())
		}
		lines[r.ID()] = slices.Clone(r.Lines)
		now := r.Date.Add(time.Duration(r.Minute) * time.Minute)
		if now.Before(last) {
			t.Fatalf("receipt %v is out of order", r.ID())
		}
		last = now
		if r.Date.Before(first) || r.Date.After(lastDay) || r.Minute < 9*60 || r.Minute >= 18*60 {
			t.Fatalf("receipt %v at %v: closed", r.ID(), now)
		}
		if r.Date.Month() == time.December && r.Date.Day() == 25 {
			t.Fatalf("receipt %v on Christmas Day", r.ID())
		}
		if !slices.ContainsFunc(stores, func(s samplechain.Store) bool { return s.Code == r.Store.Code && r.Till <= s.Tills }) {
			t.Fatalf("receipt %v at a till that is not there", r.ID())
		}
		if (r.Account < 0) != (r.Card == "") {
			t.Fatalf("receipt %v: account %d with card %q", r.ID(), r.Account, r.Card)
		}
		if r.Account < 0 {
			anonymous++
		}
		if day := r.Date.Weekday(); day == time.Tuesday && r.Minute < 12*60 {
			quiet++
		} else if day == time.Tuesday {
			busy++
		}
		checkTotal(t, r)
		if r.Return {
			returns++
			if r.Original.Store != r.Store.Code {
				elsewhere++
			}
			checkReturn(t, r, lines[r.Original])
		} else if r.Original.Number != 0 {
			t.Fatalf("sale %v names an original", r.ID())
		}
	}
	if share := 100 * anonymous / all; share < 35 || share > 45 {
		t.Errorf("%d %% of receipts without a card, want about 40", share)
	}
	if share := 1000 * returns / all; share < 10 || share > 40 || elsewhere == 0 {
		t.Errorf("%d of 1,000 receipts are returns, %d of them in another store", share, elsewhere)
	}
	if 4*quiet > busy {
		t.Errorf("Tuesday mornings are not quiet: %d receipts against %d in the afternoon", quiet, busy)
	}
}

func checkTotal(t *testing.T, r *samplechain.Receipt) {
	t.Helper()
	var sum int64
	for _, l := range r.Lines {
		if (l.NetMinor < 0) != r.Return || (l.QuantityMilli < 0) != r.Return || l.QuantityMilli == 0 || l.DiscountMinor < 0 {
			t.Fatalf("receipt %v: odd line %+v", r.ID(), l)
		}
		sum += l.NetMinor
	}
	if sum != r.TotalMinor || len(r.Lines) == 0 {
		t.Fatalf("receipt %v: lines add up to %d, total is %d", r.ID(), sum, r.TotalMinor)
	}
}

// checkReturn fails unless each line gives back at most what the line of the sale was.
func checkReturn(t *testing.T, r *samplechain.Receipt, sale []samplechain.Line) {
	t.Helper()
	if len(sale) == 0 {
		t.Fatalf("return %v names sale %v, which was not before it", r.ID(), r.Original)
	}
	for _, l := range r.Lines {
		if l.OriginalLine < 1 || l.OriginalLine > len(sale) {
			t.Fatalf("return %v names line %d of a sale of %d lines", r.ID(), l.OriginalLine, len(sale))
		}
		sold := sale[l.OriginalLine-1]
		if l.SKU != sold.SKU || -l.QuantityMilli > sold.QuantityMilli || -l.NetMinor > sold.NetMinor {
			t.Fatalf("return %v gives back %+v of %+v", r.ID(), l, sold)
		}
	}
}

func TestReceiptsAsCSV(t *testing.T) {
	t.Parallel()
	config := samplechain.Config{Seed: 5, Accounts: 200, Days: 300}
	text, _ := written(t, config)
	reader := csv.NewReader(bytes.NewReader(text))
	reader.Comma = ';'
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var cents, want int64
	var lines int
	for _, row := range rows[1:] {
		n, err := strconv.ParseInt(strings.Replace(row[12], ",", "", 1), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		cents += n
		if (row[5] == "R") != (row[18] != "") {
			t.Fatalf("a return must name its sale, a sale nothing: %v", row)
		}
	}
	for r := range chain(t, config).Receipts() {
		want += r.TotalMinor
		lines += len(r.Lines)
	}
	if cents != want || len(rows)-1 != lines {
		t.Errorf("the file holds %d lines of %d cents, the chain %d of %d", len(rows)-1, cents, lines, want)
	}
}

func TestCustomersHaveWhatTheirReceiptsAddUpTo(t *testing.T) {
	t.Parallel()
	c := chain(t, small)
	type sums struct{ visits, spent, points int64 }
	want := make(map[string]*sums) // by first card
	cards := make(map[string]string)
	for customer := range c.Customers() {
		want[customer.Cards[0].Number] = new(sums)
		for _, card := range customer.Cards {
			cards[card.Number] = customer.Cards[0].Number
		}
	}
	from := lastDay.AddDate(-1, 0, 1)
	for r := range c.Receipts() {
		if r.Card == "" {
			continue
		}
		s := want[cards[r.Card]]
		var counted int64
		for _, l := range r.Lines {
			if !l.NotMerchandise {
				counted += l.NetMinor
			}
		}
		s.points += counted / 100
		if !r.Date.Before(from) {
			s.spent += counted
			if !r.Return {
				s.visits++
			}
		}
	}
	scored := 0
	for customer := range c.Customers() {
		s := want[customer.Cards[0].Number]
		loyalty := customer.Account.GetLoyalty()
		if loyalty.GetBalance() != s.points || loyalty.GetQualifyingSpendMinor() != s.spent || loyalty.GetQualifyingVisits() != s.visits {
			t.Fatalf("card %s: published %v, receipts add up to %+v", customer.Cards[0].Number, loyalty, *s)
		}
		values := customer.Account.GetValues()
		if values == nil {
			continue
		}
		scored++
		if values.GetFrequency() != s.visits || values.GetMonetaryMinor() != s.spent {
			t.Fatalf("card %s: scored on %v, receipts add up to %+v", customer.Cards[0].Number, values, *s)
		}
	}
	if scored < small.Accounts/2 {
		t.Errorf("only %d of %d customers can be scored", scored, small.Accounts)
	}
}

func TestCustomersHoldABitOfEverything(t *testing.T) {
	t.Parallel()
	seen := make(map[string]int)
	last := [16]byte{}
	n := 0
	for customer := range chain(t, small).Customers() {
		n++
		if bytes.Compare(customer.ID[:], last[:]) <= 0 {
			t.Fatalf("account ids are not in order: %x after %x", customer.ID, last)
		}
		last = customer.ID
		a := customer.Account
		count := func(name string, is bool) {
			if is {
				seen[name]++
			}
		}
		count("objected", a.GetConsents().GetObjected())
		count("objected and scored", a.GetConsents().GetObjected() && a.GetValues() != nil)
		count("minor", a.GetMinor())
		count("minor and scored", a.GetMinor() && a.GetValues() != nil)
		count("two cards", len(customer.Cards) == 2)
		count("replaced", customer.Cards[0].ReplacedBy != "")
		count("blocked", a.GetState() == 2)
		count("greeted", a.GetFirstName() != "")
		count("with children", len(a.GetTraits()) > 0)
		for _, group := range a.GetCustomerGroups() {
			count(group, true)
		}
		count("language "+a.GetLanguage(), true)
		count("tier "+a.GetLoyalty().GetTier(), true)
	}
	if n != small.Accounts {
		t.Errorf("%d customers, want %d", n, small.Accounts)
	}
	for _, name := range []string{
		"objected", "minor", "two cards", "replaced", "blocked", "greeted", "with children", "hovenier", "personeel",
		"language ", "language nl", "language fr", "language en", "tier groen", "tier zilver", "tier goud",
	} {
		if seen[name] == 0 {
			t.Errorf("no customer is %q among %v", name, slices.Sorted(maps.Keys(seen)))
		}
	}
	if seen["objected and scored"]+seen["minor and scored"] > 0 {
		t.Error("who objected, or is under age, has values")
	}
}

func TestIdentifierPointsToTheCardThatReplacedIt(t *testing.T) {
	t.Parallel()
	hash := func(number string) [16]byte { return [16]byte([]byte(number + "...")) }
	for customer := range chain(t, small).Customers() {
		if customer.Cards[0].ReplacedBy == "" {
			continue
		}
		got := customer.Cards[0].Identifier(customer.ID, hash)
		want := hash(customer.Cards[1].Number)
		if !bytes.Equal(got.GetResolvesTo(), want[:]) || !bytes.Equal(got.GetAccountIds()[0], customer.ID[:]) {
			t.Errorf("%v does not lead to %s", got, customer.Cards[1].Number)
		}
		if strings.Contains(got.GetMasked(), customer.Cards[0].Number) || !strings.HasSuffix(customer.Cards[0].Number, got.GetMasked()[len("…"):]) {
			t.Errorf("masked as %q", got.GetMasked())
		}
		return
	}
	t.Error("nobody's card was replaced")
}

func TestWrite(t *testing.T) {
	t.Parallel()
	c := chain(t, samplechain.Config{Seed: 1, Accounts: 50, Stores: 2, Days: 60})
	reports := 0
	files, err := c.Write(t.TempDir(), func(int) { reports++ })
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Write(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if reports == 0 {
		t.Error("no progress was told")
	}
	for _, pair := range [][2]string{
		{files.Receipts, again.Receipts},
		{files.Customers, again.Customers},
		{files.Programme, again.Programme},
		{files.ReceiptsMapping, again.ReceiptsMapping},
		{files.CustomersMapping, again.CustomersMapping},
	} {
		if !bytes.Equal(content(t, pair[0]), content(t, pair[1])) {
			t.Errorf("%s differs from the first", pair[1])
		}
	}
}

func TestMagicCustomersComeAfterAllOthers(t *testing.T) {
	t.Parallel()
	var last [16]byte
	for customer := range chain(t, small).Customers() {
		last = customer.ID
	}
	for _, m := range samplechain.Magic() {
		customer, ok := m.Customer(20_000)
		if !ok {
			continue
		}
		if bytes.Compare(customer.ID[:], last[:]) <= 0 {
			t.Errorf("%s sorts among the others", m.Name)
		}
		if again, _ := m.Customer(20_001); proto.Equal(again.Account, customer.Account) {
			t.Errorf("%s does not move with the day", m.Name)
		}
	}
}

func BenchmarkReceipts(b *testing.B) {
	c := chain(b, samplechain.Config{Seed: 1})
	for b.Loop() {
		for range c.Receipts() {
		}
	}
}

func BenchmarkCustomers(b *testing.B) {
	c := chain(b, samplechain.Config{Seed: 1})
	for b.Loop() {
		for range c.Customers() {
		}
	}
}
