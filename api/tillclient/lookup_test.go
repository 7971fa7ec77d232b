package tillclient_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/stamklant/stamklant/api/tillclient"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

var card = []byte("2900123456785")

// by fails the test unless the answer came from the server, or from nobody for "".
func by(tb testing.TB, answer tillclient.Answer, server string) {
	tb.Helper()
	if got := answer.GetMeta().GetServer(); got != server || answer.Offline != (server == "") {
		tb.Errorf("answered by %q (offline %v, %v), want %q", got, answer.Offline, answer.Why, server)
	}
}

func TestTheServerAnswers(t *testing.T) {
	t.Parallel()
	first, second := open(t, "first"), open(t, "second")
	c := client(t, func(c *tillclient.Config) { c.Abilities = &tillv1.Abilities{DisplayLines: 2} }, first.address, second.address)
	sale := c.NewSale()
	answer := sale.Lookup(context.Background(), tillclient.Scanned(card))
	by(t, answer, "first")
	if answer.Server != first.address || answer.Why != nil {
		t.Errorf("server %q, why %v", answer.Server, answer.Why)
	}
	got := <-first.lookups
	if got.GetCaller().GetTill() != "3" || got.GetCaller().GetStore() != "s01" || got.GetReceiptRef() != sale.Ref() || sale.Ref() == "" ||
		got.GetAbilities().GetDisplayLines() != 2 || got.GetStaffLanguage() != "en" || string(got.GetIdentifier().GetRaw()) != string(card) {
		t.Errorf("the request is not complete: %v", got)
	}
	if token := (<-first.headers).Get("authorization"); len(token) != 1 || token[0] != "Bearer a-till" {
		t.Errorf("authorization %q", token)
	}
	if len(second.lookups) > 0 {
		t.Error("the standby was asked for nothing")
	}
	if other := c.NewSale(); other.Ref() == sale.Ref() || c.ResumeSale(sale.Ref()).Ref() != sale.Ref() {
		t.Error("a sale is known by its receipt_ref")
	}
}

func TestARequestIsNotChanged(t *testing.T) {
	t.Parallel()
	s := open(t, "first")
	request := tillclient.Keyed("06-12345678")
	request.Caller = &tillv1.Caller{Operator: "7"}
	client(t, nil, s.address).NewSale().Lookup(context.Background(), request)
	if got := <-s.lookups; got.GetCaller().GetOperator() != "7" || got.GetCaller().GetTill() != "3" {
		t.Errorf("caller %v", got.GetCaller())
	}
	if request.GetReceiptRef() != "" || request.GetCaller().GetTill() != "" {
		t.Errorf("the till's own request was changed: %v", request)
	}
}

func TestTheStandbyIsAskedWhenTheServerTakesLong(t *testing.T) {
	t.Parallel()
	first, second := open(t, "first"), open(t, "second")
	first.set(func() { first.deaf = true })
	c := client(t, func(c *tillclient.Config) { c.Timing.Hedge = time.Millisecond }, first.address, second.address)
	answer := c.NewSale().Lookup(context.Background(), tillclient.Scanned(card))
	by(t, answer, "second")
	if answer.Took > patience/2 {
		t.Errorf("the till waited %v", answer.Took)
	}
}

func TestTheStandbyIsAskedWhenTheConnectionFails(t *testing.T) {
	t.Parallel()
	second := open(t, "second")
	c := client(t, nil, nobody(t), second.address) // never hedges
	by(t, c.NewSale().Lookup(context.Background(), tillclient.Scanned(card)), "second")
}

func TestTheCableIsPulledDuringALookup(t *testing.T) {
	t.Parallel()
	first, second := open(t, "first"), open(t, "second")
	first.set(func() { first.deaf = true })
	wire := plug(t, first.address)
	c := client(t, nil, wire.address, second.address)
	answers := make(chan tillclient.Answer, 1)
	go func() { answers <- c.NewSale().Lookup(context.Background(), tillclient.Scanned(card)) }()
	soon(t, first.lookups, "lookup at the first server")
	wire.cut()
	by(t, soon(t, answers, "answer"), "second")
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		addresses []string
	}{
		{"no server runs", []string{closed(t), closed(t)}},
		{"connections end at once", []string{nobody(t), nobody(t)}},
		{"a server that takes the connection and says nothing", []string{blackHole(t)}},
		{"both say nothing", []string{blackHole(t), blackHole(t)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, func(c *tillclient.Config) { c.Timing = tillclient.Timing{} }, tc.addresses...)
			answer := c.NewSale().Lookup(context.Background(), tillclient.Scanned(card))
			by(t, answer, "")
			if answer.Took > time.Second || answer.Why == nil { // 150 ms, and what a busy machine adds
				t.Errorf("the till waited %v: %v", answer.Took, answer.Why)
			}
			if got := strings.Join(answer.GetCustomerDisplay().GetLines(), "|"); got != "Your points|follow later" {
				t.Errorf("the display shows %q", got)
			}
		})
	}
}

func TestTextsMadeHereFit(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"nl", "fr", "de", "en", "nl-BE", "FR", "xx", ""} {
		c := client(t, func(c *tillclient.Config) { c.Language = language }, nobody(t))
		answer := c.NewSale().Lookup(context.Background(), tillclient.Scanned(card))
		for _, block := range []struct {
			text   *tillv1.TextBlock
			lines  int
			length int
		}{{answer.GetStaff(), 2, 40}, {answer.GetCustomerDisplay(), 2, 20}, {answer.GetReceipt(), 4, 42}} {
			if n := len(block.text.GetLines()); n < 1 || n > block.lines || block.text.GetLanguage() == "" {
				t.Errorf("%q: %v", language, block.text)
			}
			for _, line := range block.text.GetLines() {
				if n := utf8.RuneCountInString(line); n == 0 || n > block.length {
					t.Errorf("%q: %q has %d characters, %d fit", language, line, n, block.length)
				}
			}
		}
	}
}

func TestTheTillGivesUpFirst(t *testing.T) {
	t.Parallel()
	s := open(t, "first")
	s.set(func() { s.deaf = true })
	c := client(t, nil, s.address)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-s.lookups
		cancel()
	}()
	answer := c.NewSale().Lookup(ctx, tillclient.Scanned(card))
	by(t, answer, "")
	if !errors.Is(answer.Why, context.Canceled) {
		t.Errorf("why: %v", answer.Why)
	}
}

// TestASlowServerCostsASaleTwoTimeouts: two lookups run out of time, the third of this sale does not ask; a later sale asks once; once the
// server answers it is asked as before.
func TestASlowServerCostsASaleTwoTimeouts(t *testing.T) {
	t.Parallel()
	s := open(t, "first")
	c := client(t, func(c *tillclient.Config) { c.Timing.Lookup = 300 * time.Millisecond }, s.address)
	by(t, c.NewSale().Lookup(context.Background(), tillclient.Scanned(card)), "first") // connected
	<-s.lookups
	s.set(func() { s.deaf = true })
	sale := c.NewSale()
	for range 4 {
		answer := sale.Lookup(context.Background(), tillclient.Scanned(card))
		by(t, answer, "")
	}
	if got := len(s.lookups); got != 2 {
		t.Errorf("the slow server was asked %d times in a sale, want 2", got)
	}
	if answer := sale.Lookup(context.Background(), tillclient.Scanned(card)); answer.Took > 100*time.Millisecond {
		t.Errorf("a sale that knows better waited %v", answer.Took)
	}
	later := c.NewSale()
	for range 3 {
		by(t, later.Lookup(context.Background(), tillclient.Scanned(card)), "")
	}
	if got := len(s.lookups); got != 3 {
		t.Errorf("a later sale asked %d times, want once", got-2)
	}
	s.set(func() { s.deaf = false })
	by(t, later.Lookup(context.Background(), tillclient.Scanned(card)), "")
	again := c.NewSale()
	for range 3 {
		by(t, again.Lookup(context.Background(), tillclient.Scanned(card)), "first")
	}
}

// TestASlowServerIsFoundOutThoughTheStandbyAnswers: each lookup is answered by the standby in time; after two of them the till no longer
// waits for the server at all.
func TestASlowServerIsFoundOutThoughTheStandbyAnswers(t *testing.T) {
	t.Parallel()
	first, second := open(t, "first"), open(t, "second")
	first.set(func() { first.deaf = true })
	c := client(t, func(c *tillclient.Config) {
		c.Timing.Lookup, c.Timing.Hedge = 300*time.Millisecond, time.Millisecond
	}, first.address, second.address)
	sale := c.NewSale()
	for deadline := time.Now().Add(patience); ; {
		answer := sale.Lookup(context.Background(), tillclient.Scanned(card))
		by(t, answer, "second")
		<-second.lookups
		select {
		case <-first.lookups:
		case <-time.After(50 * time.Millisecond): // it was not asked: the till knows
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the slow server is asked for ever")
		}
	}
}

func TestARequestThatIsWrongIsNotTriedElsewhere(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		code  codes.Code
		asked int
		by    string
	}{
		{codes.InvalidArgument, 0, ""},
		{codes.FailedPrecondition, 1, "second"}, // no release yet: the standby may have one
		{codes.ResourceExhausted, 1, "second"},
		{codes.Internal, 1, "second"},
	} {
		t.Run(tc.code.String(), func(t *testing.T) {
			t.Parallel()
			first, second := open(t, "first"), open(t, "second")
			first.set(func() { first.refuses = status.Error(tc.code, "no") })
			answer := client(t, nil, first.address, second.address).NewSale().Lookup(context.Background(), tillclient.Scanned(card))
			by(t, answer, tc.by)
			if len(second.lookups) != tc.asked {
				t.Errorf("the standby was asked %d times, want %d", len(second.lookups), tc.asked)
			}
			if tc.by == "" && status.Code(answer.Why) != tc.code {
				t.Errorf("why: %v, want %v", answer.Why, tc.code)
			}
		})
	}
}

// TestBackWithinThreeSeconds stops the server, starts it again, and waits for the till to notice.
func TestBackWithinThreeSeconds(t *testing.T) {
	t.Parallel()
	s := open(t, "first")
	c := client(t, func(c *tillclient.Config) { c.Timing.Backoff = 0 }, s.address) // two seconds
	by(t, c.NewSale().Lookup(context.Background(), tillclient.Scanned(card)), "first")
	s.stop()
	by(t, c.NewSale().Lookup(context.Background(), tillclient.Scanned(card)), "")
	s.start(t)
	begin := time.Now()
	if err := c.Connect(context.Background()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("the till came back after %v", took)
	}
	by(t, c.NewSale().Lookup(context.Background(), tillclient.Scanned(card)), "first")
}

func TestConnect(t *testing.T) {
	t.Parallel()
	s := open(t, "second")
	if err := client(t, nil, nobody(t), s.address).Connect(context.Background()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	lonely := client(t, nil, nobody(t))
	if err := lonely.Connect(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with nobody there: %v", err)
	}
	result := make(chan error, 1)
	go func() { result <- lonely.Connect(context.Background()) }()
	lonely.Close()
	if err := soon(t, result, "the end of Connect"); !errors.Is(err, tillclient.ErrClosed) {
		t.Errorf("while closing: %v", err)
	}
	if err := lonely.Connect(context.Background()); !errors.Is(err, tillclient.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := open(t, "second")
	got, err := client(t, nil, nobody(t), s.address).Status(context.Background())
	if err != nil || got.GetStore() != "second" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := client(t, nil, nobody(t)).Status(context.Background()); status.Code(err) != codes.Unavailable {
		t.Errorf("with nobody there: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		config tillclient.Config
		want   error
	}{
		{"no address", tillclient.Config{Till: "1"}, nil},
		{"three addresses", tillclient.Config{Till: "1", Addresses: []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}}, nil},
		{"no till", tillclient.Config{Addresses: []string{"127.0.0.1:1"}}, nil},
		{"no port", tillclient.Config{Till: "1", Addresses: []string{"127.0.0.1"}}, nil},
		{"plain text to elsewhere", tillclient.Config{Till: "1", Addresses: []string{"192.168.1.2:7400"}}, tillclient.ErrPlainTextBeyondLoopback},
		{"plain text to a name", tillclient.Config{Till: "1", Addresses: []string{"store.example:7400"}}, tillclient.ErrPlainTextBeyondLoopback},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := tillclient.Open(tc.config)
			if err == nil {
				c.Close()
				t.Fatal("opened")
			}
			if tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	s := open(t, "first")
	s.set(func() { s.deaf = true })
	c := client(t, nil, s.address)
	sale := c.NewSale()
	answers := make(chan tillclient.Answer, 1)
	go func() { answers <- sale.Lookup(context.Background(), tillclient.Scanned(card)) }()
	soon(t, s.lookups, "lookup")
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	by(t, soon(t, answers, "answer"), "")
	if answer := sale.Lookup(context.Background(), tillclient.Scanned(card)); !errors.Is(answer.Why, tillclient.ErrClosed) {
		t.Errorf("after Close: %v", answer.Why)
	}
}
