package tillclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/stamklant/stamklant/api/tillclient"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// heading is what an outbox is when nothing waits.
const heading = "STAMKLANT-OUTBOX-1\n"

// keeping has the client keep receipts in a file.
func keeping(path string) func(*tillclient.Config) {
	return func(c *tillclient.Config) { c.Outbox = path }
}

// record records a receipt and fails the test when it could not be kept.
func record(tb testing.TB, c *tillclient.Client, number string) tillclient.Recorded {
	tb.Helper()
	recorded, err := c.NewSale().Record(context.Background(), receipt(number))
	if err != nil {
		tb.Fatal(err)
	}
	return recorded
}

// hasty does not wait for the acknowledgement.
func hasty(path string) func(*tillclient.Config) {
	return func(c *tillclient.Config) { c.Outbox, c.Timing.Printer = path, time.Nanosecond }
}

func TestAReceiptIsRecorded(t *testing.T) {
	t.Parallel()
	first, second := open(t, "first"), open(t, "second")
	path := filepath.Join(t.TempDir(), "outbox")
	c := client(t, keeping(path), first.address, second.address)
	recorded := record(t, c, "1")
	if recorded.Waiting || recorded.Refused || recorded.Why != nil || recorded.GetPoints() != 47 {
		t.Errorf("recorded %+v", recorded)
	}
	if c.Waiting() != 0 || len(second.numbers()) > 0 {
		t.Errorf("%d wait, the standby has %v", c.Waiting(), second.numbers())
	}
	got := first.received[0]
	if got.GetCaller().GetTill() != "3" || got.GetReceipt().GetReceiptRef() == "" || got.GetStaffLanguage() != "en" {
		t.Errorf("the request is not complete: %v", got)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != heading {
		t.Errorf("the outbox holds %q, %v: want nothing but the heading", text, err)
	}
}

func TestAReceiptWaitsForTheServer(t *testing.T) {
	t.Parallel()
	s := open(t, "first")
	s.stop()
	path := filepath.Join(t.TempDir(), "outbox")
	c := client(t, hasty(path), s.address)
	for i := range 5 {
		recorded := record(t, c, fmt.Sprint(i+1))
		if !recorded.Waiting || recorded.GetReceipt().GetLines()[0] != "Points for this receipt follow later." {
			t.Errorf("receipt %d: %+v", i+1, recorded)
		}
	}
	if c.Waiting() != 5 {
		t.Errorf("%d wait, want 5", c.Waiting())
	}
	s.start(t)
	for range 5 {
		soon(t, s.arrived, "a receipt")
	}
	if got := s.numbers(); !slices.Equal(got, []string{"1", "2", "3", "4", "5"}) {
		t.Errorf("arrived %v, want them in order", got)
	}
}

func TestReceiptsSurviveTheTillBeingSwitchedOff(t *testing.T) {
	t.Parallel()
	s := open(t, "first")
	s.stop()
	path := filepath.Join(t.TempDir(), "outbox")
	off := client(t, hasty(path), s.address)
	for i := range 3 {
		record(t, off, fmt.Sprint(i+1))
	}
	if err := off.Close(); err != nil {
		t.Fatal(err)
	}
	s.start(t)
	on := client(t, keeping(path), s.address)
	if recorded := record(t, on, "4"); recorded.GetPoints() != 47 {
		t.Errorf("recorded %+v", recorded)
	}
	if got := s.numbers(); !slices.Equal(got, []string{"1", "2", "3", "4"}) {
		t.Errorf("arrived %v", got)
	}
}

// TestALostReplyHasTheReceiptSentAgain: the server has it, the till does not know.
func TestALostReplyHasTheReceiptSentAgain(t *testing.T) {
	t.Parallel()
	s := open(t, "first")
	wire := plug(t, s.address)
	c := client(t, func(c *tillclient.Config) {
		keeping(filepath.Join(t.TempDir(), "outbox"))(c)
		c.Timing.Receipt = 200 * time.Millisecond
	}, wire.address)
	soon(t, wire.plugged, "a connection")
	by(t, c.NewSale().Lookup(context.Background(), tillclient.Scanned(card)), "first")
	wire.set(func() { wire.deaf = true })
	results := make(chan tillclient.Recorded, 1)
	go func() {
		recorded, _ := c.NewSale().Record(context.Background(), receipt("1"))
		results <- recorded
	}()
	soon(t, s.arrived, "the receipt")
	wire.set(func() { wire.deaf = false })
	wire.cut()
	if recorded := soon(t, results, "the acknowledgement"); recorded.GetPoints() != 47 {
		t.Errorf("recorded %+v", recorded)
	}
	got := s.numbers()
	if len(got) < 2 || slices.ContainsFunc(got, func(number string) bool { return number != "1" }) {
		t.Errorf("arrived %v, want the same receipt again", got)
	}
	if a, b := s.received[0].GetReceipt(), s.received[1].GetReceipt(); a.GetReceiptRef() != b.GetReceiptRef() {
		t.Error("the receipt was sent with another receipt_ref")
	}
}

func TestTheStandbyTakesReceiptsOnlyAfterTheServerFailed(t *testing.T) {
	t.Parallel()
	first, second := open(t, "first"), open(t, "second")
	c := client(t, func(c *tillclient.Config) {
		keeping(filepath.Join(t.TempDir(), "outbox"))(c)
		c.Timing.Backoff = time.Nanosecond // the server is tried first again at once
	}, first.address, second.address)
	record(t, c, "1")
	first.stop()
	if recorded := record(t, c, "2"); recorded.GetMeta().GetServer() != "second" {
		t.Errorf("recorded %+v", recorded)
	}
	if a, b := first.numbers(), second.numbers(); !slices.Equal(a, []string{"1"}) || !slices.Equal(b, []string{"2"}) {
		t.Errorf("the server has %v, the standby %v", a, b)
	}
}

// TestAReceiptNobodyTakesDoesNotHoldUpTheNext, also not after a restart.
func TestAReceiptNobodyTakesDoesNotHoldUpTheNext(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{codes.InvalidArgument, codes.AlreadyExists} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			s := open(t, "first")
			s.fails = func(r *tillv1.RecordReceiptRequest) error {
				if r.GetReceipt().GetKey().GetReceiptNo() == "bad" {
					return status.Error(code, "no")
				}
				return nil
			}
			path := filepath.Join(t.TempDir(), "outbox")
			told := make(chan string, 10)
			config := func(c *tillclient.Config) {
				keeping(path)(c)
				c.OnRefused = func(r *tillv1.RecordReceiptRequest, err error) {
					told <- r.GetReceipt().GetKey().GetReceiptNo() + " " + status.Code(err).String()
				}
			}
			c := client(t, config, s.address)
			bad := record(t, c, "bad")
			if !bad.Refused || bad.Waiting || status.Code(bad.Why) != code || len(bad.GetReceipt().GetLines()) > 0 {
				t.Errorf("the bad one: %+v", bad)
			}
			if good := record(t, c, "good"); good.GetPoints() != 47 {
				t.Errorf("the next one: %+v", good)
			}
			if got := soon(t, told, "word of the refusal"); got != "bad "+code.String() {
				t.Errorf("told %q", got)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			record(t, client(t, config, s.address), "after")
			if got := s.numbers(); !slices.Equal(got, []string{"bad", "good", "after"}) {
				t.Errorf("arrived %v: what was refused is not sent again", got)
			}
			if kept, err := os.ReadFile(path + ".refused"); err != nil || !bytes.Contains(kept, []byte("bad")) {
				t.Errorf("the refused receipt is not kept: %v", err)
			}
		})
	}
}

// TestWhatMayPassIsTriedAgain: a server that is full, starting or confused today takes the receipt tomorrow.
func TestWhatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := open(t, "first")
	refusals := []codes.Code{codes.ResourceExhausted, codes.Unavailable, codes.FailedPrecondition, codes.Internal, codes.Unauthenticated, codes.Aborted}
	s.fails = func(*tillv1.RecordReceiptRequest) error {
		if len(refusals) == 0 {
			return nil
		}
		code := refusals[0]
		refusals = refusals[1:]
		return status.Error(code, "not now")
	}
	c := client(t, func(c *tillclient.Config) {
		keeping(filepath.Join(t.TempDir(), "outbox"))(c)
		c.Timing.Backoff = time.Millisecond
	}, s.address)
	if recorded := record(t, c, "1"); recorded.GetPoints() != 47 || len(s.numbers()) != 7 {
		t.Errorf("after %d attempts: %+v", len(s.numbers()), recorded)
	}
}

func TestFourHundredReceiptsAfterTheRush(t *testing.T) {
	t.Parallel()
	s := open(t, "first")
	s.stop()
	c := client(t, hasty(filepath.Join(t.TempDir(), "outbox")), s.address)
	for i := range 400 {
		record(t, c, fmt.Sprint(i))
	}
	s.start(t)
	begin := time.Now()
	for i := range 400 {
		if got := soon(t, s.arrived, "a receipt"); got != fmt.Sprint(i) {
			t.Fatalf("receipt %s arrived, want %d", got, i)
		}
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

func TestOneProcessHasTheOutbox(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "outbox")
	config := tillclient.Config{Addresses: []string{nobody(t)}, Till: "3", Outbox: path}
	c, err := tillclient.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := tillclient.Open(config); !errors.Is(err, tillclient.ErrOutboxInUse) {
		t.Errorf("a second client: %v, %v", second, err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	third, err := tillclient.Open(config)
	if err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
	third.Close()
}

func TestRecordWithoutOutbox(t *testing.T) {
	t.Parallel()
	c := client(t, nil, nobody(t))
	if _, err := c.NewSale().Record(context.Background(), receipt("1")); !errors.Is(err, tillclient.ErrNoOutbox) {
		t.Errorf("got %v", err)
	}
	closed := client(t, keeping(filepath.Join(t.TempDir(), "outbox")), nobody(t))
	closed.Close()
	if _, err := closed.NewSale().Record(context.Background(), receipt("1")); !errors.Is(err, tillclient.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestAnotherFileIsNotOverwritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "letter.txt")
	const letter = "Dear customer, thank you for"
	if err := os.WriteFile(path, []byte(letter), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := tillclient.Open(tillclient.Config{Addresses: []string{nobody(t)}, Till: "3", Outbox: path}); err == nil {
		c.Close()
		t.Error("opened a letter as outbox")
	}
	if text, _ := os.ReadFile(path); string(text) != letter {
		t.Errorf("the letter is now %q", text)
	}
}

// waitingFile is an outbox in which three receipts wait, as it stands on disk.
func waitingFile(tb testing.TB) []byte {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "outbox")
	c := client(tb, hasty(path), nobody(tb))
	for i := range 3 {
		record(tb, c, fmt.Sprint(i+1))
	}
	if err := c.Close(); err != nil {
		tb.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// reopened opens a file as outbox and returns how many receipts wait in it, and how many after one more.
func reopened(tb testing.TB, text []byte) (before, after int, err error) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "outbox")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		tb.Fatal(err)
	}
	config := tillclient.Config{
		Addresses: []string{nobody(tb)}, Till: "3", Outbox: path,
		Timing: tillclient.Timing{Printer: time.Nanosecond, Backoff: never},
	}
	c, err := tillclient.Open(config)
	if err != nil {
		return 0, 0, err
	}
	before = c.Waiting()
	if _, err := c.NewSale().Record(context.Background(), receipt("one more")); err != nil {
		tb.Fatal(err)
	}
	if err := c.Close(); err != nil {
		tb.Fatal(err)
	}
	c, err = tillclient.Open(config)
	if err != nil {
		tb.Fatalf("the file it wrote itself: %v", err)
	}
	defer c.Close()
	return before, c.Waiting(), nil
}

// TestPowerCutWhileWriting cuts the file at every length: whole receipts are kept, the rest is cut off, and the next is kept too.
func TestPowerCutWhileWriting(t *testing.T) {
	t.Parallel()
	whole := waitingFile(t)
	ends := []int{len(heading)} // where records end
	for at := len(heading); at < len(whole); {
		at += 9 + int(whole[at+1])<<24 + int(whole[at+2])<<16 + int(whole[at+3])<<8 + int(whole[at+4])
		ends = append(ends, at)
	}
	if len(ends) != 4 {
		t.Fatalf("%d records, want 3", len(ends)-1)
	}
	for length := range len(whole) + 1 {
		if length > len(heading)+40 && length%7 != 0 && !slices.Contains(ends, length) {
			continue // every length would be many fsyncs
		}
		want := 0
		for _, end := range ends[1:] {
			if length >= end {
				want++
			}
		}
		before, after, err := reopened(t, whole[:length])
		if err != nil || before != want || after != want+1 {
			t.Errorf("cut at %d of %d: %d receipts wait, %d with one more, %v; want %d", length, len(whole), before, after, err, want)
		}
	}
}

func TestWhatIsCutOffIsKept(t *testing.T) {
	t.Parallel()
	whole := waitingFile(t)
	whole[len(whole)-1] ^= 1
	folder := t.TempDir()
	path := filepath.Join(folder, "outbox")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	c := client(t, keeping(path), nobody(t))
	if c.Waiting() != 2 {
		t.Errorf("%d wait, want 2", c.Waiting())
	}
	files, err := filepath.Glob(path + ".cut-off-at-*")
	if err != nil || len(files) != 1 || !strings.HasPrefix(files[0], folder) {
		t.Errorf("files %v, %v", files, err)
	}
}

// FuzzOutbox opens any file: it never panics, never takes a file that is something else, and always keeps the next receipt.
func FuzzOutbox(f *testing.F) {
	whole := waitingFile(f)
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte(heading))
	f.Add([]byte(heading + "A\x00\x00\x00\x00"))
	f.Add([]byte(heading + "R\xff\xff\xff\xff"))
	f.Add([]byte("STAM"))
	f.Add([]byte("something else, longer than the heading"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "outbox")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		before, err := tillclient.AddToOutbox(path, []byte("a receipt"))
		if err != nil {
			if strings.HasPrefix(string(text), heading) {
				t.Errorf("an outbox is refused: %v", err)
			}
			return
		}
		if after, err := tillclient.AddToOutbox(path, []byte("another")); err != nil || after != before+1 {
			t.Errorf("%d receipts waited, then %d, %v", before, after, err)
		}
	})
}
