package tillclient_test

import (
	"context"
	"fmt"
	"log"

	"github.com/stamklant/stamklant/api/tillclient"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// A till from the card to the printed receipt.
func Example() {
	client, err := tillclient.Open(tillclient.Config{
		Addresses: []string{"127.0.0.1:7400", "127.0.0.1:7401"}, Token: "as the server has it", Store: "s01", Till: "3",
		Outbox:    "/var/lib/till/stamklant.outbox",
		OnRefused: func(_ *tillv1.RecordReceiptRequest, err error) { log.Printf("have this looked at: %v", err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	sale := client.NewSale()
	answer := sale.Lookup(context.Background(), tillclient.Scanned([]byte("]E02900123456785\r")))
	fmt.Println(answer.GetStaff().GetLines(), answer.GetCustomerDisplay().GetLines()) // also when no server answered

	recorded, err := sale.Record(context.Background(), &tillv1.RecordReceiptRequest{
		Customer: &tillv1.RecordReceiptRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: "2900123456785"}}},
		Receipt: &outcomev1.Receipt{
			Key:      &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: "2027-01-05", ReceiptNo: "4711"},
			Kind:     outcomev1.ReceiptKind_RECEIPT_KIND_SALE,
			Currency: "EUR",
			Lines:    []*outcomev1.Line{{No: 1, Sku: "451003", Group: "4510", QuantityMilli: 2000, NetMinor: 3980}},
			Tenders:  []*outcomev1.Tender{{Kind: outcomev1.TenderKind_TENDER_KIND_CARD, AmountMinor: 3980}}, TotalMinor: 3980,
		},
	})
	if err != nil {
		log.Printf("the receipt could not be kept: %v", err)
		return
	}
	fmt.Println(recorded.GetReceipt().GetLines()) // "points follow later" while no server has it
}
