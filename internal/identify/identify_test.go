package identify_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/identify"
)

const (
	card    = programmev1.IdentifierKind_IDENTIFIER_KIND_CARD
	voucher = programmev1.IdentifierKind_IDENTIFIER_KIND_VOUCHER
	phone   = programmev1.IdentifierKind_IDENTIFIER_KIND_PHONE
	email   = programmev1.IdentifierKind_IDENTIFIER_KIND_EMAIL
	address = programmev1.IdentifierKind_IDENTIFIER_KIND_POSTCODE_AND_HOUSE_NUMBER
	partner = programmev1.IdentifierKind_IDENTIFIER_KIND_PARTNER_CARD
	gs1     = programmev1.CheckDigit_CHECK_DIGIT_GS1
	luhn    = programmev1.CheckDigit_CHECK_DIGIT_LUHN
)

// shop is a chain with every kind of rule.
func shop(tb testing.TB) *identify.Rules {
	tb.Helper()
	rules, err := identify.Compile([]*programmev1.IdentifierRule{
		{Name: "klantenkaart", Kind: card, StartsWith: "29001", Length: 13, Check: gs1, Issued: &programmev1.DigitRange{First: "2900100000000", Last: "2900123999999"}},
		{Name: "oude kaart", Kind: card, StartsWith: "2612", Length: 13, Check: gs1},
		{Name: "kaart uit Amerika", Kind: card, StartsWith: "0421", Length: 13, Check: gs1},
		{Name: "sleutelhanger", Kind: card, StartsWith: "2900", Length: 8, Check: gs1},
		{Name: "gsrn", Kind: card, StartsWith: "8712345", Length: 18, Check: gs1, Namespace: "gsrn"},
		{Name: "pas", Kind: card, StartsWith: "9528", Length: 16, Check: luhn},
		{Name: "spaarpartner", Kind: partner, StartsWith: "636412", Length: 16, Check: luhn},
		{Name: "app", Kind: card, Link: "https://delinde.example/k/"},
		{Name: "bon", Kind: voucher, StartsWith: "BON-", Length: 12},
		{Name: "bon met getal", Kind: voucher, Pattern: `V[0-9]{6}`},
		{Name: "telefoon", Kind: phone, Country: "NL"},
		{Name: "telefoon BE", Kind: phone, Country: "BE"},
		{Name: "mail", Kind: email},
		{Name: "adres", Kind: address, Country: "NL"},
		{Name: "adres BE", Kind: address, Country: "BE"},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return rules
}

func TestRead(t *testing.T) {
	t.Parallel()
	rules := shop(t)
	const regular = "card 2900123456785"
	for _, tc := range []struct {
		name string
		raw  string
		want string // namespace and canonical form; "" for a card that is none, "bad" for a wrong check digit, with "voucher" in front for one
	}{
		{"plain", "2900123456785", regular},
		{"AIM id", "]E02900123456785", regular},
		{"carriage return and line feed", "2900123456785\r\n", regular},
		{"STX and ETX", "\x022900123456785\x03", regular},
		{"prefix", "~2900123456785\r", regular},
		{"prefix before the AIM id", "~]E02900123456785", regular},
		{"French keyboard", `éçàà&é"'(-è_(`, regular},
		{"Belgian keyboard", `éçàà&é"'(§è!(`, regular},
		{"French keyboard with prefix and enter", "~" + `éçàà&é"'(-è_(` + "\r", regular},
		{"French keyboard, bytes of Latin-1", "\xe9\xe7\xe0\xe0&\xe9\"'(-\xe8_(", regular},
		{"French keyboard, decomposed accents", "e\u0301c\u0327a\u0300a\u0300&e\u0301\"'(-e\u0300_(", regular},
		{"French keyboard, wrong digit", `éçàà&é"'(-è_-`, ""},
		{"own link", "https://delinde.example/k/2900123456785", regular},
		{"own link in capitals with a query", "HTTPS://DELINDE.EXAMPLE/K/2900123456785/?utm=x", regular},
		{"own link with a wrong digit", "https://delinde.example/k/2900123456784", "bad"},
		{"own link to an article", "https://delinde.example/k/8720000000016", ""},
		{"own link with nothing", "https://delinde.example/k/", ""},
		{"own link with an escaped zero byte", "https://delinde.example/k/%00", ""},
		{"full-width digits", "２９００１２３４５６７８５", regular},
		{"keyed with spaces", "29001 2345 6785", regular},
		{"keyed with hyphens", "29001-2345-6785", regular},
		{"add-on behind it", "]E3290012345678512345", regular},
		{"wrong digit", "2900123456784", "bad"},
		{"wrong digit that a phone rule must not take", "2900123456780", "bad"},
		{"cut short", "290012345678", ""},
		{"weighed cheese", "2312345012347", ""},
		{"coupon", "9912345678905", ""},
		{"article", "8720000000016", ""},
		{"EAN-13 26", "2612345000003", "card 2612345000003"},
		{"leading zero", "0421000000003", "card 0421000000003"},
		{"UPC-A without its zero", "421000000003", "card 0421000000003"},
		{"EAN-8", "29001231", "card 29001231"},
		{"EAN-8 by AIM", "]E429001231", "card 29001231"},
		{"GSRN", "871234500000123453", "gsrn 871234500000123453"},
		{"GSRN in GS1-128", "]C18018871234500000123453", "gsrn 871234500000123453"},
		{"GSRN behind another element", "]C18017952123454321087653\x1d8018871234500000123453\x1d80191", "gsrn 871234500000123453"},
		{"GSRN behind a date", "]d2112703068018871234500000123453", "gsrn 871234500000123453"},
		{"GSRN after FNC1", "\x1d8018871234500000123453\x1d801912", "gsrn 871234500000123453"},
		{"GSRN as people read it", "(8018)871234500000123453", "gsrn 871234500000123453"},
		{"GSRN of a scanner that names no symbol", "8018871234500000123453", "gsrn 871234500000123453"},
		{"GSRN with a wrong digit", "]C18018871234500000123454", "bad"},
		{"another GSRN", "]C18018952123454321087653", ""},
		{"Digital Link", "https://id.gs1.org/8018/871234500000123453", "gsrn 871234500000123453"},
		{"Digital Link, own domain, instance and query", "https://delinde.example/nl/8018/871234500000123453/8019/1?x=y", "gsrn 871234500000123453"},
		{"provider, not customer", "https://id.gs1.org/8017/871234500000123453", ""},
		{"Luhn", "9528234000001239", "card 9528234000001239"},
		{"Luhn on track 2", ";9528234000001239=29121010000000000?", "card 9528234000001239"},
		{"Luhn on tracks 1 and 2", "%B9528234000001239^DOE/J^2912?;9528234000001239=2912?\r", "card 9528234000001239"},
		{"Luhn with a wrong digit", "9528234000001238", "bad"},
		{"partner", "6364123456789012", "partner_card 6364123456789012"},
		{"voucher", "BON-12345678", "voucher BON-12345678"},
		{"voucher by pattern", "V123456", "voucher V123456"},
		{"voucher of other length", "V1234567", ""},
		{"lower case is another code", "bon-12345678", ""},
		{"mobile", "06-12345678", "phone +31612345678"},
		{"mobile with country", "+31 6 1234 5678", "phone +31612345678"},
		{"mobile with double zero", "0031612345678", "phone +31612345678"},
		{"mobile, zero in brackets", "+31 (0)6 12345678", "phone +31612345678"},
		{"mobile without its zero", "612345678", ""},
		{"Belgian mobile", "0470 12 34 56", "phone +32470123456"},
		{"e-mail", "Jan.Jansen@Example.NL", "email jan.jansen@example.nl"},
		{"half an e-mail", "jan@", ""},
		{"two ats", "a@b@c.nl", ""},
		{"address", "3511 ab 12", "postcode_and_house_number NL:3511AB:12"},
		{"address with addition", "3511AB 12-a", "postcode_and_house_number NL:3511AB:12-A"},
		{"address, addition joined", "3511AB12a", "postcode_and_house_number NL:3511AB:12-A"},
		{"address, addition is a number", "3511AB 12-2", "postcode_and_house_number NL:3511AB:12-2"},
		{"Belgian address", "2000 17", "postcode_and_house_number BE:2000:17"},
		{"a canonical address reads as itself", "NL:3511AB:12-A", ""},
		{"empty", "", ""},
		{"only control characters", "\x00\r\n\x1d", ""},
		{"512 bytes", strings.Repeat("2", 512), ""},
		{"513 bytes", strings.Repeat("2", 513), ""},
		{"a card in 600 bytes of blanks", strings.Repeat(" ", 600) + "2900123456785", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := rules.Read([]byte(tc.raw))
			said := got.Namespace + " " + got.Canonical
			switch got.Outcome {
			case identify.NotACard:
				said = ""
			case identify.BadCheckDigit:
				said = "bad"
			case identify.Card, identify.Voucher:
			}
			if said != tc.want {
				t.Errorf("read as %q (%+v), want %q", said, got, tc.want)
			}
			if want := strings.HasPrefix(tc.want, "voucher"); (got.Outcome == identify.Voucher) != want {
				t.Errorf("voucher %v, want %v", !want, want)
			}
		})
	}
}

func TestIssued(t *testing.T) {
	t.Parallel()
	rules := shop(t)
	for _, tc := range []struct {
		name string
		raw  string
		want bool
	}{
		{"inside the range", "2900123456785", true},
		{"first of the range", "2900100000000", true},
		{"behind the range", "2900199999995", false},
		{"no range", "2612345000003", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := rules.Read([]byte(tc.raw))
			if got.Outcome != identify.Card || got.Issued != tc.want {
				t.Errorf("outcome %v, issued %v; want a card, %v", got.Outcome, got.Issued, tc.want)
			}
		})
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	rules := shop(t)
	for raw, want := range map[string]string{
		"2900123456785": "…6785", "06-12345678": "…5678", "jan@example.nl": "…e.nl", "V123456": "…456",
	} {
		if got := rules.Read([]byte(raw)).Masked; got != want {
			t.Errorf("%s is masked %q, want %q", raw, got, want)
		}
	}
}

// TestRuleOrder: the first rule that matches wins, and a wrong check digit stands only when no later rule's check digit holds.
func TestRuleOrder(t *testing.T) {
	t.Parallel()
	rules, err := identify.Compile([]*programmev1.IdentifierRule{
		{Name: "a", Kind: card, StartsWith: "95", Length: 16, Check: gs1, Namespace: "gs1"},
		{Name: "b", Kind: card, StartsWith: "9528", Length: 16, Check: luhn, Namespace: "luhn"},
		{Name: "c", Kind: card, StartsWith: "9528", Length: 16, Namespace: "loose"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]string{"9528234000001205": "luhn", "9528234000001208": "gs1", "9528234000001239": "gs1"} {
		if got := rules.Read([]byte(raw)); got.Namespace != want {
			t.Errorf("%s went to %q (%v), want %q", raw, got.Namespace, got.Outcome, want)
		}
	}
	if got := rules.Read([]byte("9528234000001234")); got.Outcome != identify.BadCheckDigit {
		t.Errorf("a wrong digit was taken by the rule without check: %+v", got)
	}
}

func TestScanners(t *testing.T) {
	t.Parallel()
	no := false
	rules := shop(t).WithScanners(&programmev1.Scanners{Prefixes: []string{"@", "F:"}, Suffixes: []string{"#"}, RepairAzerty: &no})
	for raw, want := range map[string]identify.Outcome{
		"@2900123456785": identify.Card, "F:2900123456785#": identify.Card, "2900123456785": identify.Card,
		"~2900123456785": identify.NotACard, `éçàà&é"'(-è_(`: identify.NotACard,
	} {
		if got := rules.Read([]byte(raw)).Outcome; got != want {
			t.Errorf("%q is %v, want %v", raw, got, want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		rule *programmev1.IdentifierRule
		says string
	}{
		{"no kind", &programmev1.IdentifierRule{Name: "x", StartsWith: "2"}, "kind"},
		{"no form", &programmev1.IdentifierRule{Name: "x", Kind: card, Check: gs1}, "any code"},
		{"prefix and pattern", &programmev1.IdentifierRule{Name: "x", Kind: card, StartsWith: "2", Pattern: "2.*"}, "both"},
		{"broken pattern", &programmev1.IdentifierRule{Name: "x", Kind: card, Pattern: "("}, "pattern"},
		{"pattern of a million steps", &programmev1.IdentifierRule{Name: "x", Kind: card, Pattern: "((a{1,30}){1,30}){1,30}"}, "pattern"},
		{"range backwards", &programmev1.IdentifierRule{Name: "x", Kind: card, Length: 2, Issued: &programmev1.DigitRange{First: "20", Last: "10"}}, "issued"},
		{"range of other length", &programmev1.IdentifierRule{Name: "x", Kind: card, Length: 3, Issued: &programmev1.DigitRange{First: "10", Last: "20"}}, "length"},
		{"phone of no country", &programmev1.IdentifierRule{Name: "x", Kind: phone, Country: "ZZ"}, "country"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := identify.Compile([]*programmev1.IdentifierRule{tc.rule})
			if !errors.Is(err, identify.ErrRule) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("refused with %v, want ErrRule that says %q", err, tc.says)
			}
		})
	}
}

// TestHashVectors holds the vectors of docs/hashed-tuples.md, which were computed outside this program.
func TestHashVectors(t *testing.T) {
	t.Parallel()
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	for _, tc := range []struct{ name, namespace, canonical, want string }{
		{"card", "card", "2900123456785", "bb7abd4428dabb22677ce9ad740232da"},
		{"phone", "phone", "+31612345678", "778d0b8c6023a47dc9e99859e11ccbda"},
		{"leading zero", "card", "0421000000003", "c85b93f6f0f5042457f89660db6b5237"},
		{"no namespace", "", "x", "1187d5442eef047f2e4c59382285e66a"},
		{"longer than a block", "email", strings.Repeat("a@b.nl", 60), "4f165dcfb1ccffac21f56f7a5569785b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := identify.Hash(key, tc.namespace, tc.canonical)
			if hex.EncodeToString(got[:]) != tc.want {
				t.Errorf("got %x, want %s", got, tc.want)
			}
		})
	}
}

// TestHashIsHMAC holds the hash against the standard library's HMAC, with keys and messages on both sides of every block's end.
func TestHashIsHMAC(t *testing.T) {
	for _, keyLength := range []int{0, 1, 31, 32, 63, 64, 65, 128, 200} {
		key := bytes.Repeat([]byte{0xa5}, keyLength)
		for length := range 300 {
			canonical := strings.Repeat("7", length)
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte("card\x00" + canonical))
			if got := identify.Hash(key, "card", canonical); !bytes.Equal(got[:], mac.Sum(nil)[:identify.HashSize]) {
				t.Fatalf("a key of %d bytes, %d digits: %x", keyLength, length, got)
			}
		}
	}
}
