package till_test

import (
	"context"
	"encoding/hex"
	"log/slog"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/till"
	"github.com/stamklant/stamklant/internal/loyalty"
)

var discard = slog.New(slog.DiscardHandler)

// rows are the rows that wait to go to head office.
func (w *world) rows() []*outcomev1.OutboxRow {
	w.t.Helper()
	batch, err := w.journal.Rows(1000, 1<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []*outcomev1.OutboxRow
	for _, raw := range batch.Rows {
		row := &outcomev1.OutboxRow{}
		if err := proto.Unmarshal(raw, row); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, row)
	}
	return out
}

func TestRecordSale(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.record(receipt("1", cardRegular, line(1, "300", 1, 4700)))
	if got.GetPoints() != 47 || got.GetLoyalty().GetPointsAvailable() != 1292 || got.GetProvisional() || got.GetMeta().GetReplayed() {
		t.Errorf("booked %v", got)
	}
	if printed := words(got.GetReceipt()); printed != "Gespaard op deze bon: 47 punten|Nieuw saldo: 1.292 punten" {
		t.Errorf("printed %q", printed)
	}
	if after := w.lookup(cardRegular, ref("r2")); after.GetLoyalty().GetPointsAvailable() != 1292 {
		t.Errorf("the next lookup has %d points", after.GetLoyalty().GetPointsAvailable())
	}
	row := w.rows()[0].GetReceipt()
	key := loyalty.KeyBytes(row.GetReceipt().GetKey())
	id := loyalty.EntryID(key, outcomev1.EntryKind_ENTRY_KIND_EARN, 0)
	entry := row.GetEntries()[0]
	if string(row.GetAccountId()) != string(regular[:]) || string(entry.GetEntryId()) != string(id[:]) || entry.GetDay() != today || entry.GetStore() != "s01" {
		t.Errorf("row %v", row)
	}
	if i := row.GetReceipt().GetIdentifier(); i.GetNamespace() != "card" || i.GetCanonical() != cardRegular {
		t.Errorf("identifier %v", i)
	}
}

// TestBalanceAcrossReleases: the same balance before, while and after head office has counted the receipt.
func TestBalanceAcrossReleases(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(receipt("1", cardRegular, line(1, "300", 1, 4700)))
	life := w.journal.Incarnation()
	counted := &bundlev1.CutOff{ServerId: "utrecht-1", Incarnation: life[:], LedgerThrough: 1}
	w.account(regular, &customerv1.Account{Loyalty: &customerv1.LoyaltyState{Balance: 1292, Tier: "zilver"}})
	w.publish(counted)
	if got := w.lookup(cardRegular).GetLoyalty().GetPointsAvailable(); got != 1292 {
		t.Errorf("after counting %d points", got)
	}
	w.record(receipt("2", cardRegular, line(1, "300", 1, 800)))
	if got := w.lookup(cardRegular).GetLoyalty().GetPointsAvailable(); got != 1300 {
		t.Errorf("with another receipt %d points", got)
	}
}

func TestReplayAndConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.record(receipt("1", cardRegular, line(1, "300", 1, 4700)))
	var wait sync.WaitGroup
	for i := range 5 {
		wait.Go(func() {
			again := receipt("1", "~]E0"+cardRegular+"\r", line(1, "300", 1, 4700))
			again.Caller = &tillv1.Caller{Till: "3", RequestId: string(rune('a' + i))}
			again.Receipt.EndedAt = timestamppb.New(now.AddDate(0, 0, i))
			again.Exposures = []*outcomev1.Exposure{{SuggestionId: "x", Campaign: "y"}}
			got := w.record(again)
			if !got.GetMeta().GetReplayed() {
				t.Error("not told to be a replay")
			}
			got.Meta.Replayed = false
			if !proto.Equal(got, first) {
				t.Errorf("answered %v, first %v", got, first)
			}
		})
	}
	wait.Wait()
	_, err := w.service.RecordReceipt(context.Background(), receipt("1", cardRegular, line(1, "300", 1, 4800)))
	if status.Code(err) != codes.AlreadyExists || reasonOf(err) != "RECEIPT_CONFLICT" {
		t.Errorf("other content: %v", err)
	}
	rows := w.rows()
	if len(rows) != 2 || rows[0].GetReceipt() == nil || rows[1].GetConflict().GetRefused().GetTotalMinor() != 4800 {
		t.Errorf("%d rows wait: %v", len(rows), rows)
	}
	if got := w.lookup(cardRegular).GetLoyalty().GetPointsAvailable(); got != 1292 {
		t.Errorf("%d points", got)
	}
}

// TestContentHashVectors holds hashes that were computed outside this program.
func TestContentHashVectors(t *testing.T) {
	t.Parallel()
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	sale := func() *tillv1.RecordReceiptRequest {
		return &tillv1.RecordReceiptRequest{Receipt: &outcomev1.Receipt{
			Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, Currency: "EUR", TotalMinor: 4700,
			Lines: []*outcomev1.Line{
				{No: 1, Sku: "450", Group: "timber", QuantityMilli: 6000, NetMinor: 4200}, {No: 2, Sku: "460", QuantityMilli: 1000, NetMinor: 500, OnPromotion: true},
			},
			Tenders: []*outcomev1.Tender{{Kind: outcomev1.TenderKind_TENDER_KIND_CARD, AmountMinor: 4700}},
		}}
	}
	scanned := sale()
	scanned.Customer = &tillv1.RecordReceiptRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Raw{Raw: []byte("8720000000016")}}}
	for _, tc := range []struct {
		name    string
		req     *tillv1.RecordReceiptRequest
		reading identify.Reading
		want    string
	}{
		{"on a card", scanned, identify.Reading{Outcome: identify.Card, Namespace: "card", Canonical: "2900123456785"}, "e4f1578a6a371a8cd1cae005c97f8aeb2bfe3305e9e87591d35a1268db84afdd"},
		{"anonymous", sale(), identify.Reading{}, "43c1070d72711a9f0804f7fdd4fc8a08f11f4ab5f00180056d018ad4945895d5"},
		{"a scan that was no card", scanned, identify.Reading{}, "ee8a3a5217f3f40419ca341bb6cfc11f08932ede99793ff6908b3101ffcd7190"},
		{"a return by reference", &tillv1.RecordReceiptRequest{
			Customer: &tillv1.RecordReceiptRequest_AccountRef{AccountRef: "AEAQCAIBAEAQCAIBAEAQCAIBAE"},
			Receipt: &outcomev1.Receipt{
				Kind: outcomev1.ReceiptKind_RECEIPT_KIND_RETURN, Currency: "EUR", TotalMinor: -4200,
				Lines:    []*outcomev1.Line{{No: 1, Sku: "450", Group: "timber", QuantityMilli: -6000, NetMinor: -4200, OriginalLine: 1}},
				Tenders:  []*outcomev1.Tender{{Kind: outcomev1.TenderKind_TENDER_KIND_CASH, AmountMinor: -4200}},
				Original: &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: "2027-03-06", ReceiptNo: "000471"},
			},
		}, identify.Reading{}, "a936d1520b5fed53dae07ca849c5adb6f8f8953e1c324256dd067d959d8c62a4"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := till.ContentHash(tc.req, tc.reading, key); hex.EncodeToString(got[:]) != tc.want {
				t.Errorf("hash %x, want %s", got, tc.want)
			}
		})
	}
}

// TestContentHashFields: what counts as content changes the hash, and nothing else does.
func TestContentHashFields(t *testing.T) {
	t.Parallel()
	base := func() *tillv1.RecordReceiptRequest {
		req := receipt("1", cardRegular, line(1, "300", 1, 4700))
		req.Receipt.Tenders = []*outcomev1.Tender{{Kind: outcomev1.TenderKind_TENDER_KIND_CASH, AmountMinor: 4700}}
		return req
	}
	reading := identify.Reading{Outcome: identify.Card, Namespace: "card", Canonical: cardRegular}
	unchanged := till.ContentHash(base(), reading, contentKey)
	for _, tc := range []struct {
		name   string
		change func(*tillv1.RecordReceiptRequest)
		counts bool
	}{
		{"request id", func(r *tillv1.RecordReceiptRequest) { r.Caller.RequestId = "x" }, false},
		{"operator", func(r *tillv1.RecordReceiptRequest) { r.Caller.Operator = "x" }, false},
		{"when it ended", func(r *tillv1.RecordReceiptRequest) { r.Receipt.EndedAt = timestamppb.New(now.AddDate(1, 0, 0)) }, false},
		{"receipt_ref", func(r *tillv1.RecordReceiptRequest) { r.Receipt.ReceiptRef = "x" }, false},
		{"exposures", func(r *tillv1.RecordReceiptRequest) {
			r.Exposures = []*outcomev1.Exposure{{SuggestionId: "x", Campaign: "y"}}
		}, false},
		{"what the till can do", func(r *tillv1.RecordReceiptRequest) { r.Abilities = &tillv1.Abilities{PrinterColumns: 32} }, false},
		{"staff language", func(r *tillv1.RecordReceiptRequest) { r.StaffLanguage = "fr" }, false},
		{"discount told beside the net amount", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Lines[0].DiscountMinor = 5 }, false},
		{"a field this server does not know", func(r *tillv1.RecordReceiptRequest) {
			r.Receipt.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 900, protowire.VarintType), 1))
		}, false},
		{"how the card was scanned", func(r *tillv1.RecordReceiptRequest) {
			r.Customer = &tillv1.RecordReceiptRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: "x"}}}
		}, false},
		{"kind", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_VOID }, true},
		{"currency", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Currency = "USD" }, true},
		{"total", func(r *tillv1.RecordReceiptRequest) { r.Receipt.TotalMinor++ }, true},
		{"line number", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Lines[0].No++ }, true},
		{"article", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Lines[0].Sku = "301" }, true},
		{"group", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Lines[0].Group = "x" }, true},
		{"pieces", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Lines[0].QuantityMilli++ }, true},
		{"net", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Lines[0].NetMinor++ }, true},
		{"merchandise", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Lines[0].NotMerchandise = true }, true},
		{"promotion", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Lines[0].OnPromotion = true }, true},
		{"original line", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Lines[0].OriginalLine = 1 }, true},
		{"another line", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Lines = append(r.Receipt.Lines, &outcomev1.Line{}) }, true},
		{"tender", func(r *tillv1.RecordReceiptRequest) {
			r.Receipt.Tenders[0].Kind = outcomev1.TenderKind_TENDER_KIND_CARD
		}, true},
		{"tendered amount", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Tenders[0].AmountMinor++ }, true},
		{"original", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Original = &outcomev1.ReceiptKey{Store: "s01"} }, true},
		{"customer by reference", func(r *tillv1.RecordReceiptRequest) {
			r.Customer = &tillv1.RecordReceiptRequest_AccountRef{AccountRef: "AEAQCAIBAEAQCAIBAEAQCAIBAE"}
		}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			req := base()
			tc.change(req)
			if changed := till.ContentHash(req, reading, contentKey) != unchanged; changed != tc.counts {
				t.Errorf("changes the hash: %v, want %v", changed, tc.counts)
			}
		})
	}
	other := reading
	other.Canonical = cardReplaced
	if till.ContentHash(base(), other, contentKey) == unchanged {
		t.Error("another card has the same hash")
	}
}

func TestReturns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(receipt("1", cardRegular, line(1, "300", 3, 4700), line(2, "301", 1, 550)))
	points := func() int64 { return w.lookup(cardRegular).GetLoyalty().GetPointsAvailable() }
	if got := points(); got != 1297 {
		t.Fatalf("%d points after the sale", got)
	}
	part := w.record(back("2", "1", cardRegular, returned(1, "300", 1, 1567, 1)))
	if part.GetPoints() != -15 || points() != 1282 {
		t.Errorf("one of three took %d, %d left", part.GetPoints(), points())
	}
	if got := words(part.GetReceipt()); got != "Retour: 15 punten teruggeboekt.|Te besteden: 1.282 punten" {
		t.Errorf("printed %q", got)
	}
	stranger := w.record(back("3", "1", cardTrade, returned(1, "300", 1, 1567, 1)))
	if stranger.GetPoints() != -16 || points() != 1266 || stranger.GetLoyalty().GetPointsAvailable() != 0 {
		t.Errorf("brought by somebody else: %v", stranger)
	}
	if got := words(stranger.GetReceipt()); got != "Retour: 16 punten teruggeboekt." {
		t.Errorf("somebody else is told %q", got)
	}
	rest := w.record(back("4", "1", "", returned(1, "300", 1, 1566, 1), returned(2, "301", 1, 550, 2)))
	if rest.GetPoints() != -21 || points() != 1245 {
		t.Errorf("the rest took %d, %d left", rest.GetPoints(), points())
	}
	again := w.record(back("5", "1", cardRegular, returned(1, "300", 3, 4700, 1)))
	if again.GetPoints() != 0 || points() != 1245 {
		t.Errorf("brought back twice: %d, %d left", again.GetPoints(), points())
	}
	elsewhere := w.record(back("6", "99", cardRegular, returned(1, "300", 1, 1567, 1)))
	if elsewhere.GetPoints() != 0 || !elsewhere.GetProvisional() || words(elsewhere.GetReceipt()) != "De punten van deze retour|worden later verrekend." {
		t.Errorf("a sale that is not here: %v", elsewhere)
	}
}

func TestPostVoid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(receipt("1", cardRegular, line(1, "300", 3, 4700)))
	w.record(back("2", "1", cardRegular, returned(1, "300", 1, 1567, 1)))
	void := back("3", "1", cardRegular, line(1, "300", 3, 4700))
	void.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_POST_VOID
	if got := w.record(void); got.GetPoints() != -32 {
		t.Errorf("voided %d, want what was left of 47", got.GetPoints())
	}
	if got := w.record(back("4", "1", cardRegular, returned(1, "300", 1, 1567, 1))); got.GetPoints() != 0 {
		t.Errorf("after the void %d", got.GetPoints())
	}
	if got := w.lookup(cardRegular).GetLoyalty().GetPointsAvailable(); got != 1245 {
		t.Errorf("%d points", got)
	}
}

func TestExchange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(receipt("1", cardRegular, line(1, "300", 1, 4700)))
	swap := receipt("2", cardRegular, returned(1, "300", 1, 4700, 1), line(2, "301", 1, 6050))
	swap.Receipt.Original = &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: "2026-03-16", ReceiptNo: "1"}
	got := w.record(swap)
	if got.GetPoints() != 13 || got.GetLoyalty().GetPointsAvailable() != 1305 {
		t.Errorf("exchanged for %d points, %d in all", got.GetPoints(), got.GetLoyalty().GetPointsAvailable())
	}
	if again := w.record(back("3", "1", cardRegular, returned(1, "300", 1, 4700, 1))); again.GetPoints() != 0 {
		t.Errorf("the exchanged article came back once more for %d", again.GetPoints())
	}
}

func TestNewCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.record(receipt("1", cardNew, line(1, "300", 1, 4700)))
	if got.GetOutcome() != tillv1.Outcome_OUTCOME_NEW_CARD || got.GetPoints() != 47 || got.GetAccountRef() != "" {
		t.Fatalf("recorded %v", got)
	}
	if printed := words(got.GetReceipt()); printed != "Uw nieuwe kaart: 47 punten.|Registreer om punten te besteden." {
		t.Errorf("printed %q", printed)
	}
	if next := w.lookup(cardNew); next.GetLoyalty().GetPointsAvailable() != 47 {
		t.Errorf("the next till sees %d points", next.GetLoyalty().GetPointsAvailable())
	}
	entry := w.rows()[0].GetReceipt().GetEntries()[0]
	if string(entry.GetIdHash()) != string(w.hash(cardNew)) || len(entry.GetAccountId()) != 0 {
		t.Errorf("entry %v", entry)
	}
	// Head office has made an account of it, and not counted the receipt yet: the points are still there.
	w.card(cardNew, &customerv1.Identifier{AccountIds: [][]byte{second[:]}})
	w.publish()
	if found := w.lookup(cardNew); found.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND || found.GetLoyalty().GetPointsAvailable() != 47 {
		t.Errorf("as an account: %v with %d points", found.GetOutcome(), found.GetLoyalty().GetPointsAvailable())
	}
}

// TestWithoutPoints: receipts that book nothing are recorded all the same.
func TestWithoutPoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, tc := range []struct {
		name, card  string
		kind        outcomev1.ReceiptKind
		outcome     tillv1.Outcome
		provisional bool
		identifier  bool
		printed     string
	}{
		{"anonymous", "", outcomev1.ReceiptKind_RECEIPT_KIND_SALE, tillv1.Outcome_OUTCOME_UNSPECIFIED, false, false, ""},
		{"unknown card", cardUnknown, outcomev1.ReceiptKind_RECEIPT_KIND_SALE, tillv1.Outcome_OUTCOME_UNKNOWN_CARD, true, true, "Uw punten voor deze bon volgen later."},
		{"of somebody who was erased", cardErased, outcomev1.ReceiptKind_RECEIPT_KIND_SALE, tillv1.Outcome_OUTCOME_UNKNOWN_CARD, false, false, ""},
		{"blocked", cardBlocked, outcomev1.ReceiptKind_RECEIPT_KIND_SALE, tillv1.Outcome_OUTCOME_BLOCKED, false, true, ""},
		{"card of the desk", cardAnon, outcomev1.ReceiptKind_RECEIPT_KIND_SALE, tillv1.Outcome_OUTCOME_ANONYMOUS_CARD, false, true, ""},
		{"an article in the card's place", "8720000000016", outcomev1.ReceiptKind_RECEIPT_KIND_SALE, tillv1.Outcome_OUTCOME_NOT_A_CARD, false, false, ""},
		{"one of two customers", phoneTwo, outcomev1.ReceiptKind_RECEIPT_KIND_SALE, tillv1.Outcome_OUTCOME_AMBIGUOUS, true, true, "Uw punten voor deze bon volgen later."},
		{"void", cardRegular, outcomev1.ReceiptKind_RECEIPT_KIND_VOID, tillv1.Outcome_OUTCOME_FOUND, false, true, ""},
		{"training", cardRegular, outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING, tillv1.Outcome_OUTCOME_FOUND, false, true, ""},
	} {
		req := receipt(string(rune('a'+i)), tc.card, line(1, "300", 1, 4700))
		req.Receipt.Kind = tc.kind
		got := w.record(req)
		if got.GetPoints() != 0 || got.GetOutcome() != tc.outcome || got.GetProvisional() != tc.provisional || words(got.GetReceipt()) != tc.printed {
			t.Errorf("%s: %v", tc.name, got)
		}
		rows := w.rows()
		if row := rows[len(rows)-1].GetReceipt(); len(row.GetEntries()) != 0 || (row.GetReceipt().GetIdentifier() != nil) != tc.identifier {
			t.Errorf("%s: row %v", tc.name, row)
		}
	}
	if got := w.lookup(cardRegular).GetLoyalty().GetPointsAvailable(); got != 1245 {
		t.Errorf("%d points", got)
	}
}

func TestPromiseIsBooked(t *testing.T) {
	t.Parallel()
	lines := []*outcomev1.Line{line(1, "450", 6, 6000), line(2, "460", 1, 2495)}
	for _, tc := range []struct {
		name   string
		change func(*programmev1.Programme)
		echo   func(id string) []*outcomev1.Exposure
		want   string // response, arm
		says   string
	}{
		{"nothing echoed", nil, nil, "RESPONSE_SHOWN_ASSUMED ARM_UNSPECIFIED", "Gespaard op deze bon: 84 punten|Nieuw saldo: 1.329 punten"},
		{
			"accepted", func(p *programmev1.Programme) { p.Campaigns[0].HoldoutPercent = 1 },
			func(id string) []*outcomev1.Exposure {
				return []*outcomev1.Exposure{{SuggestionId: id, Campaign: "verf-bij-tuinhout", Response: outcomev1.Response_RESPONSE_ACCEPTED}}
			},
			"RESPONSE_ACCEPTED ARM_TREATMENT", "Gespaard op deze bon: 84 punten|Nieuw saldo: 1.329 punten|20% korting op verf is verrekend.",
		},
		{
			"in the holdout", func(p *programmev1.Programme) { p.Campaigns[0].HoldoutPercent = 9999 }, nil,
			"RESPONSE_GHOST ARM_HOLDOUT", "Gespaard op deze bon: 84 punten|Nieuw saldo: 1.329 punten",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *programmev1.Programme) {
				if tc.change != nil {
					tc.change(p)
				}
			})
			shown := w.lookup(cardRegular, basket(lines...))
			req := receipt("1", cardRegular, lines...)
			if tc.echo != nil {
				req.Exposures = tc.echo(shown.GetSuggestion().GetId())
			}
			if got := words(w.record(req).GetReceipt()); got != tc.says {
				t.Errorf("printed %q, want %q", got, tc.says)
			}
			exposures := w.rows()[0].GetReceipt().GetExposures()
			if len(exposures) != 1 {
				t.Fatalf("exposures %v", exposures)
			}
			if got := exposures[0].GetResponse().String() + " " + exposures[0].GetArm().String(); got != tc.want {
				t.Errorf("booked %s, want %s", got, tc.want)
			}
		})
	}
}

// TestDoublePointsHold: points multiplied by an offer are booked as they were promised, and only for that sale.
func TestDoublePointsHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.account(regular, &customerv1.Account{Imported: &customerv1.ImportedScores{Segment: "champions"}, Loyalty: &customerv1.LoyaltyState{Balance: 1245}})
	w.publish()
	if got := w.lookup(cardRegular, basket(line(1, "300", 1, 4750))); got.GetEstimatedPoints() != 95 || got.GetSuggestion().GetCampaign() != "dubbel" {
		t.Fatalf("promised %v", got)
	}
	w.programme.Campaigns = w.programme.Campaigns[:2]
	if got := w.record(receipt("1", cardRegular, line(1, "300", 1, 4750))); got.GetPoints() != 95 {
		t.Errorf("booked %d", got.GetPoints())
	}
	later := receipt("2", cardRegular, line(1, "300", 1, 4750))
	later.Receipt.ReceiptRef = "r2"
	if got := w.record(later); got.GetPoints() != 47 {
		t.Errorf("another sale booked %d", got.GetPoints())
	}
}

func TestTierReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.record(receipt("1", cardRegular, line(1, "300", 1, 44999))); got.GetLoyalty().GetTier() != "zilver" {
		t.Errorf("a cent short: %v", got.GetLoyalty())
	}
	got := w.record(receipt("2", cardRegular, line(1, "300", 1, 1)))
	if got.GetLoyalty().GetTier() != "goud" || words(got.GetStaff()) != "Feliciteer: klant is nu Goud" || words(got.GetCustomerDisplay()) != "Gefeliciteerd!|U bent nu Goud" {
		t.Errorf("reached: %v", got)
	}
	if next := w.lookup(cardRegular); next.GetLoyalty().GetTierName() != "Goud" {
		t.Errorf("the next till says %q", next.GetLoyalty().GetTierName())
	}
}

func TestCapCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *programmev1.Programme) { p.Campaigns[0].Limits = &programmev1.Limits{PerCustomer: 1} })
	lines := []*outcomev1.Line{line(1, "450", 6, 6000), line(2, "460", 1, 2495)}
	if got := w.lookup(cardRegular, basket(lines...)); got.GetSuggestion().GetOffer() == nil {
		t.Fatalf("suggested %v", got.GetSuggestion())
	}
	w.record(receipt("1", cardRegular, lines...))
	if got := w.lookup(cardRegular, ref("r2"), basket(lines...)); got.GetSuggestion().GetOffer() != nil {
		t.Errorf("suggested again: %v", got.GetSuggestion())
	}
}

func TestRecordRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct {
		name   string
		change func(*tillv1.RecordReceiptRequest)
		code   codes.Code
		reason string
	}{
		{"another store's receipt", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Key.Store = "s02" }, codes.FailedPrecondition, "WRONG_STORE"},
		{"no day", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Key.BusinessDate = "2026-02-30" }, codes.InvalidArgument, "INVALID_RECEIPT"},
		{"an amount beyond any receipt", func(r *tillv1.RecordReceiptRequest) { r.Receipt.Lines[0].NetMinor = -1 << 63 }, codes.InvalidArgument, "INVALID_RECEIPT"},
	} {
		req := receipt("1", cardRegular, line(1, "300", 1, 4700))
		tc.change(req)
		if _, err := w.service.RecordReceipt(context.Background(), req); status.Code(err) != tc.code || reasonOf(err) != tc.reason {
			t.Errorf("%s: refused with %v", tc.name, err)
		}
	}
}

// TestRestart: what was acknowledged is there after the journal is opened anew, and answers a re-send.
func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.record(receipt("1", cardRegular, line(1, "300", 1, 4700)))
	if err := w.journal.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	w.journal, err = journal.Open(w.dir+"/journal.db", journal.Config{ServerID: "utrecht-1", DataKey: dataKey, Now: w.clock, Logger: discard, MachineID: "here"})
	if err != nil {
		t.Fatal(err)
	}
	w.service = till.New(till.Config{Active: w.active, Journal: w.journal, ServerID: "utrecht-1", Now: w.clock, Logger: discard})
	again := w.record(receipt("1", cardRegular, line(1, "300", 1, 4700)))
	if !again.GetMeta().GetReplayed() || again.GetPoints() != first.GetPoints() || words(again.GetReceipt()) != words(first.GetReceipt()) {
		t.Errorf("after the restart: %v", again)
	}
}
