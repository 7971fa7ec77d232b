package journal

import (
	"testing"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// FuzzRow reads anything as a row of the outbox, as what a seal vouches for may be from another version of the program: whose it is, what it
// books and when it may go is answered, or nothing is.
func FuzzRow(f *testing.F) {
	key := &outcomev1.ReceiptKey{Store: "gent", Till: "1", BusinessDate: "2026-03-14", ReceiptNo: "7"}
	account := make([]byte, 16)
	for _, row := range []*outcomev1.OutboxRow{
		{Row: &outcomev1.OutboxRow_Receipt{Receipt: &outcomev1.RecordedReceipt{
			Receipt: &outcomev1.Receipt{Key: key}, AccountId: account,
			Entries: []*outcomev1.LedgerEntry{{EntryId: account, AccountId: account, Points: 7, Day: 20526}},
		}}},
		{Row: &outcomev1.OutboxRow_Conflict{Conflict: &outcomev1.ReceiptConflict{Key: key, StandingHash: make([]byte, 32)}}},
		{Row: &outcomev1.OutboxRow_Exposure{Exposure: &outcomev1.UnclaimedExposure{AccountId: account}}},
	} {
		b, err := proto.Marshal(row)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		row := new(outcomev1.OutboxRow)
		if proto.Unmarshal(b, row) != nil {
			return
		}
		receiptDay(row.GetReceipt())
		if subject, known := subjectOf(row.GetReceipt()); !known && subject != [16]byte{} {
			t.Errorf("nobody's row is of %x", subject)
		}
		for _, e := range row.GetReceipt().GetEntries() {
			if subject, _, known := entrySubject(e); !known && subject != [16]byte{} {
				t.Errorf("nobody's entry is of %x", subject)
			}
		}
		if b, err := proto.Marshal(row); err != nil {
			t.Error(err)
		} else if proto.Unmarshal(b, row) != nil {
			t.Errorf("%x is not read again", b)
		}
	})
}
