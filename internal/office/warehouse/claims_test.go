package warehouse_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// An anonymous receipt that a customer claimed afterwards is the customer's, in the same delivery or a later one; one that had a card stays whose it is.
func TestDeliveredClaims(t *testing.T) {
	t.Parallel()
	w := open(t)
	claim := func(number, card string) warehouse.Delivered {
		d := sale(number+" claimed", card)
		d.Receipt = proto.CloneOf(d.Receipt)
		r := d.Receipt.GetReceipt()
		r.Kind, r.Lines, r.Original = outcomev1.ReceiptKind_RECEIPT_KIND_CLAIM, nil, sale(number, "").Receipt.GetReceipt().GetKey()
		return d
	}
	add := func(first uint64, all ...warehouse.Delivered) {
		t.Helper()
		if _, err := w.AddDelivered(t.Context(), warehouse.DeliveredRequest{Receipts: delivered(first, all...), Decimals: 2}); err != nil {
			t.Fatal(err)
		}
	}
	add(1, sale("50", ""), sale("51", ""), sale("52", "K2"), claim("50", "K1"))
	add(5, claim("51", "K1"), claim("52", "K1"))
	k1, k2 := account("card", "K1"), account("card", "K2")
	for no, want := range map[string][16]byte{"50": k1, "51": k1, "52": k2} {
		if n := number(t, w, "select count(*) from receipts where kind = 'sale' and receipt_no = $no and account_id = $account::uuid", warehouse.Arg("no", no), warehouse.Arg("account", fmt.Sprintf("%x", want))); n != 1 {
			t.Errorf("receipt %s is not its customer's", no)
		}
	}
}
