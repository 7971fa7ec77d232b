// Package tillclient calls a store's server the way a till should: quickly, and never in the way of a sale.
//
// A till holds one Client for as long as it is switched on, and makes a Sale for every receipt:
//
//	client, err := tillclient.Open(tillclient.Config{
//		Addresses: []string{"127.0.0.1:7400", "127.0.0.1:7401"}, // the server and its standby
//		Token:     token, Store: "s01", Till: "3", Language: "nl",
//		Outbox:    "/var/lib/till/stamklant.outbox",
//	})
//	…
//	sale := client.NewSale()
//	answer := sale.Lookup(ctx, tillclient.Scanned(bytes))   // as often as the basket changes
//	show(answer.GetStaff(), answer.GetCustomerDisplay())
//	recorded, err := sale.Record(ctx, &tillv1.RecordReceiptRequest{…})
//	print(recorded.GetReceipt())
//
// What it promises:
//
//   - A lookup is answered within 150 ms, whatever happens to server and network, connecting included. When no server answers in time the
//     answer is made here: its texts say that points follow later, and the sale goes on. Lookup returns no error.
//
//   - The standby is asked when the server has not answered within 60 ms, or as soon as its connection fails; the first answer counts.
//
//   - A server that let two lookups in a row run out of time is not asked again in this sale. A later sale tries it once. So a dead
//     server costs a sale at most 300 ms.
//
//   - A receipt given to Record is on disk before anything is sent, and is sent until a server has acknowledged it, also after the till
//     was switched off. Servers recognise what they already have: nothing counts twice. Receipts go out in order, to one server at a
//     time, to the other only after the first has failed.
//
//   - Something scarce (a voucher, a limited offer) is given only when a server said that this sale holds it; without an answer it is not.
//
// What it does not do: it prints and shows nothing, keeps no customer data but receipts that wait, and never changes a total.
//
// Goroutines: Open starts one per server that keeps it connected, and one that sends receipts (when there is an outbox); each lookup runs one per server it asks, for at most 150 ms.
// Close ends them all. All methods may be called from several goroutines.
package tillclient
