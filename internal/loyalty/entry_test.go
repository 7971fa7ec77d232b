package loyalty_test

import (
	"encoding/hex"
	"strings"
	"testing"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// TestEntryVectors holds the vectors of docs/hashed-tuples.md, which were computed outside this program.
func TestEntryVectors(t *testing.T) {
	t.Parallel()
	const earn, reverse = outcomev1.EntryKind_ENTRY_KIND_EARN, outcomev1.EntryKind_ENTRY_KIND_REVERSE
	for _, tc := range []struct {
		name                   string
		key                    *outcomev1.ReceiptKey
		bytes                  string
		earn, reverse, another string
	}{
		{
			"a receipt", &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: "2027-03-06", ReceiptNo: "000471"},
			"0373303101330800000000000000000a323032372d30332d303606303030343731",
			"5aca07a1db1e74d84a1eaba75a2014f9", "62bf53dcbcb3dc0662067941ca655a08", "24ccbd3e5c82c3737d135eeef401b7de",
		},
		{
			"the till's counter started anew", &outcomev1.ReceiptKey{Store: "s01", Till: "3", TillEpoch: 1, BusinessDate: "2027-03-06", ReceiptNo: "000471"},
			"0373303101330800000000000000010a323032372d30332d303606303030343731",
			"33b753674a94db72a29a4c976b6e1d6f", "75fcc323106726037d7fb4fe6bb05bf9", "f963e0408e8a99fd5f2dd03547085ae5",
		},
		{
			"the same letters, shared out otherwise", &outcomev1.ReceiptKey{Store: "s0", Till: "13", BusinessDate: "2027-03-06", ReceiptNo: "000471"},
			"0273300231330800000000000000000a323032372d30332d303606303030343731",
			"e76f401b78dc75eccdee9dee4d0cf518", "2e80fef033c2f9f720666641a166e034", "15ea5fb0ecda9de1574a861f74d5840d",
		},
		{
			"long fields", &outcomev1.ReceiptKey{Store: "Antwerpen_1", Till: "k.A:7-2", TillEpoch: 4294967295, BusinessDate: "2028-02-29", ReceiptNo: strings.Repeat("x", 64)},
			"0b416e7477657270656e5f31076b2e413a372d320800000000ffffffff0a323032382d30322d323940" + strings.Repeat("78", 64),
			"7fea401df3f5e8b9ffe2aa6d24b0f4c3", "2da10df6b1b72c1d81ccb16e447b10d8", "54cda2e6ddf3aca62a0c39693827320c",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			key := loyalty.KeyBytes(tc.key)
			if got := hex.EncodeToString(key); got != tc.bytes {
				t.Fatalf("key bytes %s, want %s", got, tc.bytes)
			}
			for _, entry := range []struct {
				kind    outcomev1.EntryKind
				ordinal uint64
				want    string
			}{{earn, 0, tc.earn}, {reverse, 0, tc.reverse}, {earn, 1, tc.another}} {
				if got := loyalty.EntryID(key, entry.kind, entry.ordinal); hex.EncodeToString(got[:]) != entry.want {
					t.Errorf("%v %d has id %x, want %s", entry.kind, entry.ordinal, got, entry.want)
				}
			}
		})
	}
}
