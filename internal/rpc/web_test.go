package rpc_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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
	"google.golang.org/protobuf/types/known/anypb"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/gen/stamklant/till/v1/tillv1connect"
	"github.com/stamklant/stamklant/internal/rpc"
)

// withWeb adds the second listener to a server of the tests.
func withWeb(more func(*rpc.Config)) func(*rpc.Config) {
	return func(c *rpc.Config) {
		c.Web = &rpc.WebConfig{Address: "127.0.0.1:0", Origins: []string{"https://till.example"}}
		if more != nil {
			more(c)
		}
	}
}

// browser is a client of the second listener; it closes its connections when the test ends.
func browser(tb testing.TB) *http.Client {
	tb.Helper()
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// shown adds a token to a call of the connect library.
func shown(token string) connect.ClientInterceptor {
	return func(next connect.ClientFunc) connect.ClientFunc {
		return func(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
			if info, ok := connect.CallInfoForClientContext(ctx); ok && token != "" {
				info.RequestHeader().Set("Authorization", "Bearer "+token)
			}
			return next(ctx, spec)
		}
	}
}

// ways are the ways a lookup can come in. Each returns the answer or a status.
func ways(tb testing.TB, server *running, token string) map[string]func(context.Context, *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
	tb.Helper()
	client, url := browser(tb), "http://"+server.WebAddr()
	through := func(options ...connecthttp.Option) func(context.Context, *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
		c := tillv1connect.NewCheckoutServiceClient(connect.NewClient(connecthttp.NewTransport(client, url, options...), shown(token)))
		return func(ctx context.Context, r *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
			answer, err := c.Lookup(ctx, r)
			return answer, asStatus(tb, err)
		}
	}
	direct := tillv1.NewCheckoutServiceClient(server.dial(tb, token))
	return map[string]func(context.Context, *tillv1.LookupRequest) (*tillv1.LookupResponse, error){
		"gRPC": func(ctx context.Context, r *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
			return direct.Lookup(ctx, r)
		},
		"gRPC-Web": through(connecthttp.WithGRPCWeb()),
		"connect":  through(),
		"JSON": func(ctx context.Context, r *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
			answer := new(tillv1.LookupResponse)
			return answer, post(ctx, tb, client, url+tillv1.CheckoutService_Lookup_FullMethodName, token, r, answer)
		},
	}
}

// post sends JSON as curl does, without any library of the protocol.
func post(ctx context.Context, tb testing.TB, client *http.Client, url, token string, request, answer proto.Message) error {
	tb.Helper()
	text, err := protojson.Marshal(request)
	if err != nil {
		tb.Fatal(err)
	}
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	call.Header.Set("Content-Type", "application/json")
	if token != "" {
		call.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(call)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode == http.StatusOK {
		return protojson.Unmarshal(body, answer)
	}
	var refusal struct {
		Code, Message string
		Details       []struct{ Type, Value string }
	}
	if err := json.Unmarshal(body, &refusal); err != nil {
		return fmt.Errorf("%s: %w: %s", response.Status, err, body)
	}
	var code codes.Code
	if err := code.UnmarshalJSON([]byte(`"` + strings.ToUpper(refusal.Code) + `"`)); err != nil {
		return err
	}
	out := &spb.Status{Code: int32(code), Message: refusal.Message}
	for _, d := range refusal.Details {
		value, err := base64.RawStdEncoding.DecodeString(d.Value)
		if err != nil {
			return err
		}
		out.Details = append(out.Details, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type, Value: value})
	}
	return status.ErrorProto(out)
}

// asStatus turns an error of the connect library into a gRPC status, details and all.
func asStatus(tb testing.TB, err error) error {
	tb.Helper()
	var refusal *connect.Error
	if !errors.As(err, &refusal) {
		return err
	}
	out := &spb.Status{Code: int32(refusal.Code()), Message: refusal.Message()}
	for _, d := range refusal.Details() {
		out.Details = append(out.Details, connectproto.ErrorDetailToAny(d))
	}
	return status.ErrorProto(out)
}

func TestEveryWayInAnswersTheSame(t *testing.T) {
	refusal := rpc.RefuseFor("JOURNAL_FULL", "the journal is full; see google.rpc.RetryInfo", 7*time.Second)
	big := lookup("1")
	big.Basket = &tillv1.Basket{Currency: "EUR"}
	big.GetCaller().RequestId = strings.Repeat("x", 70<<10)
	wrong := lookup("till number one")
	for _, tc := range []struct {
		name    string
		token   string
		request *tillv1.LookupRequest
		answer  func(context.Context) (*tillv1.LookupResponse, error)
		code    codes.Code
		reason  string
	}{
		{"an answer", tillToken, lookup("1"), nil, codes.OK, ""},
		{"a refusal with details", tillToken, lookup("1"), func(context.Context) (*tillv1.LookupResponse, error) { return nil, refusal }, codes.ResourceExhausted, "JOURNAL_FULL"},
		{"wrong fields", tillToken, wrong, nil, codes.InvalidArgument, rpc.ReasonInvalid},
		{"larger than the method takes", tillToken, big, nil, codes.InvalidArgument, rpc.ReasonTooLarge},
		{"no token", "", lookup("1"), nil, codes.Unauthenticated, rpc.ReasonNoToken},
		{"a token nobody knows", "x-" + tillToken, lookup("1"), nil, codes.Unauthenticated, rpc.ReasonNoToken},
		{"another till's token", ownTillToken, lookup("4"), nil, codes.PermissionDenied, rpc.ReasonOtherTill},
		{"a role that may not", syncToken, lookup("1"), nil, codes.PermissionDenied, rpc.ReasonRole},
		{"a panic", tillToken, lookup("1"), func(context.Context) (*tillv1.LookupResponse, error) { panic("a page is gone") }, codes.Internal, rpc.ReasonInternal},
		{"a fault of ours", tillToken, lookup("1"), func(context.Context) (*tillv1.LookupResponse, error) {
			return nil, errors.New("/var: input/output error")
		}, codes.Internal, rpc.ReasonInternal},
		{"the deadline of the table", tillToken, lookup("1"), func(ctx context.Context) (*tillv1.LookupResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, codes.DeadlineExceeded, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := start(t, &checkout{lookup: func(ctx context.Context, _ *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
				if tc.answer != nil {
					return tc.answer(ctx)
				}
				return &tillv1.LookupResponse{Outcome: tillv1.Outcome_OUTCOME_FOUND, AccountRef: "ABC"}, nil
			}}, nil, withWeb(nil))
			by := ways(t, server, tc.token)
			want, wantErr := by["gRPC"](t.Context(), tc.request) // no deadline of its own: the table's holds
			if status.Code(wantErr) != tc.code || reason(wantErr) != tc.reason {
				t.Fatalf("gRPC: %v, want %v %s", wantErr, tc.code, tc.reason)
			}
			for name, call := range by {
				got, err := call(t.Context(), tc.request)
				if !proto.Equal(status.Convert(err).Proto(), status.Convert(wantErr).Proto()) {
					t.Errorf("%s refuses with\n%v, gRPC with\n%v", name, status.Convert(err).Proto(), status.Convert(wantErr).Proto())
				}
				if err == nil && !proto.Equal(got, want) {
					t.Errorf("%s answers %v, gRPC %v", name, got, want)
				}
			}
		})
	}
}

func TestBothListenersShareOneAllowance(t *testing.T) {
	server := start(t, &checkout{}, nil, withWeb(limited(func(l *rpc.Limits) {
		row := l.Methods[tillv1.CheckoutService_Lookup_FullMethodName]
		row.PerSecond, row.Burst = 0.001, 3
		l.Methods[tillv1.CheckoutService_Lookup_FullMethodName] = row
	})))
	by := ways(t, server, tillToken)
	for _, name := range []string{"gRPC", "gRPC-Web", "JSON"} {
		if _, err := by[name](within(t, patience), lookup("1")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for name, call := range by {
		_, err := call(within(t, patience), lookup("1"))
		if refused(t, err, codes.ResourceExhausted, rpc.ReasonRate); t.Failed() {
			t.Fatal(name)
		}
	}
}

// watching keeps streams open until their context ends, and tells how often it was called.
type watching struct {
	checkout
	opened chan struct{}
}

func (w *watching) WatchTill(_ *tillv1.WatchTillRequest, stream grpc.ServerStreamingServer[tillv1.WatchTillResponse]) error {
	if err := stream.Send(&tillv1.WatchTillResponse{Number: 1}); err != nil {
		return err
	}
	w.opened <- struct{}{}
	<-stream.Context().Done()
	return stream.Context().Err()
}

// watch opens a stream over gRPC-Web, or as streamed JSON, and reads its first message.
func watch(t *testing.T, server *running, options ...connecthttp.Option) tillv1connect.CheckoutServiceWatchTillClientStream {
	t.Helper()
	client := tillv1connect.NewCheckoutServiceClient(connect.NewClient(connecthttp.NewTransport(browser(t), "http://"+server.WebAddr(), options...), shown(tillToken)))
	stream, err := client.WatchTill(within(t, patience), &tillv1.WatchTillRequest{Caller: &tillv1.Caller{Till: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	if first, err := stream.Receive(); err != nil || first.GetNumber() != 1 {
		t.Fatalf("first message %v, %v", first, err)
	}
	return stream
}

func TestWatchingOverTheSecondListener(t *testing.T) {
	for name, option := range map[string]connecthttp.Option{"gRPC-Web": connecthttp.WithGRPCWeb(), "JSON": connecthttp.WithProtoJSON()} {
		t.Run(name, func(t *testing.T) {
			service := &watching{opened: make(chan struct{}, 1)}
			server := startService(t, service, withWeb(nil))
			stream := watch(t, server, option)
			<-service.opened
			server.stop() // the watcher is let go at once, not after Limits.Drain
			began := time.Now()
			if _, err := stream.Receive(); err == nil {
				t.Errorf("the stream ended with %v", err)
			}
			if err := <-server.ended; err != nil {
				t.Error(err)
			}
			server.ended <- nil
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("stopping took %v", took)
			}
		})
	}
}

func TestOldConnectionsToTheSecondListenerEnd(t *testing.T) {
	service := &watching{opened: make(chan struct{}, 1)}
	server := startService(t, service, withWeb(limited(func(l *rpc.Limits) { l.ConnectionAge = 50 * time.Millisecond })))
	stream := watch(t, server, connecthttp.WithGRPCWeb())
	_, err := stream.Receive()
	refused(t, asStatus(t, err), codes.Unavailable, rpc.ReasonConnectionAge)
}

// raw sends bytes to the second listener and returns the answer's first line.
func raw(t *testing.T, server *running, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", server.WebAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, text) // a server that has seen enough hangs up
	line, _, _ := strings.Cut(read(conn), "\r\n")
	return line
}

func read(conn net.Conn) string {
	text, _ := io.ReadAll(conn)
	return string(text)
}

func TestLimitsOfTheSecondListener(t *testing.T) {
	server := start(t, &checkout{}, nil, withWeb(limited(func(l *rpc.Limits) { l.Handshake, l.Transfer = 300*time.Millisecond, 300*time.Millisecond })))
	path := tillv1.CheckoutService_Lookup_FullMethodName
	head := "POST " + path + " HTTP/1.1\r\nHost: store\r\nConnection: close\r\nAuthorization: Bearer " + tillToken + "\r\nContent-Type: application/json\r\n"
	for _, tc := range []struct{ name, sent, want string }{
		{"headers above 8 KiB", head + "X-More: " + strings.Repeat("x", 16<<10) + "\r\n\r\n", "HTTP/1.1 431 Request Header Fields Too Large"},
		{"a message above 1 MiB", head + "Content-Length: 1200000\r\n\r\n" + strings.Repeat(" ", 1_200_000), "HTTP/1.1 429 Too Many Requests"},
		{"headers that trickle", "POST " + path + " HTTP/1.1\r\nHost: st", ""},
		{"a body that trickles", head + "Content-Length: 100\r\n\r\n{", "HTTP/1.1 "},
		{"a compressed message", head + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 501 Not Implemented"},
		{"a card in the address", "GET " + path + "?connect=v1&encoding=json&message=%7B%7D HTTP/1.1\r\nHost: store\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"},
		{"an unknown method", "POST /stamklant.till.v1.CheckoutService/Buy HTTP/1.1\r\nHost: store\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 501 Not Implemented"},
		{"a service for others", "POST " + officev1.OfficeService_RunJob_FullMethodName + " HTTP/1.1\r\nHost: store\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 404 Not Found"},
		{"no HTTP at all", "GIVE ME CARDS\r\n\r\n", "HTTP/1.1 400 Bad Request"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := raw(t, server, tc.sent); !strings.HasPrefix(got, tc.want) || strings.Contains(got, "200") || tc.want == "" && got != "" {
				t.Errorf("answered %q, want %q", got, tc.want)
			}
		})
	}
	if _, err := ways(t, server, tillToken)["JSON"](within(t, patience), lookup("1")); err != nil {
		t.Errorf("a good till after all that: %v", err)
	}
}

func TestConnectionsToTheSecondListenerAreBounded(t *testing.T) {
	server := start(t, &checkout{}, nil, withWeb(limited(func(l *rpc.Limits) { l.Connections = 1 })))
	first, err := net.Dial("tcp", server.WebAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := io.WriteString(first, "GET / HTTP/1.1\r\nHost: store\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Read(make([]byte, 1)); err != nil { // it has its place
		t.Fatal(err)
	}
	if got := raw(t, server, "GET / HTTP/1.1\r\nHost: store\r\n\r\n"); got != "" {
		t.Errorf("the second connection is answered %q", got)
	}
}

func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	server := start(t, &checkout{}, nil, withWeb(nil))
	for _, tc := range []struct {
		name, method, origin string
		code                 int
		allowed              string
	}{
		{"a page that may ask first", http.MethodOptions, "https://till.example", http.StatusNoContent, "https://till.example"},
		{"its call", http.MethodPost, "https://till.example", http.StatusOK, "https://till.example"},
		{"another site asks", http.MethodOptions, "https://evil.example", http.StatusForbidden, ""},
		{"another site calls all the same", http.MethodPost, "https://evil.example", http.StatusForbidden, ""},
		{"another port", http.MethodPost, "https://till.example:444", http.StatusForbidden, ""},
		{"a file", http.MethodPost, "null", http.StatusForbidden, ""},
		{"no browser", http.MethodPost, "", http.StatusOK, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text, err := protojson.Marshal(lookup("1"))
			if err != nil {
				t.Fatal(err)
			}
			call, err := http.NewRequestWithContext(within(t, patience), tc.method, "http://"+server.WebAddr()+tillv1.CheckoutService_Lookup_FullMethodName, bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			call.Header.Set("Content-Type", "application/json")
			call.Header.Set("Authorization", "Bearer "+tillToken)
			if tc.origin != "" {
				call.Header.Set("Origin", tc.origin)
			}
			response, err := browser(t).Do(call)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if got := response.Header.Get("Access-Control-Allow-Origin"); response.StatusCode != tc.code || got != tc.allowed {
				t.Errorf("%s for %q, want %d for %q", response.Status, got, tc.code, tc.allowed)
			}
		})
	}
	for _, origin := range []string{"*", "till.example", "https://till.example/", "https://Till.example", "null"} {
		if _, err := rpc.NewServer(rpc.Config{
			Address: "127.0.0.1:0", Authenticate: tokens(), Logger: quiet(), Web: &rpc.WebConfig{Address: "127.0.0.1:0", Origins: []string{origin}},
		}); err == nil {
			t.Errorf("origin %q is taken", origin)
		}
	}
}

func TestBeyondThisMachineEachTillShowsItsOwnToken(t *testing.T) {
	certificate, roots := selfSigned(t)
	server := start(t, &checkout{}, nil, withWeb(func(c *rpc.Config) {
		c.Web.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}))
	client := browser(t)
	client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	url := "https://" + server.WebAddr() + tillv1.CheckoutService_Lookup_FullMethodName
	if err := post(within(t, patience), t, client, url, ownTillToken, lookup("3"), &tillv1.LookupResponse{}); err != nil {
		t.Error(err)
	}
	refused(t, post(within(t, patience), t, client, url, tillToken, lookup("3"), &tillv1.LookupResponse{}), codes.Unauthenticated, rpc.ReasonNoToken)
	if _, err := rpc.NewServer(rpc.Config{
		Address: "127.0.0.1:0", Authenticate: tokens(), Logger: quiet(), Web: &rpc.WebConfig{Address: "0.0.0.0:0"},
	}); !errors.Is(err, rpc.ErrPlainTextBeyondLoopback) {
		t.Errorf("plain text beyond loopback: %v", err)
	}
}

func TestStopLetsCallsOfTheSecondListenerEnd(t *testing.T) {
	work := newBusy()
	server := start(t, work.checkout, nil, withWeb(nil))
	call := ways(t, server, tillToken)["JSON"]
	result := make(chan error, 1)
	go func() {
		_, err := call(within(t, patience), lookup("1"))
		result <- err
	}()
	<-work.entered
	server.stop()
	<-server.Stopping().Done()
	close(work.leave)
	if err := <-result; err != nil {
		t.Errorf("a call that was under way: %v", err)
	}
	if err := <-server.ended; err != nil {
		t.Error(err)
	}
	server.ended <- nil
}
