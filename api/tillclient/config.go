package tillclient

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

var (
	// ErrPlainTextBeyondLoopback is returned when a server elsewhere would be called without TLS.
	ErrPlainTextBeyondLoopback = errors.New("plain text is for this machine alone")
	// ErrNoOutbox is returned by Record when the client was opened without a place to keep receipts.
	ErrNoOutbox = errors.New("no outbox: name a file in Config.Outbox")
	// ErrOutboxInUse is returned by Open when another process has the outbox.
	ErrOutboxInUse = errors.New("outbox is in use by another process")
	// ErrOutboxFull is returned by Record when more receipts wait than the outbox holds. Something has been wrong for days.
	ErrOutboxFull = errors.New("outbox is full")
	// ErrClosed is returned when the client was closed.
	ErrClosed = errors.New("the client is closed")
)

// Config says which servers to call and who calls.
type Config struct {
	// Addresses are the server and, when there is one, its standby, as host:port. One or two.
	Addresses []string
	// Token is the till's bearer token.
	Token string
	// TLS secures the connections. Nil is plain text, which only goes to loopback addresses.
	TLS *tls.Config
	// Store is the store's code, as the till has it configured; a server of another store refuses.
	Store string
	// Till is the till's code within the store. Required.
	Till string
	// Language is that of the cashier, and of texts made here: nl, fr, de or en. Empty means the store's first, and nl for texts made here.
	Language string
	// Abilities are what the till can do; nil means nothing but texts.
	Abilities *tillv1.Abilities
	// Outbox is the file in which receipts wait. One process has it at a time. It holds card numbers: keep it where only the till's
	// software reads. Empty for a till that only looks up.
	Outbox string
	// OnRefused is told of receipts no server will ever take: their content breaks the rules, or another receipt stands under their key.
	// They are kept in the file Outbox+".refused", and are not sent again. Called from the sending goroutine; nil ignores them.
	OnRefused func(*tillv1.RecordReceiptRequest, error)
	// Timing changes how long things may take; zero values mean the defaults.
	Timing Timing
}

// Timing is how long things may take. A zero field means its default.
type Timing struct {
	// Lookup is how long a lookup may take, connecting included. Default 150 ms.
	Lookup time.Duration
	// Hedge is how long the server has before the standby is asked too. Default 60 ms.
	Hedge time.Duration
	// Receipt is how long one attempt to deliver a receipt may take. Default 2 s.
	Receipt time.Duration
	// Printer is how long Record waits for the acknowledgement, so that the receipt can show its points. Default 400 ms.
	Printer time.Duration
	// Backoff is the longest pause between attempts to reconnect or deliver. Default 2 s.
	Backoff time.Duration
	// Status is how long Status may take. Default 500 ms.
	Status time.Duration
	// Reserve is how long Reserve and Release may take, with both servers together. Default 300 ms.
	Reserve time.Duration
	// Outcome is how long one attempt to tell a late outcome may take. Default 1 s.
	Outcome time.Duration
}

// The defaults of Timing, and the shortest pause between attempts.
const (
	defaultLookup  = 150 * time.Millisecond
	defaultHedge   = 60 * time.Millisecond
	defaultReceipt = 2 * time.Second
	defaultPrinter = 400 * time.Millisecond
	defaultBackoff = 2 * time.Second
	defaultStatus  = 500 * time.Millisecond
	defaultReserve = 300 * time.Millisecond
	defaultOutcome = time.Second
	firstBackoff   = 50 * time.Millisecond
)

// filled returns the timing with defaults for what is zero.
func (t Timing) filled() Timing {
	for _, f := range []struct {
		field *time.Duration
		zero  time.Duration
	}{
		{&t.Lookup, defaultLookup},
		{&t.Hedge, defaultHedge},
		{&t.Receipt, defaultReceipt},
		{&t.Printer, defaultPrinter},
		{&t.Backoff, defaultBackoff},
		{&t.Status, defaultStatus},
		{&t.Reserve, defaultReserve},
		{&t.Outcome, defaultOutcome},
	} {
		if *f.field <= 0 {
			*f.field = f.zero
		}
	}
	return t
}

// validate says what is missing.
func (c *Config) validate() error {
	if len(c.Addresses) < 1 || len(c.Addresses) > 2 {
		return fmt.Errorf("tillclient: %d addresses: name the server, and its standby if there is one", len(c.Addresses))
	}
	if c.Till == "" {
		return errors.New("tillclient: Config.Till is empty: name the till")
	}
	if c.TLS != nil {
		return nil
	}
	for _, address := range c.Addresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return fmt.Errorf("tillclient: address %q: %w; write it as host:port", address, err)
		}
		ip := net.ParseIP(host)
		if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fmt.Errorf("tillclient: %s: %w: set Config.TLS", address, ErrPlainTextBeyondLoopback)
		}
	}
	return nil
}

// languages are those in which texts are made here.
var languages = []string{"nl", "fr", "de", "en"}

// languageOf returns the language of texts made here: the part of a tag such as fr-BE that counts, nl when it is none of ours.
func languageOf(tag string) string {
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	if slices.Contains(languages, primary) {
		return primary
	}
	return "nl"
}
