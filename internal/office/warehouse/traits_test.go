package warehouse_test

import (
	"fmt"
	"strings"
	"testing"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// TestTraits publishes a trait only while a campaign uses it, as it is declared, and for what it was given for.
func TestTraits(t *testing.T) {
	t.Parallel()
	w := open(t)
	take := func(text, lines string) {
		t.Helper()
		report, err := w.Import(t.Context(), warehouse.ImportRequest{
			List: warehouse.Customers, Mapping: mapping(t, text), Files: []string{file(t, "customers.csv", lines)}, Accounts: &register{},
		})
		if err != nil || report.RejectedRows() != 0 {
			t.Fatal(err, report)
		}
	}
	const who = "list: customers\ncustomer: {column: who, is: external_id}\nwords: {yes: [J], no: [N]}\n"
	take(who+"columns: {objected: objected, marketing: marketing, profiling: profiling, minor: minor}\n"+
		"traits: {children: kids, distance: km, hobby: hobby, unused: km, undeclared: km}\n",
		"who,objected,marketing,profiling,minor,kids,km,hobby\n"+
			"all,N,J,J,,J,12,garden\nquiet,N,N,J,,N,7,fish\nplain,N,J,N,,J,x,\nobjector,J,J,J,,J,1,garden\nchild,N,J,J,J,J,1,garden\n")
	p := &programmev1.Programme{
		Profiling: programmev1.Profiling_PROFILING_CONSENT,
		Traits: []*programmev1.TraitDeclaration{
			{Name: "children", Type: programmev1.TraitType_TRAIT_TYPE_YES_NO, Purpose: programmev1.Purpose_PURPOSE_MARKETING},
			{Name: "distance", Type: programmev1.TraitType_TRAIT_TYPE_NUMBER, Purpose: programmev1.Purpose_PURPOSE_SAVING},
			{Name: "hobby", Type: programmev1.TraitType_TRAIT_TYPE_WORD, Purpose: programmev1.Purpose_PURPOSE_PROFILING},
			{Name: "unused", Type: programmev1.TraitType_TRAIT_TYPE_NUMBER, Purpose: programmev1.Purpose_PURPOSE_SAVING},
		},
		Campaigns: []*programmev1.Campaign{
			{Code: "a", When: &programmev1.Condition{Traits: []string{"children"}}},
			{Code: "b", When: &programmev1.Condition{Also: `trait.distance > 5 && trait.hobby == "garden"`}, Runs: &programmev1.Period{Until: 20000}},
		},
	}
	published := func() map[string]string {
		t.Helper()
		all := map[string]string{}
		for a, err := range w.Published(t.Context(), p) {
			if err != nil {
				t.Fatal(err)
			}
			var traits []string
			for _, trait := range a.Account.GetTraits() {
				switch {
				case trait.GetWord() != "":
					traits = append(traits, trait.GetName()+"="+trait.GetWord())
				case trait.GetNumber() != 0:
					traits = append(traits, fmt.Sprint(trait.GetName(), "=", trait.GetNumber()))
				default:
					traits = append(traits, fmt.Sprint(trait.GetName(), "=", trait.GetYes()))
				}
			}
			for _, name := range []string{"all", "quiet", "plain", "objector", "child"} {
				if a.ID == account("", name) {
					all[name] = strings.Join(traits, " ")
				}
			}
		}
		return all
	}
	expect := func(what string, want map[string]string) {
		t.Helper()
		for name, got := range published() {
			if got != want[name] {
				t.Errorf("%s: %s has %q, want %q", what, name, got, want[name])
			}
		}
	}
	expect("at first", map[string]string{"all": "children=true distance=12 hobby=garden", "quiet": "distance=7 hobby=fish", "plain": "children=true"})

	// A later list changes the traits it names, and forgets what it is empty for.
	take(who+"traits: {hobby: hobby}\n", "who,hobby\nall,\nquiet,books\n")
	expect("later", map[string]string{"all": "children=true distance=12", "quiet": "distance=7 hobby=books", "plain": "children=true"})

	// When the campaign has ended its traits stay at head office.
	p.Campaigns = p.GetCampaigns()[:1]
	expect("after the campaign", map[string]string{"all": "children=true", "plain": "children=true"})
}
