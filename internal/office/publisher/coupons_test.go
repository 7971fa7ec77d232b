package publisher_test

import (
	"slices"
	"testing"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/office/publisher"
)

// withCoupons has the programme give coupons whose codes have so many free digits.
func (o *office) withCoupons(length, perStore int32) {
	o.in.Programme.Identifiers = []*programmev1.IdentifierRule{{
		Name: "coupon", Kind: programmev1.IdentifierKind_IDENTIFIER_KIND_VOUCHER, StartsWith: "99", Length: length,
		Check: programmev1.CheckDigit_CHECK_DIGIT_LUHN,
	}}
	o.in.Programme.Campaigns = []*programmev1.Campaign{
		{Code: "come-back", Kind: &programmev1.Campaign_Coupon{Coupon: &programmev1.Coupon{Amount: 500, PerStore: perStore}}},
	}
}

// storePart is what a server alone gets.
func (o *office) storePart(e *bundlev1.Enrolment) *bundlev1.StorePart {
	o.t.Helper()
	_, records := o.part(e, o.manifest(e).GetStorePart())
	part := new(bundlev1.StorePart)
	if err := bundle.Join(bundle.KindStore, records, part); err != nil {
		o.t.Fatal(err)
	}
	return part
}

func codesOf(p *bundlev1.StorePart) (codes []string) {
	for _, share := range p.GetCouponShares() {
		for _, code := range share.GetCodes() {
			codes = append(codes, code.GetCode())
		}
	}
	return codes
}

func TestCodesBelongToOneServer(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	first, second := o.enrol("amsterdam-1"), o.enrol("utrecht-1")
	o.withCoupons(20, 100)
	o.publish()
	a, b := codesOf(o.storePart(first)), codesOf(o.storePart(second))
	if len(a) != 100 || len(b) != 100 || len(a[0]) != 20 || a[0][:2] != "99" {
		t.Fatalf("%d and %d codes: %q", len(a), len(b), a[:min(1, len(a))])
	}
	for _, code := range a {
		if slices.Contains(b, code) {
			t.Errorf("%s is given by two", code)
		}
	}
	third := o.enrol("amersfoort-1")
	o.publish()
	if again := codesOf(o.storePart(first)); !slices.Equal(again, a) {
		t.Error("published again, the codes are others")
	}
	if c := codesOf(o.storePart(third)); len(c) != 100 || slices.Contains(a, c[0]) {
		t.Errorf("a new server has %d codes", len(c))
	}
}

// With so few codes that many are drawn for two servers, none of those is given by anybody.
func TestCodesDrawnTwiceAreGivenByNobody(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	first, second := o.enrol("amsterdam-1"), o.enrol("utrecht-1")
	o.withCoupons(6, 300) // of 1,000
	o.publish()
	a, b := codesOf(o.storePart(first)), codesOf(o.storePart(second))
	seen := map[string]bool{}
	for _, code := range slices.Concat(a, b) {
		if seen[code] {
			t.Errorf("%s is given twice", code)
		}
		seen[code] = true
	}
	if len(a) == 300 || len(a) < 50 {
		t.Errorf("%d codes are left of 300", len(a))
	}
}

func TestGivenCouponsLeaveTheShareAndComeBackAsKnown(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	e := o.enrol("amsterdam-1")
	o.withCoupons(20, 5)
	o.publish()
	before := codesOf(o.storePart(e))
	today := int32(day.Unix() / 86400)
	given := func(server string, ordinal uint32, until int32) publisher.GivenCoupon {
		return publisher.GivenCoupon{ServerID: server, Known: &bundlev1.KnownCoupon{Used: true, Coupon: &outcomev1.Coupon{
			VoucherId: make([]byte, 16), Campaign: "come-back", Ordinal: ordinal, ValidUntil: until,
		}}}
	}
	o.in.Coupons = []publisher.GivenCoupon{given("amsterdam-1", 0, today), given("amsterdam-1", 3, today-30), given("utrecht-1", 1, today)}
	o.publish()
	part := o.storePart(e)
	if got := codesOf(part); !slices.Equal(got, []string{before[1], before[2], before[4]}) {
		t.Errorf("left are %q of %q", got, before)
	}
	if len(part.GetCoupons()) != 1 || !part.GetCoupons()[0].GetUsed() {
		t.Errorf("known are %v", part.GetCoupons())
	}
}

func TestAStandbyGivesNoCoupons(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "amsterdam-1")
	e, err := o.keys.Enrol(publisher.Enrolment{Server: "amsterdam-2", Store: "amsterdam", Standby: true}, day)
	if err != nil {
		t.Fatal(err)
	}
	o.withCoupons(20, 5)
	o.publish()
	if got := codesOf(o.storePart(e)); len(got) != 0 {
		t.Errorf("%d codes", len(got))
	}
}

func TestWhoGivesNoCoupons(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(o *office){
		"another store's campaign": func(o *office) {
			o.in.Programme.Campaigns[0].When = &programmev1.Condition{Stores: []string{"elsewhere"}}
		},
		"a campaign that ended": func(o *office) {
			o.in.Programme.Campaigns[0].Runs = &programmev1.Period{Until: int32(day.Unix()/86400) - 2}
		},
		"no form for the codes": func(o *office) { o.in.Programme.Identifiers = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			e := o.enrol("amsterdam-1")
			o.withCoupons(20, 5)
			change(o)
			o.publish()
			if got := codesOf(o.storePart(e)); len(got) != 0 {
				t.Errorf("%d codes", len(got))
			}
		})
	}
}
