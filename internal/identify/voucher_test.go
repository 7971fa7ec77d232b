package identify_test

import (
	"encoding/hex"
	"testing"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/identify"
)

func voucherRule(startsWith string, length int32, check programmev1.CheckDigit) *programmev1.IdentifierRule {
	return &programmev1.IdentifierRule{
		Name: "coupon", Kind: programmev1.IdentifierKind_IDENTIFIER_KIND_VOUCHER, StartsWith: startsWith, Length: length, Check: check,
	}
}

func TestCouponForm(t *testing.T) {
	const none, gs1, luhn = programmev1.CheckDigit_CHECK_DIGIT_NONE, programmev1.CheckDigit_CHECK_DIGIT_GS1, programmev1.CheckDigit_CHECK_DIGIT_LUHN
	for _, tc := range []struct {
		name  string
		rule  *programmev1.IdentifierRule
		codes uint64
		n     uint64
		want  string
	}{
		{"EAN-13, check digit by hand", voucherRule("99", 13, gs1), 1e10, 1234567890, "9912345678909"},
		{"leading zeros stay", voucherRule("99", 13, gs1), 1e10, 7, "9900000000073"},
		{"Luhn, ISO/IEC 7812", voucherRule("7992", 11, luhn), 1e6, 739871, "79927398713"},
		{"without a check digit", voucherRule("5", 8, none), 1e7, 42, "50000042"},
		{"longer than a number holds", voucherRule("98", 24, none), 1e18, 42, "980000000000000000000042"},
		{"beyond the last it begins anew", voucherRule("5", 3, none), 100, 105, "505"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rules, err := identify.Compile([]*programmev1.IdentifierRule{tc.rule})
			if err != nil {
				t.Fatal(err)
			}
			form, ok := rules.CouponForm()
			if !ok || form.Codes() != tc.codes {
				t.Fatalf("form %v with %d codes, want %d", ok, form.Codes(), tc.codes)
			}
			if got := form.Code(tc.n); got != tc.want {
				t.Errorf("code %q, want %q", got, tc.want)
			}
			if !form.Reads() {
				t.Error("its own codes are not read as coupons")
			}
		})
	}
}

func TestNoCouponForm(t *testing.T) {
	card := voucherRule("29", 13, 0)
	card.Kind = programmev1.IdentifierKind_IDENTIFIER_KIND_CARD
	patterned := voucherRule("", 0, 0)
	patterned.Pattern = "B[0-9]{10}"
	for _, rule := range []*programmev1.IdentifierRule{card, patterned, voucherRule("99", 3, programmev1.CheckDigit_CHECK_DIGIT_GS1), voucherRule("99", 0, 0)} {
		rules, err := identify.Compile([]*programmev1.IdentifierRule{rule})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := rules.CouponForm(); ok {
			t.Errorf("%v has a form for coupons", rule)
		}
	}
}

func TestCouponsBehindAnotherRule(t *testing.T) {
	card := voucherRule("9", 13, 0)
	card.Kind = programmev1.IdentifierKind_IDENTIFIER_KIND_CARD
	rules, err := identify.Compile([]*programmev1.IdentifierRule{card, voucherRule("99", 13, programmev1.CheckDigit_CHECK_DIGIT_GS1)})
	if err != nil {
		t.Fatal(err)
	}
	if form, ok := rules.CouponForm(); !ok || form.Reads() {
		t.Error("coupons that read as cards pass for coupons")
	}
}

// The vector is `printf '\024stamklant/voucher/v1\007voucher\0159912345678903' | sha256sum`.
func TestVoucherID(t *testing.T) {
	id := identify.VoucherID("voucher", "9912345678903")
	if got := hex.EncodeToString(id[:]); got != "bf733717a6a63587f73a6f325a285103" {
		t.Errorf("got %s", got)
	}
}
