package till

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// contentDomain keeps the hash of a receipt's content apart from every other hash.
const contentDomain = "stamklant/content/v1"

// What a receipt's customer was given as.
const (
	givenNobody uint64 = iota
	givenIdentifier
	givenUnrecognised
	givenAccount
)

// Flags of a line.
const (
	flagNotMerchandise uint64 = 1 << iota
	flagOnPromotion
)

// contentHash is what tells a re-sent receipt from another one under the same key. It is reckoned over this server's own encoding, a hashed
// tuple, and never over a marshalled message: what a newer till adds to it, when and how often it was sent, what was shown and what came of it
// change nothing. Lines and tenders count in the order of the receipt. The customer goes in under the chain's content key, which never
// rotates, so that the hash tells nobody who it was.
func contentHash(req *tillv1.RecordReceiptRequest, reading identify.Reading, contentKey []byte) [sha256.Size]byte {
	r := req.GetReceipt()
	t := tuple{h: sha256.New()}
	t.text(contentDomain)
	t.number(uint64(r.GetKind()))
	t.text(r.GetCurrency())
	t.number(uint64(r.GetTotalMinor()))
	t.number(uint64(len(r.GetLines())))
	for _, line := range r.GetLines() {
		t.line(line)
	}
	t.number(uint64(len(r.GetTenders())))
	for _, tender := range r.GetTenders() {
		t.number(uint64(tender.GetKind()))
		t.number(uint64(tender.GetAmountMinor()))
	}
	t.customer(req, reading, contentKey)
	t.text(string(originalBytes(r)))
	t.uses(r.GetUses(), contentKey)
	return [sha256.Size]byte(t.h.Sum(nil))
}

// originalBytes are the key of the receipt that a return or void refers to; empty for none.
func originalBytes(r *outcomev1.Receipt) []byte {
	if r.GetOriginal() == nil {
		return nil
	}
	return loyalty.KeyBytes(r.GetOriginal())
}

// tuple writes a hashed tuple: each field its length and its bytes, numbers as eight bytes, big endian.
type tuple struct {
	h     hash.Hash
	bytes [binary.MaxVarintLen64]byte
}

func (t *tuple) text(s string) {
	t.h.Write(binary.AppendUvarint(t.bytes[:0], uint64(len(s))))
	t.h.Write([]byte(s))
}

func (t *tuple) number(n uint64) {
	t.h.Write(binary.BigEndian.AppendUint64(append(t.bytes[:0], 8), n))
}

// line adds one line of the receipt.
func (t *tuple) line(line *outcomev1.Line) {
	var flags uint64
	if line.GetNotMerchandise() {
		flags |= flagNotMerchandise
	}
	if line.GetOnPromotion() {
		flags |= flagOnPromotion
	}
	t.number(uint64(int64(line.GetNo())))
	t.text(line.GetSku())
	t.text(line.GetGroup())
	t.number(uint64(line.GetQuantityMilli()))
	t.number(uint64(line.GetNetMinor()))
	t.number(flags)
	t.number(uint64(int64(line.GetOriginalLine())))
}

// uses adds the vouchers and limited offers that were used; nothing where there were none.
func (t *tuple) uses(uses []*outcomev1.Use, contentKey []byte) {
	if len(uses) == 0 {
		return
	}
	t.number(uint64(len(uses)))
	for _, use := range uses {
		switch thing := use.GetThing().(type) {
		case *outcomev1.Use_VoucherRef:
			t.text("voucher_ref")
			t.text(thing.VoucherRef)
		case *outcomev1.Use_VoucherCode:
			name := identify.Hash(contentKey, "voucher_code", thing.VoucherCode)
			t.text("voucher_code")
			t.text(string(name[:]))
		case *outcomev1.Use_Offer:
			t.text("offer")
			t.text(thing.Offer)
		case *outcomev1.Use_Points:
			t.text("points")
			t.number(uint64(thing.Points))
		}
	}
}

// customer adds whose receipt it is. A card counts by its canonical form, however it was scanned.
func (t *tuple) customer(req *tillv1.RecordReceiptRequest, reading identify.Reading, contentKey []byte) {
	given, name := givenNobody, [identify.HashSize]byte{}
	switch {
	case req.GetAccountRef() != "":
		given, name = givenAccount, identify.Hash(contentKey, "account_ref", req.GetAccountRef())
	case reading.Canonical != "":
		given, name = givenIdentifier, identify.Hash(contentKey, reading.Namespace, reading.Canonical)
	case req.GetIdentifier() != nil:
		given, name = givenUnrecognised, identify.Hash(contentKey, "", string(bytesOf(req.GetIdentifier())))
	}
	t.number(given)
	t.text(string(name[:]))
}
