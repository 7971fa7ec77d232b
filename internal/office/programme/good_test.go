package programme_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/programme"
	"github.com/stamklant/stamklant/internal/segment"
)

// root is the root of the repository.
const root = "../../.."

// TestGood reads programmes of which there is nothing to say.
func TestGood(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d good programmes, error %v", len(files), err)
	}
	files = append(files, filepath.Join(root, "docs", "programme.yaml"), filepath.Join(root, "..", "shared", "programme-ideal.yaml"))
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
				t.Skipf("%s is not there", file)
			}
			p, warnings, err := programme.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(warnings) > 0 {
				t.Errorf("%s", warnings)
			}
			if _, err := segment.Compile(p.GetSegments(), int(p.GetScoring().GetScores())); err != nil && p.GetScoring().GetSource() != programmev1.ScoringSource_SCORING_SOURCE_IMPORTED {
				t.Error(err)
			}
		})
	}
}

// TestRead holds what was read against what it should be, field by field.
func TestRead(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		file string
		want string // in text format, without segments
	}{
		{
			"what YAML would make something else of", "words", `
chain: "7e Straat" currency: "NOK" currency_decimals: 2 time_zone: "Europe/Oslo" languages: "en" profiling: PROFILING_CONSENT address: ADDRESS_U
stores { code: "010" name: "1e6" owner: "yes" country: "NO" region: "0x10" }
groups { name: "on" patterns: "0421*" } groups { name: "off" patterns: "1_000" }
identifiers { name: "null-card" kind: IDENTIFIER_KIND_CARD starts_with: "0421" length: 13 issued { first: "0421000000000" last: "0421999999999" } }
points {
  earn {
    name: "basic" points: 1 per_euro: 10 days: WEEKDAY_MON days: WEEKDAY_TUE
    hours { from_minute: 540 until_minute: 1440 } from: 20823
  }
  on_discounted_lines: false when_redeeming: true
}`,
		},
		{
			"single values and one language", "one-language", `
chain: "Shop" currency: "GBP" currency_decimals: 2 time_zone: "Europe/London" languages: "en" profiling: PROFILING_LEGITIMATE_INTEREST
stores { code: "001" name: "High Street" country: "GB" }
groups { name: "all" patterns: "*" }
identifiers { name: "card" kind: IDENTIFIER_KIND_CARD pattern: "[A-Z]{2}[0-9]{6}" }
tiers { code: "member" name { language: "en" text: "Member" } }
tiers { code: "gold" name { language: "en" text: "Gold" } reach_any { visits: 12 } gives: "first_in_line" }
points { earn { name: "basic" points: 2 per_euro: 1 stores: "001" } }
customer_groups { code: "staff" percent: 1250 name { language: "en" text: "Staff" } }
campaigns {
  code: "thanks" salt: "55d68de032b650c9"
  prompt { kind: PROMPT_KIND_THANKS }
  when { segments: "champions" also: "customer.points > 300" }
  say {
    cashier { language: "en" text: "Thank this customer in person" }
    display { language: "en" text: "Good to see you!|Thank you" }
  }
}`,
		},
		{
			"a currency without decimals", "no-decimals", `
chain: "Kyoto" currency: "JPY" time_zone: "Asia/Tokyo" languages: "en" profiling: PROFILING_CONSENT
stores { code: "k1" name: "Kyoto" }
identifiers { name: "card" kind: IDENTIFIER_KIND_CARD starts_with: "29" length: 8 check: CHECK_DIGIT_GS1 }
tiers { code: "base" name { language: "en" text: "Base" } }
tiers { code: "gold" name { language: "en" text: "Gold" } reach_any { spend: 30000 } reach_any { points: 500 } }
points { earn { name: "basic" points: 1 per_euro: 100 } redeem { points: 100 worth: 100 } }`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, _, err := programme.Load("testdata/good/" + tc.file + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			got.Segments = nil
			want := &programmev1.Programme{}
			if err := prototext.Unmarshal([]byte(tc.want), want); err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(got, want) {
				t.Errorf("got  %s\nwant %s", prototext.Format(got), prototext.Format(want))
			}
		})
	}
}

// TestOverride shows that a document wins over its presets field by field, and presets over each other in their order.
func TestOverride(t *testing.T) {
	t.Parallel()
	doc := parse(t, `
starts_from: [nine-segments, eleven-segments, law-nl]
segments:
  champions: {name: {nl: Ideale klant}, lever: basket}
restricted:
  alcohol: {at_most_percent: 10}
`)
	champions := doc.Programme.GetSegments()[slot(doc.Programme.GetSegments(), "champions")]
	if got := words(champions.GetName()); got != "nl:Ideale klant en:Champions fr:Champions de:Champions" {
		t.Errorf("names are %q", got)
	}
	if got := strings.Join(champions.GetCodes(), " "); got != "555 554 544 545 454 455 445" || champions.GetLever() != programmev1.Lever_LEVER_BASKET {
		t.Errorf("codes are %s, lever is %s", got, champions.GetLever())
	}
	if x := doc.Programme.GetRestricted(); len(x) != 2 || x[0].GetGroup() != "tobacco" || x[1].GetAtMostPercent() != 1000 || x[1].GetBecause() == "" {
		t.Errorf("restricted are %v: tobacco and alcohol are declared, medicine is not", x)
	}
	if got := strings.Join(doc.Programme.GetNoPointsNoOffers(), " "); got != "tobacco" {
		t.Errorf("no_points_no_offers is %q, law-nl lets tobacco have neither", got)
	}
}

func slot(segments []*programmev1.Segment, code string) int {
	for i, s := range segments {
		if s.GetCode() == code {
			return i
		}
	}
	return -1
}

func words(in []*programmev1.Translation) string {
	var out []string
	for _, t := range in {
		out = append(out, t.GetLanguage()+":"+t.GetText())
	}
	return strings.Join(out, " ")
}

// base is a programme with nothing wrong, to which a test adds lines.
const base = `chain: De Linde
currency: EUR
time_zone: Europe/Amsterdam
languages: [nl, en]
profiling: consent
stores: {s01: {name: Utrecht}}
groups: {plants: "10*", paint: "46*", tobacco: "71*", alcohol: "72*"}
identifiers: [{name: card, kind: card, starts_with: "29001", length: 13, check: gs1}]
`

func parse(t *testing.T, more string) *programme.Document {
	t.Helper()
	doc, err := programme.Parse("test", programme.File{Name: "test.yaml", Text: []byte(base + more)})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
