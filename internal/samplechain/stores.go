package samplechain

import "fmt"

// Store is one shop of the chain.
type Store struct {
	// Code is the store's code, as receipts carry it.
	Code string
	// Name is the town it is in.
	Name string
	// Owner is the code of the company in whose books its points stand.
	Owner string
	// Country is the ISO code of the country.
	Country string
	// TimeZone is the IANA name of the store's zone.
	TimeZone string
	// Languages are those of its customers, the first being the default.
	Languages []string
	// Tills is how many tills it has.
	Tills int
}

// The two owners: the family that founded the chain, and a franchise across the border.
const (
	ownerFamily    = "de-linde"
	ownerFranchise = "groen-bv"
)

// towns are the twelve stores; Belgian ones speak Dutch and French.
var towns = []struct {
	name, country, owner, first string
	tills                       int
}{
	{"Utrecht", "NL", ownerFamily, "nl", 6},
	{"Zeist", "NL", ownerFamily, "nl", 3},
	{"Antwerpen", "BE", ownerFranchise, "nl", 5},
	{"Amersfoort", "NL", ownerFamily, "nl", 5},
	{"Hilversum", "NL", ownerFamily, "nl", 3},
	{"Gent", "BE", ownerFranchise, "nl", 4},
	{"Arnhem", "NL", ownerFamily, "nl", 4},
	{"Breda", "NL", ownerFamily, "nl", 4},
	{"Namur", "BE", ownerFranchise, "fr", 3},
	{"Zwolle", "NL", ownerFamily, "nl", 4},
	{"Maastricht", "NL", ownerFranchise, "nl", 3},
	{"Haarlem", "NL", ownerFamily, "nl", 5},
}

// makeStores returns the first n stores; beyond the twelve towns they are numbered.
func makeStores(n int) []Store {
	stores := make([]Store, n)
	for i := range stores {
		town := towns[i%len(towns)]
		s := Store{
			Code: fmt.Sprintf("s%02d", i+1), Name: town.name, Owner: town.owner, Country: town.country,
			TimeZone: "Europe/Amsterdam", Languages: []string{"nl", "en"}, Tills: town.tills,
		}
		if i >= len(towns) {
			s.Name = fmt.Sprintf("%s %d", town.name, i/len(towns)+1)
		}
		if town.country == "BE" {
			s.TimeZone, s.Languages = "Europe/Brussels", []string{"nl", "fr"}
		}
		if town.first == "fr" {
			s.Languages = []string{"fr", "nl"}
		}
		stores[i] = s
	}
	return stores
}
