package main_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// The real programs, as `make build` makes them; built here when it has not.
var programs = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("STAMKLANT_BIN"); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "stamklant-bin-")
	if err != nil {
		return "", err
	}
	for _, name := range []string{"stamklant-store", "stamklant-office", "stamklant-till", "stamklant-demo"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, name), "../"+name)
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	built = dir
	return dir, nil
})

// built is the folder of programs that were built here, to be removed.
var built string

func TestMain(m *testing.M) {
	code := m.Run()
	for _, leak := range overheard.leaks() {
		fmt.Println(leak)
		code = 1
	}
	printScenarios(os.Stdout)
	for _, dir := range []string{built, gardenHome} {
		if dir != "" {
			os.RemoveAll(dir)
		}
	}
	os.Exit(code)
}

// command prepares a program.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { note(t) })
	return exec.Command(filepath.Join(dir, name), args...)
}

// run runs a program to its end, outside of any test.
func run(dir, name string, args ...string) (string, error) {
	out, err := exec.Command(filepath.Join(dir, name), args...).CombinedOutput()
	return string(out), err
}

// office runs a command of head office to its end and returns what it printed; it fails the test unless it exits with the code wanted.
func office(t *testing.T, home string, code int, args ...string) string {
	t.Helper()
	out, got := try(t, "stamklant-office", append([]string{"--data", home}, args...)...)
	if got != code {
		t.Fatalf("stamklant-office %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, out)
	}
	return out
}

func try(t *testing.T, name string, args ...string) (string, int) {
	t.Helper()
	out, err := command(t, name, args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		return string(out), exit.ExitCode()
	}
	return string(out), 0
}

// process is a running server.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string
	done chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

var answersAt = regexp.MustCompile(`answers (?:tills )?at ([0-9.]+:[0-9]+)`)

// start starts a server and returns once it says where it answers. It is killed when the test ends.
func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return startIn(t, "", name, args...)
}

// startIn is start in a folder.
func startIn(t *testing.T, dir, name string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: command(t, name, args...), done: make(chan struct{})}
	p.cmd.Dir = dir
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = io.MultiWriter(writerFunc(p.keep), overheard.log(t))
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			_, _ = p.keep(append(lines.Bytes(), '\n'))
			if m := answersAt.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case ready <- m[1]:
				default:
				}
			}
		}
		_ = p.cmd.Wait() // the exit code of a killed server tells nothing
	}()
	t.Cleanup(p.kill)
	select {
	case p.addr = <-ready:
	case <-p.done:
		t.Fatalf("%s ended at once:\n%s", name, p.text())
	case <-time.After(30 * time.Second):
		t.Fatalf("%s does not say where it answers:\n%s", name, p.text())
	}
	return p
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (p *process) keep(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

// text is all the process has said.
func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
}

// stop ends the process as a service manager would.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("does not stop:\n%s", p.text())
	}
}

// till calls a store as a till does.
type till struct {
	tillv1.CheckoutServiceClient
	t     *testing.T
	store string
	code  string
}

func newTill(t *testing.T, addr, data, store, code string) *till {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(data, "till.token"))
	if err != nil {
		t.Fatal(err)
	}
	return newTillWith(t, addr, strings.TrimSpace(string(token)), store, code)
}

func newTillWith(t *testing.T, addr, token, store, code string) *till {
	t.Helper()
	overheard.secret(token)
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			if message, ok := req.(proto.Message); ok {
				overheard.tell(message)
			}
			return invoker(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), method, req, reply, cc, opts...)
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &till{CheckoutServiceClient: tillv1.NewCheckoutServiceClient(conn), t: t, store: store, code: code}
}

func (c *till) caller() *tillv1.Caller { return &tillv1.Caller{Till: c.code, Store: c.store} }

// card looks a card up and fails the test when the call does.
func (c *till) card(number string) *tillv1.LookupResponse {
	c.t.Helper()
	answer, err := c.Lookup(c.t.Context(), c.lookup(number))
	if err != nil {
		c.t.Fatalf("lookup: %v", err)
	}
	return answer
}

func (c *till) lookup(number string) *tillv1.LookupRequest {
	return &tillv1.LookupRequest{
		Caller: c.caller(), Stage: tillv1.Stage_STAGE_START,
		Customer: &tillv1.LookupRequest_Identifier{Identifier: scanned(number)},
	}
}

func scanned(number string) *tillv1.Identifier {
	return &tillv1.Identifier{Value: &tillv1.Identifier_Text{Text: number}}
}

// sale is a receipt of one line.
func (c *till) sale(number, receiptNo string, minor int64, currency string) *tillv1.RecordReceiptRequest {
	return &tillv1.RecordReceiptRequest{
		Caller: c.caller(), Customer: &tillv1.RecordReceiptRequest_Identifier{Identifier: scanned(number)},
		Receipt: &outcomev1.Receipt{
			Key:  &outcomev1.ReceiptKey{Store: c.store, Till: c.code, BusinessDate: time.Now().Format(time.DateOnly), ReceiptNo: receiptNo},
			Kind: outcomev1.ReceiptKind_RECEIPT_KIND_SALE, Currency: currency, TotalMinor: minor,
			Lines:   []*outcomev1.Line{{No: 1, Sku: "4501001", Group: "45010", QuantityMilli: 1000, NetMinor: minor}},
			Tenders: []*outcomev1.Tender{{Kind: outcomev1.TenderKind_TENDER_KIND_CARD, AmountMinor: minor}},
		},
	}
}

func (c *till) record(request *tillv1.RecordReceiptRequest) *tillv1.RecordReceiptResponse {
	c.t.Helper()
	answer, err := c.RecordReceipt(c.t.Context(), request)
	if err != nil {
		c.t.Fatalf("record receipt: %v", err)
	}
	return answer
}

// status asks how the server is.
func (c *till) status() *tillv1.GetStatusResponse {
	c.t.Helper()
	answer, err := c.GetStatus(c.t.Context(), &tillv1.GetStatusRequest{Caller: c.caller()})
	if err != nil {
		c.t.Fatalf("status: %v", err)
	}
	return answer
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	every := time.NewTicker(200 * time.Millisecond) // a till asks for the status ten times a second at most
	defer every.Stop()
	limit := time.After(60 * time.Second)
	for !holds() {
		select {
		case <-every.C:
		case <-limit:
			t.Fatalf("within a minute: %s", what)
		}
	}
}

// write writes a file of a test.
func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shared is a file of the real data, or skips the test naming what is missing.
func shared(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "data", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("real data is not here: shared/data/%s", name)
	}
	return path
}
