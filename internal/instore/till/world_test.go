package till_test

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/till"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Monday 16 March 2026, a quarter past eleven in Utrecht.
var now = time.Date(2026, 3, 16, 10, 15, 0, 0, time.UTC)

// today is that day, in days since 1970-01-01.
const today = 20528

var (
	identifierKey = []byte("0123456789abcdef0123456789abcdef")
	contentKey    = []byte("fedcba9876543210fedcba9876543210")
	dataKey       = bundle.Key{7}
)

// Cards of the world, by what they are.
const (
	cardRegular  = "2900100000017"
	cardReplaced = "2900100000024"
	cardOld      = "2900100000031"
	cardBlocked  = "2900100000048"
	cardCircle   = "2900100000055"
	cardAnon     = "2900100000062"
	cardExpired  = "2900100000079"
	cardMerged   = "2900100000086"
	cardObjected = "2900100000093"
	cardErased   = "2900100000109"
	cardNew      = "2900100000116"
	cardTrade    = "2900100000123"
	cardFrozen   = "2900100000130"
	cardUnknown  = "2900199999995" // of ours by its form, never handed out
	phoneTwo     = "+31612345678"
)

// Accounts of the world.
var (
	regular  = [16]byte{1}
	objected = [16]byte{2}
	trade    = [16]byte{3}
	frozen   = [16]byte{4}
	second   = [16]byte{5}
)

// world is one store: a release that serves, a journal, a service.
type world struct {
	t       testing.TB
	active  *generation.Active
	journal *journal.Journal
	service *till.Service

	mu  sync.Mutex
	now time.Time

	detailsKey []byte // what contact details are sealed to; none unless a test sets it

	programme *programmev1.Programme
	records   map[string]bundle.Record
	version   uint64
	dir       string
	cuts      *customerv1.CutPoints // of the next release

	laneThrough uint64 // worked into the next release

	shares []*bundlev1.CouponShare // codes of the next release
	known  []*bundlev1.KnownCoupon

	standby bool // in the next release
}

func names(nl, en string) []*programmev1.Translation {
	return []*programmev1.Translation{{Language: "nl", Text: nl}, {Language: "en", Text: en}}
}

// linde is the programme of the world.
func linde() *programmev1.Programme {
	spend := func(n int64) *programmev1.TierRule {
		return &programmev1.TierRule{Rule: &programmev1.TierRule_Spend{Spend: n}}
	}
	return &programmev1.Programme{
		Chain: "De Linde", Currency: "EUR", CurrencyDecimals: 2, TimeZone: "Europe/Amsterdam", Languages: []string{"nl", "en"},
		Profiling: programmev1.Profiling_PROFILING_LEGITIMATE_INTEREST, ShowSegmentToCashier: true,
		Stores: []*programmev1.Store{{Code: "s01", Name: "Utrecht"}, {Code: "s03", Name: "Antwerpen", Languages: []string{"nl", "fr"}}},
		Groups: []*programmev1.ProductGroup{{Name: "timber", Patterns: []string{"45*"}}, {Name: "paint", Patterns: []string{"46*"}}},
		Identifiers: []*programmev1.IdentifierRule{
			{
				Name: "kaart", Kind: programmev1.IdentifierKind_IDENTIFIER_KIND_CARD, StartsWith: "29001", Length: 13, Check: programmev1.CheckDigit_CHECK_DIGIT_GS1,
				Issued: &programmev1.DigitRange{First: "2900100000000", Last: "2900123999999"},
			},
			{Name: "telefoon", Kind: programmev1.IdentifierKind_IDENTIFIER_KIND_PHONE, Country: "NL"},
			{Name: "bon", Kind: programmev1.IdentifierKind_IDENTIFIER_KIND_VOUCHER, StartsWith: "BON-", Length: 8},
		},
		Scoring: &programmev1.Scoring{Source: programmev1.ScoringSource_SCORING_SOURCE_IMPORTED},
		Segments: []*programmev1.Segment{
			{Code: "promising", Name: names("Veelbelovend", "Promising"), Hint: names("Vraag terug te komen", "Ask to come back")},
			{Code: "champions", Name: names("Kampioenen", "Champions")},
		},
		Tiers: []*programmev1.Tier{
			{Code: "groen", Name: names("Groen", "Green")},
			{Code: "zilver", Name: names("Zilver", "Silver"), ReachAny: []*programmev1.TierRule{spend(25000)}},
			{Code: "goud", Name: names("Goud", "Gold"), ReachAny: []*programmev1.TierRule{spend(75000)}},
		},
		Points:         &programmev1.Points{Earn: []*programmev1.EarnRule{{Name: "basis", Points: 1, PerEuro: 1}}},
		CustomerGroups: []*programmev1.CustomerGroup{{Code: "hovenier", Percent: 1500, NotOnPromotion: true, Name: names("Hovenier", "Trade")}},
		Campaigns: []*programmev1.Campaign{
			{
				Code: "verf-bij-tuinhout", Salt: "s", Kind: &programmev1.Campaign_Offer{Offer: &programmev1.Offer{Percent: 2000, Groups: []string{"paint"}, AtMost: 2500, TillCode: "ACT2311"}},
				When: &programmev1.Condition{Segments: []string{"promising"}, Basket: []*programmev1.BasketCondition{{Group: "timber", Pieces: 6}}},
				Say: &programmev1.Say{
					Cashier: names("Geef 20% op verf bij dit tuinhout", "Give 20% off paint with this timber"),
					Display: names("20% korting op verf|bij uw tuinhout", "20% off paint|with your timber"),
					Receipt: names("20% korting op verf is verrekend.", "20% off paint has been applied."),
				},
			},
			{
				Code: "dubbel", Kind: &programmev1.Campaign_Offer{Offer: &programmev1.Offer{TimesPoints: 2}},
				When: &programmev1.Condition{Segments: []string{"champions"}},
			},
		},
	}
}

// newWorld opens a store with its customers published.
func newWorld(tb testing.TB, change ...func(*programmev1.Programme)) *world {
	tb.Helper()
	w := &world{t: tb, active: &generation.Active{}, now: now, programme: linde(), records: map[string]bundle.Record{}, dir: tb.TempDir()}
	for _, c := range change {
		c(w.programme)
	}
	var err error
	w.journal, err = journal.Open(filepath.Join(w.dir, "journal.db"), journal.Config{
		ServerID: "utrecht-1", DataKey: dataKey, Now: w.clock, Logger: discard, MachineID: "here",
	})
	if err != nil {
		tb.Fatal(err)
	}
	w.service = till.New(till.Config{
		Active: w.active, Journal: w.journal, ServerID: "utrecht-1", Now: w.clock, Logger: discard,
	})
	tb.Cleanup(func() {
		w.active.Close()
		if err := w.journal.Close(); err != nil {
			tb.Error(err)
		}
	})
	w.people()
	w.publish()
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// people are the customers of the world.
func (w *world) people() {
	w.account(regular, &customerv1.Account{
		HomeStore: "s01", Language: "nl", Imported: &customerv1.ImportedScores{Segment: "promising"},
		Loyalty: &customerv1.LoyaltyState{Balance: 1245, Tier: "zilver", QualifyingSpendMinor: 30000},
	})
	w.account(objected, &customerv1.Account{
		Imported: &customerv1.ImportedScores{Segment: "promising"}, Consents: &customerv1.Consents{Objected: true},
		Loyalty: &customerv1.LoyaltyState{Balance: 10},
	})
	w.account(trade, &customerv1.Account{CustomerGroups: []string{"hovenier"}, Loyalty: &customerv1.LoyaltyState{Balance: -35}})
	w.account(frozen, &customerv1.Account{State: customerv1.AccountState_ACCOUNT_STATE_BLOCKED})
	w.account(second, &customerv1.Account{HomeStore: "s03", Language: "fr", Imported: &customerv1.ImportedScores{Segment: "champions"}, FirstName: "Anna"})
	w.card(cardRegular, &customerv1.Identifier{AccountIds: [][]byte{regular[:]}})
	replaced := customerv1.IdentifierState_IDENTIFIER_STATE_REPLACED
	w.card(cardReplaced, &customerv1.Identifier{State: replaced, ResolvesTo: w.hash(cardRegular)})
	w.card(cardOld, &customerv1.Identifier{State: replaced, ResolvesTo: w.hash(cardReplaced)})
	w.card(cardMerged, &customerv1.Identifier{State: customerv1.IdentifierState_IDENTIFIER_STATE_MERGED, ResolvesTo: w.hash(cardRegular)})
	w.card(cardCircle, &customerv1.Identifier{State: replaced, ResolvesTo: w.hash(cardCircle)})
	w.card(cardBlocked, &customerv1.Identifier{State: customerv1.IdentifierState_IDENTIFIER_STATE_BLOCKED, AccountIds: [][]byte{regular[:]}})
	w.card(cardAnon, &customerv1.Identifier{State: customerv1.IdentifierState_IDENTIFIER_STATE_ANONYMOUS})
	w.card(cardExpired, &customerv1.Identifier{State: customerv1.IdentifierState_IDENTIFIER_STATE_EXPIRED, AccountIds: [][]byte{regular[:]}})
	w.card(cardObjected, &customerv1.Identifier{AccountIds: [][]byte{objected[:]}})
	w.card(cardTrade, &customerv1.Identifier{AccountIds: [][]byte{trade[:]}})
	w.card(cardFrozen, &customerv1.Identifier{AccountIds: [][]byte{frozen[:]}})
	two := identify.Hash(identifierKey, "phone", phoneTwo)
	w.put(bundle.KindIdentifier, two[:], &customerv1.Identifier{AccountIds: [][]byte{regular[:], second[:]}, Masked: "…5678"})
	erased := identify.Hash(contentKey, "card", cardErased)
	w.put(bundle.KindErased, erased[:], nil)
}

func (w *world) hash(card string) []byte {
	hash := identify.Hash(identifierKey, "card", card)
	return hash[:]
}

func (w *world) card(number string, i *customerv1.Identifier) {
	w.put(bundle.KindIdentifier, w.hash(number), i)
}

func (w *world) account(id [16]byte, a *customerv1.Account) { w.put(bundle.KindAccount, id[:], a) }

func (w *world) put(kind bundle.Kind, key []byte, m proto.Message) {
	value := []byte{}
	if m != nil {
		var err error
		if value, err = proto.Marshal(m); err != nil {
			w.t.Fatal(err)
		}
	}
	w.records[kind.String()+string(key)] = bundle.Record{Kind: kind, Key: key, Value: value}
}

// publish has the customers served, with what this journal wrote counted up to the cut-offs given.
func (w *world) publish(cutOffs ...*bundlev1.CutOff) {
	w.t.Helper()
	var list []bundle.Record
	for _, r := range w.records {
		list = append(list, r)
	}
	slices.SortFunc(list, bundle.Compare)
	records := bundle.Records(func(yield func(bundle.Record, error) bool) {
		for _, r := range list {
			if !yield(r, nil) {
				return
			}
		}
	})
	state, err := bundle.StateDigest(records)
	if err != nil {
		w.t.Fatal(err)
	}
	info, err := generation.Build(context.Background(), generation.BuildOptions{Dir: w.dir, DataKey: dataKey, State: state}, records)
	if err != nil {
		w.t.Fatal(err)
	}
	file, err := generation.OpenFile(w.dir, info, dataKey, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	prepared, err := till.Prepare(w.programme)
	if err != nil {
		w.t.Fatal(err)
	}
	w.version++
	digest := sha256.Sum256([]byte{byte(w.version)})
	release, err := generation.NewRelease(file, generation.Parts{
		Manifest: &bundlev1.Manifest{Version: w.version, Store: "s01", Programme: &bundlev1.SealedPart{HeaderDigest: digest[:]}, IssuedAt: timestamppb.New(now)},
		Digest:   digest,
		Header:   &bundlev1.CustomersHeader{CutOffs: cutOffs, IdentifierEpoch: 2, LaneThrough: w.laneThrough, Accounts: 5, CutPoints: w.cuts, DataAsOf: timestamppb.New(now.Add(-8 * time.Hour))},
		Store: &bundlev1.StorePart{Standby: w.standby, ContentKey: contentKey, DetailsKey: w.detailsKey, CouponShares: w.shares, Coupons: w.known, IdentifierKeys: []*bundlev1.IdentifierKey{
			{Epoch: 1, Key: []byte("the key of yesterday")}, {Epoch: 2, Key: identifierKey},
		}},
		Programme: &bundlev1.ProgrammePart{Programme: w.programme}, Prepared: prepared,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	file.Release()
	w.active.Switch(release)
}

// lookup asks about a card, with a basket when lines are given.
func (w *world) lookup(card string, change ...func(*tillv1.LookupRequest)) *tillv1.LookupResponse {
	w.t.Helper()
	req := &tillv1.LookupRequest{
		Caller: &tillv1.Caller{Till: "3"}, ReceiptRef: "r1", Stage: tillv1.Stage_STAGE_START,
		Customer: &tillv1.LookupRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Raw{Raw: []byte(card)}}},
	}
	for _, c := range change {
		c(req)
	}
	out, err := w.service.Lookup(context.Background(), req)
	if err != nil {
		w.t.Fatalf("lookup: %v", err)
	}
	return out
}

func basket(lines ...*outcomev1.Line) func(*tillv1.LookupRequest) {
	return func(req *tillv1.LookupRequest) { req.Basket = &tillv1.Basket{Lines: lines, Currency: "EUR"} }
}

func ref(r string) func(*tillv1.LookupRequest) {
	return func(req *tillv1.LookupRequest) { req.ReceiptRef = r }
}

// receipt is a sale on a card, "" for none.
func receipt(no, card string, lines ...*outcomev1.Line) *tillv1.RecordReceiptRequest {
	req := &tillv1.RecordReceiptRequest{
		Caller: &tillv1.Caller{Till: "3"},
		Receipt: &outcomev1.Receipt{
			Key:  &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: "2026-03-16", ReceiptNo: no},
			Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, ReceiptRef: "r1", Currency: "EUR", Lines: lines, EndedAt: timestamppb.New(now),
		},
	}
	for _, line := range lines {
		req.Receipt.TotalMinor += line.GetNetMinor()
	}
	if card != "" {
		req.Customer = &tillv1.RecordReceiptRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Raw{Raw: []byte(card)}}}
	}
	return req
}

// back makes a return of an earlier receipt.
func back(no, original, card string, lines ...*outcomev1.Line) *tillv1.RecordReceiptRequest {
	req := receipt(no, card, lines...)
	req.Receipt.Kind = outcomev1.ReceiptKind_RECEIPT_KIND_RETURN
	req.Receipt.Original = &outcomev1.ReceiptKey{Store: "s01", Till: "3", BusinessDate: "2026-03-16", ReceiptNo: original}
	return req
}

func (w *world) record(req *tillv1.RecordReceiptRequest) *tillv1.RecordReceiptResponse {
	w.t.Helper()
	out, err := w.service.RecordReceipt(context.Background(), req)
	if err != nil {
		w.t.Fatalf("record: %v", err)
	}
	return out
}

func line(no int32, sku string, pieces, net int64) *outcomev1.Line {
	return &outcomev1.Line{No: no, Sku: sku, QuantityMilli: pieces * 1000, NetMinor: net}
}

func returned(no int32, sku string, pieces, net int64, original int32) *outcomev1.Line {
	return &outcomev1.Line{No: no, Sku: sku, QuantityMilli: -pieces * 1000, NetMinor: -net, OriginalLine: original}
}

// refOf is an account as tills hand it back.
func refOf(id [16]byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(id[:])
}
