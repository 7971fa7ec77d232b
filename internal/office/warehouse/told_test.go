package warehouse_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// taken imports the list of customers and returns the accounts of the first two.
func taken(t *testing.T, w *warehouse.Warehouse) (one, two [16]byte) {
	t.Helper()
	if _, err := w.Import(t.Context(), customersRequest(t, customersMapping, customersList)); err != nil {
		t.Fatal(err)
	}
	return account("", "1"), account("", "2")
}

func id(account [16]byte) any { return warehouse.Arg("id", fmt.Sprintf("%x", account[:])) }

func TestWhatWasToldStandsOverLists(t *testing.T) {
	t.Parallel()
	w := open(t)
	one, two := taken(t, w)
	yes, no := true, false
	stranger := [16]byte{7}
	for range 2 { // the same again changes nothing
		err := w.Tell(t.Context(), slices.Values([]warehouse.Told{
			{AccountID: one, Objected: &yes}, {AccountID: two, Objected: &no, Blocked: &yes}, {AccountID: stranger, Objected: &yes},
		}))
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		what string
		of   [16]byte
		want int64
	}{
		{"objected and profiling", one, 1}, // what the list says of the rest stays
		{"not objected and blocked", two, 1},
		{"objected and tier is null", stranger, 1},
	} {
		if got := number(t, w, "select count(*) from customers where account_id = $id::uuid and "+c.what, id(c.of)); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
	if got := number(t, w, "select count(*) from accounts where account_id = $id::uuid", id(stranger)); got != 1 {
		t.Errorf("of whom no list said anything: %d accounts", got)
	}
}

func TestMergedCustomersAreOne(t *testing.T) {
	t.Parallel()
	w := open(t)
	one, two := taken(t, w)
	if points, err := w.Opening(t.Context(), one); err != nil || points != 1250 {
		t.Errorf("opening balance %d, %v", points, err)
	}
	for range 2 {
		if err := w.Merge(t.Context(), one, two, []string{"groen", "zilver", "goud"}); err != nil {
			t.Fatal(err)
		}
	}
	got := number(t, w, `select count(*) from customers where account_id = $id::uuid and tier = 'goud' and objected and segment = 'lost' and points = -35
		and first_name = 'An' and language = 'fr' and len(groups) = 2`, id(two))
	if got != 1 {
		t.Error("the one account does not have the higher status, the other's name, its own segment and its own opening balance")
	}
	if got := number(t, w, "select count(*) from customers where account_id = $id::uuid", id(one)) +
		number(t, w, "select count(*) from accounts where account_id = $id::uuid", id(one)); got != 0 {
		t.Errorf("%d rows of the account that ended", got)
	}
	if points, err := w.Opening(t.Context(), one); err != nil || points != 0 {
		t.Errorf("opening balance of nobody %d, %v", points, err)
	}
}

func TestForgottenCustomersLeaveReceipts(t *testing.T) {
	t.Parallel()
	w := open(t)
	one, two := taken(t, w)
	for range 2 {
		if err := w.Forget(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{"customers", "accounts", "scores", "receipts"} {
		if got := number(t, w, "select count(*) from "+table+" where account_id = $id::uuid", id(one)); got != 0 {
			t.Errorf("%d rows in %s", got, table)
		}
	}
	if got := number(t, w, "select count(*) from customers where account_id = $id::uuid", id(two)); got != 1 {
		t.Errorf("the other customer has %d rows", got)
	}
}
