package instore_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/gen/stamklant/till/v1/tillv1connect"
	"github.com/stamklant/stamklant/internal/certificate"
	"github.com/stamklant/stamklant/internal/instore"
	"github.com/stamklant/stamklant/internal/rpc"
)

// callsOfADay are the calls of a till, as JSON. TODAY and NOW are filled in. Each is made three times, and once more with its caller missing.
var callsOfADay = []struct{ method, request string }{
	{"GetStatus", `{CALLER}`},
	{"Lookup", `{CALLER, "identifier": {"text": "2900123456785"}, "receiptRef": "sale-1", "stage": "STAGE_START"}`},
	{"Lookup", `{CALLER, "identifier": {"text": "2900199999999"}}`},
	{"PresentCard", `{CALLER, "identifier": {"text": "2900123456785"}}`},
	{"Explain", `{CALLER, "identifier": {"text": "2900123456785"}, "stage": "STAGE_START"}`},
	{"Reserve", `{CALLER, "receiptRef": "sale-1", "points": "50", "identifier": {"text": "2900123456785"}}`},
	{"Release", `{CALLER, "receiptRef": "sale-1", "points": "50", "identifier": {"text": "2900123456785"}}`},
	{"RecordReceipt", `{CALLER, "identifier": {"text": "2900123456785"}, "receipt": {` + soldToday + `, "totalMinor": "4700", "lines": [{"no": 1, "sku": "4501001", "quantityMilli": "1000", "netMinor": "4700"}]}}`},
	{"RecordReceipt", `{CALLER, "identifier": {"text": "2900123456785"}, "receipt": {` + soldToday + `, "totalMinor": "100", "lines": [{"no": 1, "sku": "4501001", "quantityMilli": "1000", "netMinor": "100"}]}}`},
	{"RecordReceipt", `{CALLER, "receipt": {` + strings.Replace(soldToday, `"R1"`, `"R2"`, 1) + `, "totalMinor": "4700", "lines": [{"no": 1, "sku": "4501001", "quantityMilli": "1000", "netMinor": "4700"}]}}`},
	{"ClaimReceipt", `{CALLER, "identifier": {"text": "2900123456785"}, "receipt": {"store": "s01", "till": "3", "businessDate": "TODAY", "receiptNo": "R2"}}`},
	{"RecordOutcome", `{CALLER, "receipt": {"store": "s01", "till": "3", "businessDate": "TODAY", "receiptNo": "R1"}, "kind": "LATE_KIND_LATE_ANSWER", "outcome": {"campaign": "c"}, "occurredAt": "NOW"}`},
	{"SetPreference", `{CALLER, "identifier": {"text": "2900123456785"}, "object": "PURPOSE_MARKETING", "occurredAt": "NOW"}`},
	{"SubmitDetails", `{CALLER, "identifier": {"text": "2900123456785"}, "email": "a@example.com", "occurredAt": "NOW"}`},
}

const soldToday = `"key": {"store": "s01", "till": "3", "businessDate": "TODAY", "receiptNo": "R1"}, "kind": "RECEIPT_KIND_SALE", "currency": "EUR"`

// pushed is a store with a release and a second listener.
func pushed(t *testing.T, change ...func(*instore.Config)) *shopServer {
	t.Helper()
	h := newHeadOffice(t, 10)
	e := h.enrol("s01-a")
	h.publish()
	s := serve(t, e, filepath.Join(t.TempDir(), "data"), append(change, func(c *instore.Config) { c.Web = "127.0.0.1:0" })...)
	s.push(h)
	s.served(1)
	return s
}

// TestEveryCallOverEveryProtocol makes a till's calls over gRPC, as JSON and over gRPC-Web: answers and refusals are the same.
func TestEveryCallOverEveryProtocol(t *testing.T) {
	t.Parallel()
	s := pushed(t)
	file, err := instore.EnrolTillToken(s.config.Data, "3")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(text))
	w := &everyWay{t: t, conn: s.dial(token), url: "http://" + s.WebAddr(), token: token, client: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(w.client.CloseIdleConnections)
	within(t, "a token drawn while the server runs is known", func() bool {
		_, err := tillv1.NewCheckoutServiceClient(w.conn).GetStatus(t.Context(), &tillv1.GetStatusRequest{Caller: &tillv1.Caller{Till: "3"}})
		return err == nil
	})
	fill := strings.NewReplacer("CALLER", `"caller": {"till": "3", "store": "s01"}`, "TODAY", time.Now().Format(time.DateOnly), "NOW", time.Now().UTC().Format(time.RFC3339))
	seen := make(map[string]bool)
	for i, call := range callsOfADay {
		seen[call.method] = true
		request := fill.Replace(call.request)
		w.same(fmt.Sprintf("%d %s", i, call.method), call.method, request)
		w.same(fmt.Sprintf("%d %s without a caller", i, call.method), call.method, strings.Replace(request, `"caller": {"till": "3", "store": "s01"}`, `"caller": {}`, 1))
		w.same(fmt.Sprintf("%d %s of another till", i, call.method), call.method, strings.Replace(request, `"till": "3", "store"`, `"till": "4", "store"`, 1))
	}
	methods := tillv1.File_stamklant_till_v1_checkout_proto.Services().ByName("CheckoutService").Methods()
	for i := range methods.Len() {
		if m := methods.Get(i); !m.IsStreamingServer() && !seen[string(m.Name())] {
			t.Errorf("%s is not tried", m.Name())
		}
	}
	w.watch(s)
}

// everyWay makes calls over all protocols.
type everyWay struct {
	t      *testing.T
	conn   *grpc.ClientConn
	url    string
	token  string
	client *http.Client
}

// same makes a call over every protocol and fails the test unless all are answered alike.
func (w *everyWay) same(name, method, request string) {
	w.t.Helper()
	m := tillv1.File_stamklant_till_v1_checkout_proto.Services().ByName("CheckoutService").Methods().ByName(protoreflect.Name(method))
	in, out := messageOf(w.t, m.Input()), messageOf(w.t, m.Output())
	if err := protojson.Unmarshal([]byte(request), in); err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	path := "/stamklant.till.v1.CheckoutService/" + method
	_ = w.conn.Invoke(w.t.Context(), path, in, out) // what is done once is done; from now on the answer is the same
	wantErr := w.conn.Invoke(w.t.Context(), path, in, out)
	if status.Code(wantErr) == codes.Internal || status.Code(wantErr) == codes.Unknown || status.Code(wantErr) == codes.Unimplemented {
		w.t.Errorf("%s over gRPC: %v", name, wantErr)
	}
	for way, call := range map[string]func(string, []byte, proto.Message, proto.Message) error{"JSON": w.json, "gRPC-Web": w.grpcWeb} {
		got := out.ProtoReflect().New().Interface()
		err := call(path, []byte(request), in, got)
		if !proto.Equal(status.Convert(err).Proto(), status.Convert(wantErr).Proto()) {
			w.t.Errorf("%s over %s is refused with\n%v, over gRPC with\n%v", name, way, status.Convert(err).Proto(), status.Convert(wantErr).Proto())
		}
		if err == nil && !proto.Equal(steady(got), steady(out)) {
			w.t.Errorf("%s over %s is answered\n%v, over gRPC\n%v", name, way, got, out)
		}
	}
}

func messageOf(t *testing.T, d protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		t.Fatal(err)
	}
	return kind.New().Interface()
}

// steady is an answer without what differs from one call to the next: the time, and that a receipt was there already.
func steady(m proto.Message) proto.Message {
	m = proto.Clone(m)
	unset(m.ProtoReflect())
	return m
}

func unset(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch f.Name() {
		case "server_time", "replayed", "trusted_time", "decision_ticket", "expires_at", "accepted":
			m.Clear(f)
			return true
		}
		if f.Message() != nil && !f.IsMap() && !f.IsList() {
			unset(v.Message())
		}
		return true
	})
}

// json posts a request as curl does.
func (w *everyWay) json(path string, request []byte, _, out proto.Message) error {
	call, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+path, bytes.NewReader(request))
	if err != nil {
		return err
	}
	call.Header.Set("Content-Type", "application/json")
	call.Header.Set("Authorization", "Bearer "+w.token)
	response, err := w.client.Do(call)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode == http.StatusOK {
		return protojson.Unmarshal(text, out)
	}
	var refusal struct {
		Code, Message string
		Details       []struct{ Type, Value string }
	}
	if err := json.Unmarshal(text, &refusal); err != nil {
		return fmt.Errorf("%s: %w: %s", response.Status, err, text)
	}
	var code codes.Code
	if err := code.UnmarshalJSON([]byte(`"` + strings.ToUpper(refusal.Code) + `"`)); err != nil {
		return err
	}
	st := &spb.Status{Code: int32(code), Message: refusal.Message}
	for _, d := range refusal.Details {
		value, err := base64.RawStdEncoding.DecodeString(d.Value)
		if err != nil {
			return err
		}
		st.Details = append(st.Details, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type, Value: value})
	}
	return status.ErrorProto(st)
}

// grpcWeb calls as a browser does.
func (w *everyWay) grpcWeb(path string, _ []byte, in, out proto.Message) error {
	client := connect.NewClient(connecthttp.NewTransport(w.client, w.url, connecthttp.WithGRPCWeb()))
	ctx, info := connect.NewClientContext(w.t.Context())
	info.RequestHeader().Set("Authorization", "Bearer "+w.token)
	return refusalOf(client.CallUnary(ctx, connect.Spec{StreamType: connect.StreamTypeUnary, Procedure: path}, in, out))
}

func refusalOf(err error) error {
	var refusal *connect.Error
	if !errors.As(err, &refusal) {
		return err
	}
	st := &spb.Status{Code: int32(refusal.Code()), Message: refusal.Message()}
	for _, d := range refusal.Details() {
		st.Details = append(st.Details, connectproto.ErrorDetailToAny(d))
	}
	return status.ErrorProto(st)
}

// watch sees, over gRPC-Web, a card that is presented over gRPC.
func (w *everyWay) watch(s *shopServer) {
	w.t.Helper()
	client := tillv1connect.NewCheckoutServiceClient(connect.NewClient(connecthttp.NewTransport(w.client, w.url, connecthttp.WithGRPCWeb())))
	ctx, info := connect.NewClientContext(w.t.Context())
	info.RequestHeader().Set("Authorization", "Bearer "+w.token)
	stream, err := client.WatchTill(ctx, &tillv1.WatchTillRequest{Caller: &tillv1.Caller{Till: "3", Store: "s01"}})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	if first, err := stream.Receive(); err != nil || first.GetFreshness() == nil && first.GetCard() == nil {
		w.t.Fatalf("first message %v, %v", first, err)
	}
	if _, err := s.till.PresentCard(w.t.Context(), &tillv1.PresentCardRequest{
		Caller: &tillv1.Caller{Till: "3", Store: "s01"}, Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: cardNumber}},
	}); err != nil {
		w.t.Fatal(err)
	}
	for {
		message, err := stream.Receive()
		if err != nil {
			w.t.Fatal(err)
		}
		if message.GetCard().GetAnswer().GetOutcome() == tillv1.Outcome_OUTCOME_FOUND {
			return
		}
	}
}

// secured is the store of pushed, answering by certificates alone.
func secured(t *testing.T) (*shopServer, *instore.Server, instore.Config) {
	t.Helper()
	s := pushed(t)
	s.stop()
	config := s.config
	config.Listen = "tls://127.0.0.1:0"
	server, err := instore.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, server, config
}

// TestATillIsToldOfInTime: the log says which till must be enrolled again before its certificate ends.
func TestATillIsToldOfInTime(t *testing.T) {
	t.Parallel()
	s, server, config := secured(t)
	for _, tc := range []struct {
		name string
		left time.Duration
		says bool
	}{{"in a year", 365 * 24 * time.Hour, false}, {"in ten days", 10*24*time.Hour + time.Hour, true}} {
		dir := t.TempDir()
		if _, err := instore.EnrolTill(config, rpc.RoleTill, "3", false, dir, time.Now().Add(tc.left-certificate.TillLife)); err != nil {
			t.Fatal(err)
		}
		client := tillv1.NewCheckoutServiceClient(dialWith(t, server.Addr(), dir))
		if _, err := client.GetStatus(t.Context(), &tillv1.GetStatusRequest{Caller: &tillv1.Caller{Till: "3"}}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(s.log.text(), "ends soon: enrol it again\" caller="); got != tc.says {
			t.Errorf("%s: it is said: %v\n%s", tc.name, got, s.log.text())
		}
	}
	if !strings.Contains(s.log.text(), "/s01/till/3 days_left=10") {
		t.Errorf("the log does not say when:\n%s", s.log.text())
	}
}

// TestWhatCustomersReadAlong: a till at which customers serve themselves gets nothing that is for staff, by lookup or while it watches.
func TestWhatCustomersReadAlong(t *testing.T) {
	t.Parallel()
	_, server, config := secured(t)
	for _, customers := range []bool{false, true} {
		dir := t.TempDir()
		if _, err := instore.EnrolTill(config, rpc.RoleTill, "3", customers, dir, time.Now()); err != nil {
			t.Fatal(err)
		}
		client := tillv1.NewCheckoutServiceClient(dialWith(t, server.Addr(), dir))
		caller := &tillv1.Caller{Till: "3", Store: "s01"}
		card := &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: cardNumber}}
		answer, err := client.Lookup(t.Context(), &tillv1.LookupRequest{Caller: caller, Customer: &tillv1.LookupRequest_Identifier{Identifier: card}})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(answer.GetStaff().GetLines()) == 0; got != customers || answer.GetOutcome() != tillv1.Outcome_OUTCOME_FOUND {
			t.Errorf("customers read along: %v, and the answer is %v", customers, answer)
		}
		if customers && (answer.GetSegment() != nil || len(answer.GetSuggestion().GetReasons()) > 0) {
			t.Errorf("a customer reads %v", answer)
		}
		watch, err := client.WatchTill(t.Context(), &tillv1.WatchTillRequest{Caller: caller})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch.Recv(); err != nil {
			t.Fatal(err)
		}
		if _, err := client.PresentCard(t.Context(), &tillv1.PresentCardRequest{Caller: caller, Identifier: card}); err != nil {
			t.Fatal(err)
		}
		message, err := watch.Recv()
		for err == nil && message.GetCard() == nil {
			message, err = watch.Recv()
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := len(message.GetCard().GetAnswer().GetStaff().GetLines()) == 0; got != customers {
			t.Errorf("customers read along: %v, and the watch tells %v", customers, message)
		}
		_, err = client.Explain(t.Context(), &tillv1.ExplainRequest{Caller: caller, Customer: &tillv1.ExplainRequest_Identifier{Identifier: card}})
		if denied := status.Code(err) == codes.PermissionDenied; denied != customers {
			t.Errorf("customers read along: %v, and Explain says %v", customers, err)
		}
	}
}

// dialWith calls with the certificate that was written into a folder.
func dialWith(t *testing.T, address, dir string) *grpc.ClientConn {
	t.Helper()
	keeper, err := certificate.Open(certificate.Files{
		Certificate: filepath.Join(dir, "till-3.pem"), Key: filepath.Join(dir, "till-3.key"), Authorities: filepath.Join(dir, "ca.pem"),
	}, time.Now, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	conn, err := rpc.Dial(address, rpc.DialConfig{TLS: keeper.Dial("s01")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
