// Command stamklant-till is a till without a screen, for integrators and for whoever wants to see what a cashier sees: it asks a store's
// server who a customer is, plays a sale, and tells how the server is.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/stamklant/stamklant/api/tillclient"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// version is set by the build.
var version = "dev"

// Exit codes, for scripts.
const (
	exitDone       = 0 // a customer was found, a receipt booked
	exitFailed     = 1 // something went wrong here
	exitUsage      = 2 // the command line is not right
	exitNoCustomer = 3 // the server answered: no customer, or it refuses the receipt
	exitOffline    = 4 // no server answered; a till would go on without
)

// commands is the command line.
type commands struct {
	till

	Version kong.VersionFlag `help:"Print the version and stop."`

	Lookup   lookupCommand   `cmd:"" help:"Ask who a customer is and what to say: what cashier, customer and printer get."`
	Sell     sellCommand     `cmd:"" help:"Play a sale: look up, record the receipt, show the points and what is printed."`
	Scan     scanCommand     `cmd:"" help:"Be the scanner or tablet beside a till: present every line that is read at it."`
	Watch    watchCommand    `cmd:"" help:"Show what is presented at a till, as it happens."`
	Status   statusCommand   `cmd:"" help:"Ask the server how it is: what it rests on, what waits."`
	Simulate simulateCommand `cmd:"" help:"Play a rush hour with everything that goes wrong in one, and hold the tills' own books against head office's."`
}

// till are the flags that make this command a certain till in a certain store.
type till struct {
	Address   []string      `help:"The store's server, and its standby after a comma." default:"127.0.0.1:7400" env:"STAMKLANT_TILL_ADDRESS" placeholder:"HOST:PORT"`
	Token     string        `help:"The till's token." env:"STAMKLANT_TILL_TOKEN"`
	TokenFile string        `help:"File that holds the token." env:"STAMKLANT_TILL_TOKEN_FILE" type:"existingfile" placeholder:"FILE"`
	Cert      string        `help:"The till's certificate, from 'stamklant-store enrol till'; read again when it changes." env:"STAMKLANT_TILL_CERT" type:"existingfile" placeholder:"FILE"`
	Key       string        `help:"Its key." env:"STAMKLANT_TILL_KEY" type:"existingfile" placeholder:"FILE"`
	CA        string        `name:"ca" help:"The authorities the till trusts: ca.pem from there." env:"STAMKLANT_TILL_CA" type:"existingfile" placeholder:"FILE"`
	Till      string        `help:"Which till this is." default:"1" env:"STAMKLANT_TILL_TILL" placeholder:"CODE"`
	Store     string        `help:"Which store it stands in; left out, the server's." env:"STAMKLANT_TILL_STORE" placeholder:"CODE"`
	Language  string        `help:"The cashier's language: nl, fr, de or en; left out, the store's first." env:"STAMKLANT_TILL_LANGUAGE" enum:"nl,fr,de,en," default:""`
	Timeout   time.Duration `help:"How long a till waits for a lookup." default:"150ms" env:"STAMKLANT_TILL_TIMEOUT"`
	Display   string        `help:"The customer display, lines × columns; 0x0 for none." default:"2x20" placeholder:"LxC"`
	Printer   int32         `help:"Characters on a line of the receipt." default:"42"`
	PinPad    bool          `help:"The pin pad can put a question."`
}

// session is what commands work with.
type session struct {
	ctx      context.Context
	in       io.Reader
	out      painter
	errors   io.Writer
	till     *till
	exitCode int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	colour := term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("NO_COLOR") == ""
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, colour))
}

// run is main with everything it touches handed in.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, colour bool) int {
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("stamklant-till"),
		kong.Description("A till without a screen. Exit codes: 0 a customer, 1 failed, 2 usage, 3 no customer or refused, 4 no server answered."),
		kong.Vars{"version": version},
		kong.Writers(stdout, stderr),
	)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "stamklant-till: %v\nSee stamklant-till --help\n", err)
		return exitUsage
	}
	s := &session{ctx: ctx, in: stdin, out: painter{w: stdout, colour: colour}, errors: stderr, till: &cli.till}
	if err := command.Run(s); err != nil {
		fmt.Fprintf(stderr, "stamklant-till: %v\n", err)
		var usage usageError
		if errors.As(err, &usage) {
			return exitUsage
		}
		return exitFailed
	}
	return s.exitCode
}

// usageError is what is wrong with the command line that kong cannot see.
type usageError string

// Error says what is wrong.
func (e usageError) Error() string { return string(e) }

// connectWithin is how long a till that was just switched on waits for its connection.
const connectWithin = 2 * time.Second

// open connects as the till of the flags. It goes on without a connection: then no server answers, and that is what is shown.
func (s *session) open(outbox string) (*tillclient.Client, error) {
	config, err := s.till.config()
	if err != nil {
		return nil, err
	}
	config.Outbox = outbox
	client, err := tillclient.Open(config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, connectWithin)
	defer cancel()
	if err := client.Connect(ctx); err != nil && s.ctx.Err() != nil {
		return nil, errors.Join(s.ctx.Err(), client.Close())
	}
	return client, nil
}

// config is the client's configuration as the flags say.
func (t *till) config() (tillclient.Config, error) {
	token := t.Token
	if t.TokenFile != "" {
		text, err := os.ReadFile(t.TokenFile)
		if err != nil {
			return tillclient.Config{}, fmt.Errorf("--token-file: %w", err)
		}
		token = strings.TrimSpace(string(text))
	}
	secure, err := t.tls()
	if err != nil {
		return tillclient.Config{}, err
	}
	if token == "" && secure == nil {
		return tillclient.Config{}, usageError("no token and no certificate: name the till's certificate with --cert, --key and --ca, or the file the server keeps beside its data with --token-file, or set STAMKLANT_TILL_TOKEN")
	}
	var lines, columns int32
	if n, err := fmt.Sscanf(t.Display, "%dx%d", &lines, &columns); n != 2 || err != nil || lines < 0 || columns < 0 {
		return tillclient.Config{}, usageError(fmt.Sprintf("--display %s: write lines and columns, as in 2x20", t.Display))
	}
	return tillclient.Config{
		Addresses: t.Address, Token: token, TLS: secure, Store: t.Store, Till: t.Till, Language: t.Language,
		Abilities: &tillv1.Abilities{DisplayLines: lines, DisplayColumns: columns, PrinterColumns: t.Printer, PinPadInput: t.PinPad},
		Timing:    tillclient.Timing{Lookup: t.Timeout, Printer: 10 * time.Second}, // a person waits for the printer
	}, nil
}

// tls is what the till's certificate says; nil without one.
func (t *till) tls() (*tls.Config, error) {
	if t.Cert == "" && t.Key == "" && t.CA == "" {
		return nil, nil
	}
	if t.Cert == "" || t.Key == "" || t.CA == "" {
		return nil, usageError("--cert, --key and --ca belong together: 'stamklant-store enrol till' writes all three")
	}
	return tillclient.TLS(t.Cert, t.Key, t.CA, nil)
}
