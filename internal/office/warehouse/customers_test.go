package warehouse_test

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

const customersMapping = `
list: customers
file: {delimiter: semicolon}
customer: {column: nr, is: external_id}
identifiers:
  - {column: card, namespace: card}
columns:
  language: lang
  home_store: store
  first_name: name
  groups: {column: groups, separator: "+"}
  objected: bezwaar
  profiling: profiel
  minor: {constant: nee}
  tier: tier
  points: points
  segment: segment
  r: r
  f: f
  m: m
`

const customersHeading = "nr;card;lang;store;name;groups;bezwaar;profiel;tier;points;segment;r;f;m\n"

const customersList = customersHeading +
	"1;2900100000015;NL;s01;An;hovenier + personeel;nee;ja;goud;1250;champions;5;5;5\n" +
	"2;;fr;s03;;;ja;;zilver;-35;lost;1;1;1\n" +
	"3;2900100000039;;;;;;;;;;;;\n" +
	"3;2900100000039;nl;;;;;;;;;;;\n" + // twice
	"4;x;nl;;;;;;;;;;;\n" + // no card
	"5;;dutch;;;;;;;;;;;\n" + // no language
	"6;;nl;;;;misschien;;;;;;;\n" + // neither yes nor no
	"7;;nl;;;;;;;12.5;;;;\n" + // half a point
	";;nl;;;;;;;;;;;\n" // nobody

// customersRequest imports a list of customers.
func customersRequest(t *testing.T, mappingText, list string) warehouse.ImportRequest {
	t.Helper()
	return warehouse.ImportRequest{
		List: warehouse.Customers, Files: []string{file(t, "customers.csv", list)}, Mapping: mapping(t, mappingText), Accounts: &register{},
		Recognise:    func(_, raw string) (string, bool) { return raw, raw != "x" },
		RejectedPath: filepath.Join(t.TempDir(), "rejected.csv"),
	}
}

func TestCustomers(t *testing.T) {
	t.Parallel()
	w := open(t)
	request := customersRequest(t, customersMapping, customersList)
	report := imported(t, w, request)
	want := &warehouse.CustomerTotals{
		Customers: 3, Identifiers: 2, Points: 1215, New: 3,
		Segments: map[string]int64{"champions": 1, "lost": 1}, Tiers: map[string]int64{"goud": 1, "zilver": 1},
		Fields: map[string]int64{
			"language": 2, "home_store": 2, "first_name": 1, "groups": 1, "objected": 2, "profiling": 1, "minor": 3,
			"tier": 2, "points": 2, "segment": 2, "r": 2, "f": 2, "m": 2,
		},
	}
	if !reflect.DeepEqual(report.Customers, want) || report.Rows != 9 || report.RejectedRows() != 6 {
		t.Errorf("%d rows, rejected %v\n got %+v\nwant %+v", report.Rows, report.Rejected, report.Customers, want)
	}
	if rows := records(t, report.RejectedPath); len(rows) != 7 || rows[1][1] != "5" || rows[6][1] != "10" {
		t.Errorf("rejected rows: %v", rows)
	}
	if r := imported(t, w, request).Customers; r.New != 0 || r.Changed != 0 || r.Same != 3 {
		t.Errorf("the same list again: %+v", *r)
	}

	// A list that knows less changes only what it tells.
	few := customersRequest(t, "list: customers\ncustomer: {column: nr, is: external_id}\ncolumns: {language: lang}\n", "nr,lang\n1,en\n2,fr\n9,de\n")
	if r := imported(t, w, few).Customers; r.New != 1 || r.Changed != 1 || r.Same != 1 {
		t.Errorf("a shorter list: %+v", *r)
	}

	// Scores of the list's, by consent: of four customers one agreed, one objected, two said nothing.
	accounts := published(t, w, &programmev1.Programme{
		Profiling: programmev1.Profiling_PROFILING_CONSENT,
		Scoring:   &programmev1.Scoring{Source: programmev1.ScoringSource_SCORING_SOURCE_IMPORTED},
	})
	for number, want := range map[string]string{
		"1": `state: ACCOUNT_STATE_ACTIVE home_store: "s01" language: "en" first_name: "An" customer_groups: ["hovenier", "personeel"]
			consents: {profiling: true} loyalty: {balance: 1250 tier: "goud"} imported: {segment: "champions" r: 5 f: 5 m: 5}`,
		"2": `state: ACCOUNT_STATE_ACTIVE home_store: "s03" language: "fr" consents: {objected: true} loyalty: {balance: -35 tier: "zilver"}`,
		"3": `state: ACCOUNT_STATE_ACTIVE consents: {} loyalty: {}`,
		"9": `state: ACCOUNT_STATE_ACTIVE language: "de" consents: {} loyalty: {}`,
	} {
		expect := &customerv1.Account{}
		if err := prototext.Unmarshal([]byte(want), expect); err != nil {
			t.Fatal(err)
		}
		if got := accounts[account("", number)]; !proto.Equal(got, expect) {
			t.Errorf("customer %s:\n got %v\nwant %v", number, got, expect)
		}
	}
	if len(accounts) != 4 {
		t.Errorf("%d accounts, want 4", len(accounts))
	}
	// Without a basis nobody has a segment.
	for _, a := range published(t, w, &programmev1.Programme{Scoring: &programmev1.Scoring{Source: programmev1.ScoringSource_SCORING_SOURCE_IMPORTED}}) {
		if a.GetImported() != nil {
			t.Errorf("without a basis: %v", a)
		}
	}
}

// published returns the accounts to publish, and expects them in the order of their ids.
func published(t *testing.T, w *warehouse.Warehouse, p *programmev1.Programme) map[[16]byte]*customerv1.Account {
	t.Helper()
	all := map[[16]byte]*customerv1.Account{}
	last := ""
	for a, err := range w.Published(t.Context(), p) {
		if err != nil {
			t.Fatal(err)
		}
		if id := string(a.ID[:]); id <= last {
			t.Errorf("account %x after %x", a.ID, last)
		} else {
			last = id
		}
		all[a.ID] = a.Account
	}
	return all
}

// TestCustomersDryRun counts and keeps nothing.
func TestCustomersDryRun(t *testing.T) {
	t.Parallel()
	w := open(t)
	request := customersRequest(t, customersMapping, strings.ReplaceAll(customersList, "\n", "\r\n"))
	request.DryRun, request.Accounts = true, nil
	report := imported(t, w, request)
	if r := report.Customers; r.Customers != 3 || r.Points != 1215 || r.New != 0 || report.RejectedRows() != 6 {
		t.Errorf("got %+v, rejected %v", *r, report.Rejected)
	}
	if n := number(t, w, "select (select count(*) from customers) + (select count(*) from accounts)"); n != 0 {
		t.Errorf("%d rows were kept", n)
	}
}
