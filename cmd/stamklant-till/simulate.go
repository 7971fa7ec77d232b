package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/stamklant/stamklant/internal/rush"
)

type simulateCommand struct {
	Tills         int           `help:"How many tills, shared out over the shops." default:"50"`
	Minutes       float64       `help:"For how long they sell." default:"3"`
	Seed          uint64        `help:"Decides every choice; the same seed, the same day." default:"1"`
	Pace          time.Duration `help:"How long a till takes from one sale to the next, on average." default:"1s"`
	Shop          []string      `help:"A shop, its server and its standby: CODE=HOST:PORT[,HOST:PORT]. Once for each shop; with two, goods also come back elsewhere. Left out, the one of --store and --address." sep:"none" placeholder:"SHOP"`
	ShopToken     []string      `help:"File that holds the token of a shop's tills: CODE=FILE. Once for each shop that has another than --token-file." sep:"none" placeholder:"SHOP"`
	Cards         string        `help:"File of cards the shops know, one a line." required:"" type:"existingfile" placeholder:"FILE"`
	NewCards      string        `help:"File of cards that were handed out and that nobody has registered." type:"existingfile" placeholder:"FILE"`
	StrangeCards  string        `help:"File of cards that look like the chain's and were never handed out." type:"existingfile" placeholder:"FILE"`
	PointsPerEuro int64         `help:"What the programme gives. The books know no other rule: a programme with bonuses and offers on points does not agree with them." default:"1"`
	Currency      string        `help:"What is paid in." default:"EUR"`
	Calm          bool          `help:"Leave the cables alone: only tills and customers make trouble."`
	Verify        string        `help:"Head office's data folder on this machine: hold the tills' books against it. stamklant-office is taken from beside this program, or from the PATH." type:"existingdir" placeholder:"DIR"`
}

// Help is what --help adds.
func (c *simulateCommand) Help() string {
	return `Every till is a process of its own to the servers. Between it and each server lies a cable that is pulled, goes deaf or loses answers now and then; to see
what happens when a server dies, kill one meanwhile and start it again at the same address.

The tills write down what they did and add up points and money themselves. Exit code 1 when a server gave an answer it must not give, when receipts still
wait three minutes after the end, or when head office's books differ by a point or a cent.`
}

// Run plays the rush hour, tells how it went, and holds the books against head office's.
func (c *simulateCommand) Run(s *session) error {
	config, err := c.config(s)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "stamklant-rush-")
	if err != nil {
		return err
	}
	config.Dir, config.Progress = dir, progressTo(s.errors)
	report, err := rush.Run(s.ctx, config)
	fmt.Fprintln(s.errors)
	if report != nil {
		err = errors.Join(err, report.Write(s.out.w))
	}
	if err != nil {
		return fmt.Errorf("%w; what tills kept is in %s", err, dir)
	}
	if err := c.verify(s, report, dir); err != nil {
		return err
	}
	if len(report.Faults) > 0 {
		return fmt.Errorf("%d answers that must not be", len(report.Faults))
	}
	return os.RemoveAll(dir)
}

// config is what is played.
func (c *simulateCommand) config(s *session) (rush.Config, error) {
	config := rush.Config{
		Tills: c.Tills, Lasts: time.Duration(c.Minutes * float64(time.Minute)), Pace: c.Pace, Seed: c.Seed, PointsPerEuro: c.PointsPerEuro,
		Currency: c.Currency, Calm: c.Calm,
	}
	for _, list := range []struct {
		file  string
		cards *[]string
	}{{c.Cards, &config.Cards}, {c.NewCards, &config.NewCards}, {c.StrangeCards, &config.StrangeCards}} {
		var err error
		if *list.cards, err = cardsIn(list.file); err != nil {
			return config, err
		}
	}
	var err error
	config.Shops, err = c.shops(s)
	return config, err
}

// shops are the shops of the flags.
func (c *simulateCommand) shops(s *session) ([]rush.Shop, error) {
	shops := c.Shop
	if len(shops) == 0 {
		if s.till.Store == "" {
			return nil, usageError("name the shop: --store CODE --address HOST:PORT, or --shop CODE=HOST:PORT once for each")
		}
		shops = []string{s.till.Store + "=" + strings.Join(s.till.Address, ",")}
	}
	files := map[string]string{}
	for _, given := range c.ShopToken {
		store, file, ok := strings.Cut(given, "=")
		if !ok {
			return nil, usageError(fmt.Sprintf("--shop-token %s: write CODE=FILE", given))
		}
		files[store] = file
	}
	var all []rush.Shop
	for _, given := range shops {
		store, addresses, ok := strings.Cut(given, "=")
		servers := strings.Split(addresses, ",")
		if !ok || len(servers) > 2 {
			return nil, usageError(fmt.Sprintf("--shop %s: write CODE=HOST:PORT, and the standby after a comma", given))
		}
		own := *s.till
		if file := files[store]; file != "" {
			own.Token, own.TokenFile = "", file
		}
		till, err := own.config()
		if err != nil {
			return nil, err
		}
		all = append(all, rush.Shop{Store: store, Servers: servers, Token: till.Token})
	}
	return all, nil
}

// cardsIn reads a file of cards; none for no file.
func cardsIn(file string) ([]string, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var cards []string
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		if card := strings.TrimSpace(lines.Text()); card != "" {
			cards = append(cards, card)
		}
	}
	return cards, lines.Err()
}

// progressTo says how it goes: on a terminal in one line that changes, elsewhere in a line every five seconds.
func progressTo(w io.Writer) func(rush.Progress) {
	file, ok := w.(*os.File)
	live := ok && term.IsTerminal(int(file.Fd()))
	return func(p rush.Progress) {
		if !live && int(p.Since.Seconds())%5 != 0 {
			return
		}
		text := fmt.Sprintf("%4.0f s  %d sales, %d lookups without an answer, %d receipts waiting", p.Since.Seconds(), p.Sales, p.Offline, p.Waiting)
		switch {
		case p.Ending:
			text += "; closed, sending what waits"
		case p.Cables != "":
			text += "; " + p.Cables
		}
		if live {
			fmt.Fprintf(w, "\r\033[K%s", text)
		} else {
			fmt.Fprintln(w, text)
		}
	}
}

// verify holds the tills' books against head office's.
func (c *simulateCommand) verify(s *session, report *rush.Report, dir string) error {
	if c.Verify == "" {
		return nil
	}
	var lists []io.Reader
	for _, list := range []string{"ledger", "receipts"} {
		file := filepath.Join(dir, list+".csv")
		if err := c.export(s.ctx, list, file); err != nil {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		lists = append(lists, strings.NewReader(string(text)))
	}
	v, err := report.Verify(lists[0], lists[1])
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out.w, "\nHeld against head office: %d receipts of %s in all, %d cards with %d points.\n", v.Receipts, money(v.Minor), v.Cards, v.Points)
	fmt.Fprintf(s.out.w, "With one receipt left out of the tills' books %d differences are found.\n", v.Noticed)
	for i, difference := range v.Differences {
		if i == 20 {
			fmt.Fprintf(s.out.w, "… and %d more\n", len(v.Differences)-i)
			break
		}
		fmt.Fprintln(s.out.w, difference)
	}
	switch {
	case len(v.Differences) > 0:
		return fmt.Errorf("%d differences between the tills' books and head office's; the lists are in %s", len(v.Differences), dir)
	case v.Noticed == 0:
		return errors.New("a receipt that is missing would not be noticed: too little was sold")
	}
	fmt.Fprintln(s.out.w, "The books agree to the point and the cent.")
	return nil
}

// export has head office write a list.
func (c *simulateCommand) export(ctx context.Context, list, file string) error {
	program := "stamklant-office"
	if own, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(own), program); exists(beside) {
			program = beside
		}
	}
	out, err := exec.CommandContext(ctx, program, "--data", c.Verify, "export", list, file).CombinedOutput() //nolint:gosec // our own program
	if err != nil {
		return fmt.Errorf("stamklant-office export %s: %w\n%s", list, err, out)
	}
	return nil
}

// exists reports whether there is such a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
