package samplechain

import (
	"fmt"
	"math/rand/v2"
)

// article is one article of the assortment.
type article struct {
	sku   string
	group string
	name  string
	// price is in cents, per piece or per kilogram.
	price int64
	// most is how many pieces a customer takes at most, usually.
	most int
	// weighed articles are sold by the gram.
	weighed bool
	// notMerchandise are deposits and gift cards: no points, no scores.
	notMerchandise bool
}

// assortment is one product group: what is in it, what it costs, when it sells.
type assortment struct {
	code           string
	names          []string
	sizes          []string
	from, until    int64 // cents
	most           int
	weighed        bool
	notMerchandise bool
	// months is how well it sells from January to December.
	months [12]int
}

// everyMonth is for what sells all year.
var everyMonth = [12]int{5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5}

// assortments is the whole range. The first two digits of a code are the group by which the programme names it: plants 10 and 11, soil 25,
// timber 45, paint 46, and so on.
var assortments = []assortment{
	{code: "1010", names: []string{"Petunia", "Geranium", "Viooltje", "Begonia", "Lobelia", "Tagetes"}, sizes: []string{"P9", "tray 6", "hangpot"}, from: 149, until: 899, most: 12, months: [12]int{1, 2, 8, 20, 24, 14, 6, 4, 4, 3, 1, 0}},
	{code: "1020", names: []string{"Lavendel", "Hortensia", "Salvia", "Hosta", "Geum", "Echinacea"}, sizes: []string{"C1", "C2", "C5"}, from: 399, until: 1999, most: 6, months: [12]int{1, 2, 8, 14, 14, 10, 6, 5, 6, 5, 1, 0}},
	{code: "1030", names: []string{"Taxus", "Beukhaag", "Laurierkers", "Liguster"}, sizes: []string{"60/80", "100/120"}, from: 495, until: 2995, most: 20, months: [12]int{2, 3, 6, 5, 3, 1, 1, 1, 3, 7, 6, 3}},
	{code: "1040", names: []string{"Tomaat", "Courgette", "Aardbei", "Basilicum", "Sla"}, sizes: []string{"P9", "6-pack"}, from: 129, until: 499, most: 6, months: [12]int{0, 1, 5, 12, 14, 6, 2, 1, 1, 0, 0, 0}},
	{code: "1110", names: []string{"Monstera", "Vingerplant", "Orchidee", "Sansevieria", "Ficus", "Calathea"}, sizes: []string{"12 cm", "17 cm", "24 cm"}, from: 399, until: 2995, most: 2, months: [12]int{9, 8, 7, 6, 5, 4, 4, 4, 6, 7, 8, 8}},
	{code: "1120", names: []string{"Tulp", "Narcis", "Krokus", "Blauw druifje"}, sizes: []string{"10 st", "25 st", "50 st"}, from: 299, until: 1299, most: 4, months: [12]int{1, 2, 2, 1, 0, 0, 0, 3, 12, 14, 6, 1}},
	{code: "2010", names: []string{"Terracotta pot", "Plantenbak", "Hangmand", "Schotel"}, sizes: []string{"14 cm", "25 cm", "40 cm"}, from: 249, until: 2995, most: 4, months: [12]int{3, 4, 7, 9, 9, 7, 5, 5, 5, 4, 3, 3}},
	{code: "2510", names: []string{"Potgrond", "Tuinaarde", "Turfvrije grond", "Boomschors"}, sizes: []string{"20 l", "40 l", "70 l"}, from: 399, until: 1299, most: 6, months: [12]int{2, 4, 12, 16, 14, 8, 5, 4, 5, 5, 2, 1}},
	{code: "2520", names: []string{"Gazonmest", "Koemestkorrels", "Rozenmest", "Kalk"}, sizes: []string{"1,5 kg", "5 kg", "10 kg"}, from: 699, until: 3295, most: 2, months: [12]int{1, 3, 12, 12, 8, 6, 4, 3, 5, 3, 1, 0}},
	{code: "3010", names: []string{"Snoeischaar", "Spade", "Hark", "Schoffel", "Gieter"}, sizes: []string{"basis", "pro"}, from: 699, until: 3999, most: 1, months: [12]int{2, 4, 9, 9, 7, 5, 4, 3, 5, 5, 3, 2}},
	{code: "3110", names: []string{"Tuinslang", "Sproeier", "Koppeling", "Regenton"}, sizes: []string{"15 m", "25 m"}, from: 349, until: 3995, most: 2, months: [12]int{0, 1, 3, 7, 10, 12, 12, 8, 3, 1, 0, 0}},
	{code: "4510", names: []string{"Tuinhout plank", "Paal gepunt", "Vlonderplank", "Tuinscherm"}, sizes: []string{"180 cm", "240 cm", "300 cm"}, from: 395, until: 2495, most: 30, months: [12]int{1, 2, 7, 9, 9, 7, 5, 5, 4, 3, 1, 0}},
	{code: "4610", names: []string{"Tuinbeits", "Buitenlak", "Grondverf", "Houtolie"}, sizes: []string{"0,75 l", "2,5 l", "5 l"}, from: 995, until: 4495, most: 3, months: [12]int{0, 1, 4, 7, 9, 8, 6, 5, 4, 2, 0, 0}},
	{code: "5010", names: []string{"Tuinstoel", "Loungeset", "Tuintafel", "Parasol", "Kussen"}, sizes: []string{"Linde", "Zuid", "Noord"}, from: 2495, until: 34900, most: 4, months: [12]int{0, 0, 1, 2, 3, 2, 1, 1, 0, 0, 0, 0}},
	{code: "5210", names: []string{"Barbecue", "Houtskool", "Gastank-vulling", "Grillborstel"}, sizes: []string{"klein", "groot"}, from: 599, until: 14900, most: 2, months: [12]int{0, 0, 1, 2, 3, 4, 4, 2, 1, 0, 0, 0}},
	{code: "6010", names: []string{"Hondenbrok", "Kattenbrok", "Kattenbakvulling", "Konijnenvoer"}, sizes: []string{"2 kg", "7,5 kg", "12 kg"}, from: 499, until: 5995, most: 2, months: everyMonth},
	{code: "6020", names: []string{"Losse vogelzaden", "Losse pinda's"}, sizes: []string{"per kg"}, from: 249, until: 549, most: 3, weighed: true, months: [12]int{10, 8, 5, 2, 1, 1, 1, 1, 2, 5, 8, 10}},
	{code: "6510", names: []string{"Geurkaars", "Vaas", "Kussen binnen", "Servetten"}, sizes: []string{"wit", "groen", "oker"}, from: 299, until: 3495, most: 3, months: [12]int{4, 4, 4, 4, 4, 3, 3, 3, 5, 7, 9, 8}},
	{code: "7010", names: []string{"Kerstboom Nordmann", "Kerstbal", "Lichtsnoer", "Kerstkrans"}, sizes: []string{"klein", "middel", "groot"}, from: 149, until: 3995, most: 6, months: [12]int{1, 0, 0, 0, 0, 0, 0, 0, 1, 6, 22, 30}},
	{code: "7110", names: []string{"Sigaretten", "Shag"}, sizes: []string{"20 st", "50 g"}, from: 1040, until: 2490, most: 1, months: [12]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
	{code: "8010", names: []string{"Koffie", "Cappuccino", "Appelgebak", "Tosti", "Dagsoep"}, sizes: []string{"gewoon", "groot"}, from: 275, until: 795, most: 3, months: everyMonth},
	{code: "9010", names: []string{"Statiegeld plantentray"}, sizes: []string{"1 st"}, from: 50, until: 50, most: 4, notMerchandise: true, months: [12]int{0, 0, 1, 3, 3, 1, 0, 0, 0, 0, 0, 0}},
	{code: "9510", names: []string{"Cadeaukaart"}, sizes: []string{"10", "25", "50"}, from: 1000, until: 5000, most: 1, notMerchandise: true, months: [12]int{0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 3}},
}

// makeArticles lists the whole range. It is the same in every chain: prices come from a sequence of their own.
func makeArticles() []article {
	prices := rand.New(rand.NewPCG(2311, 1))
	var articles []article
	for _, a := range assortments {
		number := 0
		for _, name := range a.names {
			for i, size := range a.sizes {
				number++
				articles = append(articles, article{
					sku: fmt.Sprintf("%s%02d", a.code, number), group: a.code, name: name + " " + size,
					price: shelfPrice(prices, a, i), most: a.most, weighed: a.weighed, notMerchandise: a.notMerchandise,
				})
			}
		}
	}
	return articles
}

// shelfPrice draws a price that looks like one, larger sizes costing more. Gift cards cost what they say.
func shelfPrice(prices *rand.Rand, a assortment, size int) int64 {
	step := (a.until - a.from) / int64(len(a.sizes))
	if a.code == "9510" {
		return []int64{1000, 2500, 5000}[size]
	}
	if step == 0 {
		return a.from
	}
	price := a.from + int64(size)*step + prices.Int64N(step)
	if price < 500 {
		return price/10*10 + 9
	}
	return price/100*100 + []int64{49, 95, 99}[prices.IntN(3)]
}

// shelf is how likely each article is picked up, by month.
type shelf struct {
	// upTo are running sums of weights per month, one per article.
	upTo [12][]int
	// ofGroup are the articles of each assortment.
	ofGroup [][]int
}

// newShelf adds up the weights.
func newShelf(articles []article) shelf {
	var s shelf
	byCode := make(map[string]int)
	for i, a := range assortments {
		byCode[a.code] = i
	}
	s.ofGroup = make([][]int, len(assortments))
	for i, a := range articles {
		g := byCode[a.group]
		s.ofGroup[g] = append(s.ofGroup[g], i)
	}
	for month := range 12 {
		sum := 0
		for _, a := range articles {
			g := byCode[a.group]
			// A group's weight is shared by its articles, or large groups would sell more for being large.
			sum += assortments[g].months[month] * 60 / len(s.ofGroup[g])
			s.upTo[month] = append(s.upTo[month], sum)
		}
	}
	return s
}

// pick draws an article as people in general buy them in a month.
func (s *shelf) pick(draw *rand.Rand, month int) int {
	upTo := s.upTo[month]
	n := draw.IntN(upTo[len(upTo)-1])
	low, high := 0, len(upTo)-1
	for low < high {
		if middle := (low + high) / 2; upTo[middle] > n {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}
