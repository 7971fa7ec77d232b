package rpc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/rpc"
)

// fetch is a valid request of a server.
func fetch() *syncv1.FetchRequest {
	return &syncv1.FetchRequest{ServerId: "server-1", Path: "keyset.skm"}
}

func TestAPanicEndsTheCallAlone(t *testing.T) {
	explode := true
	server := start(t, &checkout{lookup: func(context.Context, *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
		if explode {
			panic("index out of range")
		}
		return &tillv1.LookupResponse{}, nil
	}}, &syncing{fetch: func(*syncv1.FetchRequest, grpc.ServerStreamingServer[syncv1.FetchResponse]) error {
		panic("a page is gone")
	}}, nil)
	client := server.till(t)
	_, err := client.Lookup(within(t, patience), lookup("1"))
	refused(t, err, codes.Internal, rpc.ReasonInternal)
	stream, err := syncv1.NewSyncServiceClient(server.dial(t, syncToken)).Fetch(within(t, patience), fetch())
	if err == nil {
		_, err = stream.Recv()
	}
	refused(t, err, codes.Internal, rpc.ReasonInternal)
	if strings.Contains(err.Error(), "page") {
		t.Errorf("the caller learns %v", err)
	}
	explode = false
	if _, err := client.Lookup(within(t, patience), lookup("1")); err != nil {
		t.Errorf("the next lookup: %v", err)
	}
	if got := server.page(t, "/metrics"); !strings.Contains(got, "stamklant_panics_total 2\n") {
		t.Error("two panics are not counted")
	}
	if log := server.log.String(); !strings.Contains(log, "index out of range") || !strings.Contains(log, "serve_test.go") {
		t.Errorf("the log does not say where it panicked:\n%s", log)
	}
}

// page reads a page of the second listener.
func (r *running) page(tb testing.TB, path string) string {
	tb.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(within(tb, patience), http.MethodGet, "http://"+r.MetricsAddr()+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf("%d %s", response.StatusCode, text)
}

func TestErrorsOfOursStayHere(t *testing.T) {
	var fails error
	server := start(t, &checkout{lookup: func(context.Context, *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
		return nil, fails
	}}, nil, nil)
	client := server.till(t)
	refusal := rpc.Refuse(codes.FailedPrecondition, "NO_RELEASE", "no release yet")
	for _, tc := range []struct {
		name  string
		fails error
		code  codes.Code
		text  string
		logs  bool
	}{
		{"an error of the disk", errors.New("/var/lib/stamklant: input/output error"), codes.Internal, "", true},
		{"a refusal", refusal, codes.FailedPrecondition, "no release yet", false},
		{"a refusal with more around it", fmt.Errorf("/var/lib/stamklant: %w", refusal), codes.FailedPrecondition, "no release yet", false},
		{"no time left", fmt.Errorf("/var/lib/stamklant: %w", context.DeadlineExceeded), codes.DeadlineExceeded, "", false},
		{"called off", fmt.Errorf("/var/lib/stamklant: %w", context.Canceled), codes.Canceled, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fails = tc.fails
			_, err := client.Lookup(within(t, patience), lookup("1"))
			if status.Code(err) != tc.code || strings.Contains(err.Error(), "/var") || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v, want %v with %q and nothing of ours", err, tc.code, tc.text)
			}
			if tc.logs != strings.Contains(server.log.String(), "input/output error") && tc.logs {
				t.Errorf("the log does not have it:\n%s", server.log)
			}
		})
	}
}

func TestLog(t *testing.T) {
	answer := error(nil)
	server := start(t, &checkout{lookup: func(context.Context, *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
		return &tillv1.LookupResponse{}, answer
	}}, nil, limited(func(l *rpc.Limits) {
		l.LogEvery, l.LogPerSecond = 10, 3
	}))
	client := server.till(t)
	call := func() { _, _ = client.Lookup(within(t, patience), lookup("9")) }
	for range 9 {
		call()
	}
	if log := server.log.String(); strings.Contains(log, "msg=call") {
		t.Errorf("uneventful calls are logged:\n%s", log)
	}
	call()
	if log := server.log.String(); strings.Count(log, "msg=call") != 1 || !strings.Contains(log, "till=9 request_id=r-1") {
		t.Errorf("the tenth call is not logged:\n%s", log)
	}
	answer = rpc.Refuse(codes.FailedPrecondition, "NO_RELEASE", "no release yet")
	for range 30 {
		call()
	}
	if got := strings.Count(server.log.String(), "msg=call"); got > 10 {
		t.Errorf("%d lines of 30 failures, want 3 a second", got)
	}
	if strings.Contains(server.log.String(), "2900123456785") || strings.Contains(server.log.String(), tillToken) {
		t.Errorf("the log holds a card or a token:\n%s", server.log)
	}
}

func TestSlowCallsAreLogged(t *testing.T) {
	ticks := make(chan time.Time, 100)
	begin := time.Date(2027, 1, 5, 10, 0, 0, 0, time.UTC)
	for i := range cap(ticks) {
		ticks <- begin.Add(time.Duration(i) * 60 * time.Millisecond) // every look at the clock is 60 ms later
	}
	server := start(t, &checkout{}, nil, func(c *rpc.Config) { c.Now = func() time.Time { return <-ticks } })
	if _, err := server.till(t).Lookup(within(t, patience), lookup("1")); err != nil {
		t.Fatal(err)
	}
	if log := server.log.String(); !strings.Contains(log, "level=WARN msg=call method="+tillv1.CheckoutService_Lookup_FullMethodName) {
		t.Errorf("a slow lookup is not logged:\n%s", log)
	}
}

func TestMetricsAndHealth(t *testing.T) {
	server := start(t, &checkout{}, nil, nil)
	health := grpc_health_v1.NewHealthClient(server.dial(t, ""))
	check := func(service string, want grpc_health_v1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		got, err := health.Check(within(t, patience), &grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil || got.GetStatus() != want {
			t.Errorf("health of %q: %v, %v, want %v", service, got.GetStatus(), err, want)
		}
	}
	check("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	if got := server.page(t, "/healthz"); got != "503 NOT_SERVING\n" {
		t.Errorf("/healthz: %q", got)
	}
	server.SetServing(true)
	check("", grpc_health_v1.HealthCheckResponse_SERVING)
	check("stamklant.till.v1.CheckoutService", grpc_health_v1.HealthCheckResponse_SERVING)
	if got := server.page(t, "/healthz"); got != "200 SERVING\n" {
		t.Errorf("/healthz: %q", got)
	}
	if _, err := server.till(t).Lookup(within(t, patience), lookup("1")); err != nil {
		t.Fatal(err)
	}
	metrics := server.page(t, "/metrics")
	for _, want := range []string{
		`grpc_server_handled_total{grpc_code="OK",grpc_method="Lookup",grpc_service="stamklant.till.v1.CheckoutService",grpc_type="unary"} 1`,
		`grpc_server_handling_seconds_bucket{grpc_method="Lookup",grpc_service="stamklant.till.v1.CheckoutService",grpc_type="unary",le="0.15"} 1`,
		`le="5e-05"`,
		`grpc_server_handled_total{grpc_code="OK",grpc_method="RecordReceipt",grpc_service="stamklant.till.v1.CheckoutService",grpc_type="unary"} 0`,
		"stamklant_panics_total 0", "go_goroutines", "process_open_fds",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics do not hold %s", want)
		}
	}
}

func TestStopLetsCallsEnd(t *testing.T) {
	work := newBusy()
	server := start(t, work.checkout, nil, nil)
	server.SetServing(true)
	client := server.till(t)
	watch, err := grpc_health_v1.NewHealthClient(server.dial(t, "")).Watch(within(t, patience), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := watch.Recv(); err != nil || first.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Fatalf("watch: %v, %v", first, err)
	}
	result := make(chan error, 1)
	go func() {
		_, err := client.Lookup(within(t, patience), lookup("1"))
		result <- err
	}()
	<-work.entered
	server.stop()
	<-server.Stopping().Done()
	for { // the watcher is told, and let go
		update, err := watch.Recv()
		if err != nil {
			break
		}
		if update.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
			t.Errorf("a watcher is told %v", update.GetStatus())
		}
	}
	if server.Serving() {
		t.Error("still serving")
	}
	close(work.leave)
	if err := <-result; err != nil {
		t.Errorf("a lookup that was under way: %v", err)
	}
	if err := <-server.ended; err != nil {
		t.Error(err)
	}
	server.ended <- nil
	if _, err := client.Lookup(within(t, patience), lookup("1")); status.Code(err) != codes.Unavailable {
		t.Errorf("a lookup after the end: %v", err)
	}
}

func TestStopCutsOffCallsThatDoNotEnd(t *testing.T) {
	work := newBusy() // never let go; it obeys its context
	server := start(t, work.checkout, nil, limited(func(l *rpc.Limits) { l.Drain = time.Millisecond }))
	result := make(chan error, 1)
	go func() {
		_, err := server.till(t).Lookup(within(t, patience), lookup("1"))
		result <- err
	}()
	<-work.entered
	server.stop()
	if err := <-result; status.Code(err) != codes.Unavailable && status.Code(err) != codes.Canceled {
		t.Errorf("the call that was cut off: %v", err)
	}
	if err := <-server.ended; err != nil {
		t.Error(err)
	}
	server.ended <- nil
}

func TestHandlersThatNeverEndAreTold(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	server := start(t, &checkout{lookup: func(context.Context, *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
		close(entered)
		<-leave // deaf to its context
		return &tillv1.LookupResponse{}, nil
	}}, nil, limited(func(l *rpc.Limits) { l.Drain, l.DrainHandlers = time.Millisecond, time.Millisecond }))
	client := server.till(t)
	result := make(chan error, 1)
	go func() {
		_, err := client.Lookup(within(t, patience), lookup("1"))
		result <- err
	}()
	<-entered
	server.stop()
	if err := <-server.ended; !errors.Is(err, rpc.ErrHandlersLeft) {
		t.Errorf("got %v, want ErrHandlersLeft: somebody would close the files", err)
	}
	close(leave)
	<-result
	server.ended <- nil
}

func TestPlainTextStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		address string
		stays   bool
	}{
		{"127.0.0.1:0", true},
		{"127.8.9.1:0", true},
		{"[::1]:0", true},
		{"localhost:0", true},
		{"0.0.0.0:0", false},
		{":0", false},
		{"192.168.1.10:7000", false},
		{"till.example:7000", false},
		{"localhost.example:7000", false},
	} {
		t.Run(tc.address, func(t *testing.T) {
			t.Parallel()
			config := rpc.Config{Address: tc.address, Authenticate: tokens(), Logger: quiet()}
			server, err := rpc.NewServer(config)
			if err == nil {
				defer server.Close()
			}
			if got := !errors.Is(err, rpc.ErrPlainTextBeyondLoopback); got != tc.stays {
				t.Errorf("listening: %v", err)
			}
			config.Address, config.MetricsAddress, config.TLS = "127.0.0.1:0", tc.address, &tls.Config{MinVersion: tls.VersionTLS12}
			second, err := rpc.NewServer(config)
			if err == nil {
				defer second.Close()
			}
			if got := !errors.Is(err, rpc.ErrPlainTextBeyondLoopback); got != tc.stays {
				t.Errorf("metrics: %v", err)
			}
			conn, err := rpc.Dial(tc.address, rpc.DialConfig{Token: tillToken})
			if got := !errors.Is(err, rpc.ErrPlainTextBeyondLoopback); got != tc.stays {
				t.Errorf("dialling: %v", err)
			}
			if conn != nil {
				conn.Close()
			}
		})
	}
}

func TestTLS(t *testing.T) {
	certificate, roots := selfSigned(t)
	server := start(t, &checkout{}, nil, func(c *rpc.Config) {
		c.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	})
	conn, err := rpc.Dial(server.Addr(), rpc.DialConfig{Token: tillToken, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := tillv1.NewCheckoutServiceClient(conn).Lookup(within(t, patience), lookup("1")); err != nil {
		t.Error(err)
	}
	if _, err := server.till(t).Lookup(within(t, patience), lookup("1")); status.Code(err) != codes.Unavailable {
		t.Errorf("plain text to a TLS listener: %v", err)
	}
}

// selfSigned makes a certificate for 127.0.0.1.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// TestPathsWithoutSlash sends raw frames: a path that does not begin with a slash once slipped past rules written for paths that do.
func TestPathsWithoutSlash(t *testing.T) {
	reached := make(chan struct{}, 1)
	server := start(t, &checkout{lookup: func(context.Context, *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
		reached <- struct{}{}
		return &tillv1.LookupResponse{}, nil
	}}, nil, nil)
	for _, path := range []string{
		strings.TrimPrefix(tillv1.CheckoutService_Lookup_FullMethodName, "/"),
		"/" + tillv1.CheckoutService_Lookup_FullMethodName,
		tillv1.CheckoutService_Lookup_FullMethodName + "/",
		"*", "/", "",
	} {
		if got := rawStatus(t, server.Addr(), path); got == "0" || got == "" && path != "" {
			t.Errorf("path %q is answered with grpc-status %q", path, got)
		}
	}
	select {
	case <-reached:
		t.Error("a call got through")
	default:
	}
	if got := rawStatus(t, server.Addr(), tillv1.CheckoutService_Lookup_FullMethodName); got != "16" { // UNAUTHENTICATED: no token was sent
		t.Errorf("the right path is answered with %q", got)
	}
}

// rawStatus calls a path with an empty message by raw HTTP/2 frames and returns the grpc-status, or how the stream or connection ended.
func rawStatus(t *testing.T, address, path string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var block strings.Builder
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", path},
		{":authority", "store"},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
	} {
		if err := encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			t.Fatal(err)
		}
	}
	_ = framer.WriteSettings()
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(block.String()), EndHeaders: true})
	_ = framer.WriteData(1, true, make([]byte, 5))
	for {
		frame, err := framer.ReadFrame()
		switch f := frame.(type) {
		case nil:
			return err.Error()
		case *http2.RSTStreamFrame:
			return f.ErrCode.String()
		case *http2.GoAwayFrame:
			return f.ErrCode.String()
		case *http2.MetaHeadersFrame:
			for _, field := range f.Fields {
				if field.Name == "grpc-status" {
					return field.Value
				}
			}
			if f.StreamEnded() {
				return "no status"
			}
		}
	}
}
