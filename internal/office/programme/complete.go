package programme

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"

	"golang.org/x/text/currency"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// complete fills in what is never written: the currency's decimal places, each campaign's salt, and what the law's bounds mean for the groups
// that this retailer has.
func complete(doc *Document) {
	p := doc.Programme
	if unit, err := currency.ParseISO(p.GetCurrency()); err == nil {
		places, _ := currency.Standard.Rounding(unit)
		p.CurrencyDecimals = int32(min(places, 3))
	}
	for _, c := range p.GetCampaigns() {
		c.Salt = Salt(c.GetCode())
	}
	restrict(doc)
}

// Salt fixes who is in a campaign's holdout: the first eight bytes of SHA-256 over the tuple ("stamklant/salt/v1", code), in hexadecimal; a tuple
// is its fields, each after its length (docs/hashed-tuples.md). It depends on nothing but the campaign's code, so it stays what it is for the
// campaign's life whatever else is changed; a campaign under a new code draws a new holdout.
func Salt(code string) string {
	var tuple []byte
	for _, field := range []string{"stamklant/salt/v1", code} {
		tuple = append(binary.AppendUvarint(tuple, uint64(len(field))), field...)
	}
	sum := sha256.Sum256(tuple)
	return hex.EncodeToString(sum[:8])
}

// restrict leaves out the ready-made restrictions on groups that are not declared, and lets groups on which nothing may be given neither earn nor
// be offered.
func restrict(doc *Document) {
	p := doc.Programme
	declared := map[string]bool{}
	for _, g := range p.GetGroups() {
		declared[g.GetName()] = true
	}
	var kept []*programmev1.Restriction
	for i, x := range p.GetRestricted() {
		path := "restricted[" + strconv.Itoa(i) + "]"
		if !declared[x.GetGroup()] && !doc.marks[path].given {
			continue
		}
		doc.marks.move(path, "restricted["+strconv.Itoa(len(kept))+"]")
		kept = append(kept, x)
		if nothingAllowed(x) && declared[x.GetGroup()] && !slices.Contains(p.GetNoPointsNoOffers(), x.GetGroup()) {
			p.NoPointsNoOffers = append(p.NoPointsNoOffers, x.GetGroup())
		}
	}
	p.Restricted = kept
}

// nothingAllowed reports whether a group may neither be discounted nor earn points.
func nothingAllowed(x *programmev1.Restriction) bool {
	return x.GetAtMostPercent() == 0 && x.GetNoPoints()
}
