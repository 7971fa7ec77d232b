package programme_test

import (
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/office/programme"
)

func TestPreview(t *testing.T) {
	t.Parallel()
	p := parse(t, `campaigns:
  kinderdag:
    prompt: event
    say:
      cashier: {nl: "Nodig uit: kinderdag zaterdag 17 april", en: "Invite: children's day Sat 17 April"}
      display: {nl: "Kinderdag za 17 apr|U bent welkom!", en: "Kids' day Sat 17 Apr"}
      receipt: {nl: "Geniet, koop, knutsel: één dag, € 0", en: "Free"}
  dank: {prompt: thanks}
`).Programme
	var out strings.Builder
	if drawn := programme.Preview(&out, p, ""); drawn != 1 {
		t.Errorf("%d campaigns drawn, want the one with words of its own", drawn)
	}
	dutch, _, _ := strings.Cut(out.String(), "kinderdag (en)")
	if want := `kinderdag (nl)
  cashier +----------------------------------------+
          |Nodig uit: kinderdag zaterdag 17 april  |
          +----------------------------------------+
  display +--------------------+
          |Kinderdag za 17 apr |
          |U bent welkom!      |
          +--------------------+
  receipt +------------------------------------------+
          |Geniet, koop, knutsel: één dag, € 0       |
          +------------------------------------------+
`; dutch != want {
		t.Errorf("got\n%s\nwant\n%s", dutch, want)
	}
	if drawn := programme.Preview(&out, p, "dank"); drawn != 0 {
		t.Errorf("%d campaigns drawn of one without words", drawn)
	}
}
