package main

import (
	"bytes"
	"context"
	"flag"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

var update = flag.Bool("update", false, "write testdata anew from what is printed")

// store answers by card: each card is one situation.
type store struct {
	tillv1.UnimplementedCheckoutServiceServer
	mu      sync.Mutex
	lookups []*tillv1.LookupRequest
	booked  map[string]*tillv1.RecordReceiptRequest
}

var meta = &tillv1.Meta{
	Server: "s01-a", Release: 12,
	ServerTime: timestamppb.New(time.Date(2027, 1, 5, 9, 15, 0, 0, time.Local)),
	DataAsOf:   timestamppb.New(time.Date(2027, 1, 5, 3, 0, 0, 0, time.Local)),
}

func block(lines ...string) *tillv1.TextBlock { return &tillv1.TextBlock{Lines: lines} }

var answers = map[string]*tillv1.LookupResponse{
	"2900123456785": {
		Outcome: tillv1.Outcome_OUTCOME_FOUND, AccountRef: "75WWCMRZGAYDCMRTGQ2TMNZYGU",
		Loyalty:      &tillv1.Loyalty{TierName: "Silver", PointsAvailable: 1245, ExpiringPoints: 120, ExpiringOn: "2027-03-31"},
		Segment:      &tillv1.Segment{Name: "Loyal", Hint: "Ask whether all was found"},
		Entitlements: []*tillv1.Entitlement{{Name: "Trade", BasisPoints: 1500}, {Name: "First at the service desk"}, {Name: "Staff", BasisPoints: 1250}},
		Suggestion: &tillv1.Suggestion{
			Id: "d1", Campaign: "verf-bij-tuinhout", Reasons: []string{"WON verf-bij-tuinhout"},
			Kind: &tillv1.Suggestion_Offer{Offer: &tillv1.OfferSuggestion{
				TillCode: "ACT2311", LineDiscounts: []*tillv1.LineDiscount{{Line: 2, AmountMinor: 598, Why: "20% off paint"}},
			}},
		},
		EstimatedPoints: proto.Int64(63),
		Staff:           block("Give 20% off paint with this timber"),
		CustomerDisplay: block("20% off paint", "with your timber"),
		Receipt:         block("20% off paint has been applied.", "Your new balance: 1,308 points"),
		Meta:            meta,
	},
	"blocked": {
		Outcome: tillv1.Outcome_OUTCOME_BLOCKED, Staff: block("Card not usable. Refer: service desk"),
		CustomerDisplay: block("Please ask at", "the service desk"), Meta: meta,
	},
	"noise": {Outcome: tillv1.Outcome_OUTCOME_NOT_A_CARD, Staff: block("This is no customer card"), Meta: meta},
	"0612345678": {
		Outcome: tillv1.Outcome_OUTCOME_AMBIGUOUS, Staff: block("Two customers. Ask which"), Meta: meta,
		Choices: []*tillv1.Choice{{AccountRef: "AAAAAAAAAAAAAAAAAAAAAAAAAA", Masked: "…6785, Utrecht"}, {AccountRef: "BAAAAAAAAAAAAAAAAAAAAAAAAA", Masked: "…0017, Zeist"}},
	},
	"stale": {
		Outcome: tillv1.Outcome_OUTCOME_FOUND, Loyalty: &tillv1.Loyalty{PointsAvailable: 0, Provisional: true},
		Suggestion: &tillv1.Suggestion{Campaign: "hoe-was-het", Kind: &tillv1.Suggestion_Survey{Survey: &tillv1.SurveySuggestion{Highest: 10}}},
		Staff:      block("Customer answers 1 question on pin pad"), CustomerDisplay: block("Recommend us?", "0 = no  10 = surely"),
		Meta: &tillv1.Meta{Server: "s01-a", Stale: true},
	},
}

func (s *store) Lookup(ctx context.Context, r *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
	s.mu.Lock()
	s.lookups = append(s.lookups, r)
	s.mu.Unlock()
	if md, _ := metadata.FromIncomingContext(ctx); strings.Join(md.Get("authorization"), "") != "Bearer a-token" {
		return nil, status.Error(codes.Unauthenticated, "a token this server does not know")
	}
	answer, ok := answers[r.GetIdentifier().GetText()]
	if !ok { // slow
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return answer, nil
}

func (s *store) RecordReceipt(_ context.Context, r *tillv1.RecordReceiptRequest) (*tillv1.RecordReceiptResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number := r.GetReceipt().GetKey().GetReceiptNo()
	if number == "taken" {
		return nil, status.Error(codes.AlreadyExists, "another receipt has this number")
	}
	response := &tillv1.RecordReceiptResponse{Meta: proto.CloneOf(meta)}
	if r.GetIdentifier() != nil {
		response.Outcome, response.Points = tillv1.Outcome_OUTCOME_FOUND, 63
		response.Loyalty = &tillv1.Loyalty{TierName: "Silver", PointsAvailable: 1308}
		response.Staff = block("Silver · 1,308 points")
		response.CustomerDisplay = block("Hello! You have", "1,308 points")
		response.Receipt = block("Earned on this receipt: 63 points", "New balance: 1,308 points")
	}
	_, response.Meta.Replayed = s.booked[number]
	s.booked[number] = r
	return response, nil
}

func (s *store) GetStatus(context.Context, *tillv1.GetStatusRequest) (*tillv1.GetStatusResponse, error) {
	return &tillv1.GetStatusResponse{
		Meta: meta, Store: "s01", OutboxWaiting: 1234, Accounts: 20000,
		OfficeSeenAt: timestamppb.New(meta.GetServerTime().AsTime().Add(-42 * time.Second)),
	}, nil
}

// serve starts the store and points the command at it.
func serve(t *testing.T) *store {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &store{booked: make(map[string]*tillv1.RecordReceiptRequest)}
	server := grpc.NewServer()
	tillv1.RegisterCheckoutServiceServer(server, s)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	t.Setenv("STAMKLANT_TILL_ADDRESS", listener.Addr().String())
	t.Setenv("STAMKLANT_TILL_TOKEN", "a-token")
	t.Setenv("STAMKLANT_TILL_TIMEOUT", "10s")
	return s
}

// call runs the command.
func call(t *testing.T, colour bool, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), &out, &errs, colour)
	return out.String(), errs.String(), code
}

// times are what differs from run to run: how long it took, and the padding on its left.
var times = regexp.MustCompile(`  +((?:\S+ · )*)[0-9.]+(?:µs|ms|s)\n`)

// timeless is text without what differs from run to run.
func timeless(text string) string { return times.ReplaceAllString(text, "  $1[time]\n") }

// golden compares with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = timeless(got)
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestWhatIsPrinted(t *testing.T) {
	serve(t)
	sale := []string{"--line", "451003:4510:20:39.80", "--line", "461001:4610:1:23.92", "--date", "2027-01-05"}
	for _, tc := range []struct {
		name string
		args []string
		code int
	}{
		{"found", []string{"lookup", "2900123456785"}, exitDone},
		{"blocked", []string{"lookup", "blocked"}, exitNoCustomer},
		{"not-a-card", []string{"lookup", "noise"}, exitNoCustomer},
		{"ambiguous", []string{"lookup", "0612345678"}, exitNoCustomer},
		{"stale", []string{"lookup", "stale"}, exitDone},
		{"wide-display", []string{"lookup", "stale", "--display", "1x40"}, exitDone},
		{"no-display", []string{"lookup", "stale", "--display", "0x0"}, exitDone},
		{"slow", []string{"lookup", "slow", "--timeout", "100ms", "--language", "en"}, exitOffline},
		{"wrong-token", []string{"lookup", "2900123456785", "--token", "another", "--language", "en"}, exitOffline},
		{"sell", append([]string{"sell", "2900123456785", "--receipt-no", "1"}, sale...), exitDone},
		{"sell-again", append([]string{"sell", "2900123456785", "--receipt-no", "2", "--again"}, sale...), exitDone},
		{"sell-anonymous", append([]string{"sell", "--anonymous", "--receipt-no", "3"}, sale...), exitDone},
		{"sell-refused", append([]string{"sell", "--anonymous", "--receipt-no", "taken", "--language", "en"}, sale...), exitNoCustomer},
		{"status", []string{"status"}, exitDone},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stdout, stderr, code := call(t, false, tc.args...)
			if code != tc.code || stderr != "" {
				t.Errorf("exit code %d, want %d; %s", code, tc.code, stderr)
			}
			golden(t, tc.name, stdout)
			if strings.Contains(stdout, "\x1b") {
				t.Error("colour where it is no terminal")
			}
			if strings.HasPrefix(tc.name, "sell") {
				return // a second time it is replayed
			}
			coloured, _, _ := call(t, true, tc.args...)
			if !strings.Contains(coloured, "\x1b[") {
				t.Error("no colour on a terminal")
			}
			if plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(coloured, ""); timeless(plain) != timeless(stdout) {
				t.Errorf("colour moves things:\n%s\nwithout:\n%s", plain, stdout)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	t.Setenv("STAMKLANT_TILL_ADDRESS", address)
	t.Setenv("STAMKLANT_TILL_TOKEN", "a-token")
	stdout, _, code := call(t, false, "lookup", "2900123456785", "--language", "fr")
	if code != exitOffline || !strings.Contains(stdout, "Points plus tard. Continuez") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	if _, stderr, code := call(t, false, "status"); code != exitOffline || !strings.Contains(stderr, "no answer") {
		t.Errorf("status: exit code %d: %s", code, stderr)
	}
}

func TestJSON(t *testing.T) {
	s := serve(t)
	stdout, _, code := call(t, false, "lookup", "2900123456785", "--json", "--basket", "451003:4510:2:39,80", "--basket", "602001::1.250:4.10")
	if code != exitDone || !strings.Contains(stdout, `"OUTCOME_FOUND"`) || !strings.Contains(stdout, `"pointsAvailable"`) {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	got := s.lookups[0]
	if got.GetStage() != tillv1.Stage_STAGE_PAYMENT || len(got.GetBasket().GetLines()) != 2 {
		t.Fatalf("asked %v", got)
	}
	if l := got.GetBasket().GetLines()[1]; l.GetQuantityMilli() != 1250 || l.GetNetMinor() != 410 || l.GetGroup() != "" || l.GetNo() != 2 {
		t.Errorf("line %v", l)
	}
	if a := got.GetAbilities(); a.GetDisplayLines() != 2 || a.GetDisplayColumns() != 20 || a.GetPrinterColumns() != 42 {
		t.Errorf("abilities %v", a)
	}
	if stdout, _, _ := call(t, false, "sell", "2900123456785", "--line", "451003:4510:2:39.80", "--json"); !strings.Contains(stdout, `"points"`) {
		t.Errorf("sell:\n%s", stdout)
	}
	if stdout, _, _ := call(t, false, "status", "--json"); !strings.Contains(stdout, `"outboxWaiting"`) {
		t.Errorf("status:\n%s", stdout)
	}
}

func TestASaleTellsWhatWasShown(t *testing.T) {
	s := serve(t)
	if _, stderr, code := call(t, false, "sell", "2900123456785", "--receipt-no", "9", "--accept", "--lines", "451003:4510:2:39.80"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	got := s.booked["9"]
	if key := got.GetReceipt().GetKey(); key.GetStore() != "s01" || key.GetTill() != "1" || key.GetBusinessDate() == "" {
		t.Errorf("key %v", key)
	}
	if got.GetReceipt().GetTotalMinor() != 3980 || len(got.GetExposures()) != 1 || got.GetExposures()[0].GetCampaign() != "verf-bij-tuinhout" {
		t.Errorf("sent %v", got)
	}
	if s.lookups[0].GetReceiptRef() != got.GetReceipt().GetReceiptRef() {
		t.Error("lookup and receipt are of different sales")
	}
}

func TestUsage(t *testing.T) {
	serve(t)
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"no command", nil, "expected"},
		{"no card", []string{"lookup"}, "<card>"},
		{"a card and none", []string{"sell", "1", "--anonymous", "--line", "a:b:1:1"}, "--anonymous"},
		{"neither", []string{"sell", "--line", "a:b:1:1"}, "--anonymous"},
		{"no line", []string{"sell", "1"}, "--line"},
		{"three parts", []string{"lookup", "1", "--basket", "a:b:1"}, "sku:group:quantity:price"},
		{"no sku", []string{"lookup", "1", "--basket", ":b:1:1"}, "no sku"},
		{"no pieces", []string{"lookup", "1", "--basket", "a:b:0:1"}, "quantity is 0"},
		{"a word for a price", []string{"lookup", "1", "--basket", "a:b:1:free"}, "price"},
		{"a tenth of a cent", []string{"lookup", "1", "--basket", "a:b:1:0.001"}, "more than 2 places"},
		{"a huge price", []string{"lookup", "1", "--basket", "a:b:1:99999999999999999999"}, "too large"},
		{"an odd display", []string{"lookup", "1", "--display", "large"}, "2x20"},
		{"an unknown stage", []string{"lookup", "1", "--stage", "later"}, "--stage"},
		{"an unknown language", []string{"lookup", "1", "--language", "es"}, "--language"},
		{"no token", []string{"lookup", "1", "--token", ""}, "no token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, stderr, code := call(t, false, tc.args...)
			if code != exitUsage || !strings.Contains(stderr, tc.want) {
				t.Errorf("exit code %d, %q; want %d and a word about %q", code, stderr, exitUsage, tc.want)
			}
		})
	}
}

func TestTokenFile(t *testing.T) {
	serve(t)
	t.Setenv("STAMKLANT_TILL_TOKEN", "")
	path := filepath.Join(t.TempDir(), "till.token")
	if err := os.WriteFile(path, []byte("a-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := call(t, false, "lookup", "2900123456785", "--token-file", path); code != exitDone {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
