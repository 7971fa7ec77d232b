package main

import (
	"encoding/base32"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/instore"
	"github.com/stamklant/stamklant/internal/samplechain"
)

type tryCommand struct {
	Listen   string   `help:"Where to answer tills; this machine only." default:"127.0.0.1:7400" placeholder:"HOST:PORT"`
	Web      string   `help:"Where to answer JSON and gRPC-Web; this machine only. 127.0.0.1:7402 when left out, or a free port when tills do not call at 7400." placeholder:"HOST:PORT"`
	Origin   []string `help:"A web site whose pages may call there, such as http://localhost:5173." placeholder:"URL"`
	Accounts int      `help:"How many customers to make up." default:"2000"`
	Seed     int64    `help:"Which customers to make up." default:"1"`
}

// Run makes up a store, serves until it is stopped, and leaves nothing behind.
func (c *tryCommand) Run(s *session) (err error) {
	dir, err := os.MkdirTemp("", "stamklant-try-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if c.Web == "" {
		c.Web = "127.0.0.1:0"
		if c.Listen == "127.0.0.1:7400" {
			c.Web = "127.0.0.1:7402"
		}
	}
	now := time.Now()
	enrolment, err := c.release(dir, now)
	if err != nil {
		return err
	}
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	server, err := instore.Open(s.ctx, instore.Config{
		Data: filepath.Join(dir, "store"), Enrol: enrolment, Listen: c.Listen, Web: c.Web, Origins: c.Origin, Reflection: true, Logger: quiet, Version: version, Around: magicCards,
	})
	if err != nil {
		return err
	}
	if _, err := server.Refresh(s.ctx); err != nil {
		return errors.Join(err, server.Close())
	}
	token, err := server.TillToken()
	if err != nil {
		return errors.Join(err, server.Close())
	}
	explain(server.Addr(), server.WebAddr(), token)
	return server.Run(s.ctx)
}

// release makes up the customers and puts them, with the magic cards, into one release.
func (c *tryCommand) release(dir string, now time.Time) (enrolment string, err error) {
	yesterday := now.AddDate(0, 0, -1)
	chain, err := samplechain.New(samplechain.Config{Seed: c.Seed, Accounts: c.Accounts, LastDay: yesterday})
	if err != nil {
		return "", err
	}
	programme, err := samplechain.Programme(yesterday)
	if err != nil {
		return "", err
	}
	customers := func(yield func(samplechain.Customer) bool) {
		for customer := range chain.Customers() {
			if !yield(customer) {
				return
			}
		}
		for _, card := range samplechain.Magic() {
			if customer, ok := card.Customer(int32(yesterday.Unix() / (24 * 60 * 60))); ok && !yield(customer) {
				return
			}
		}
	}
	return instore.Practice{
		Server: "try", Store: "s01", Programme: programme, Accounts: accountsOf(customers), Identifiers: identifiersOf(customers),
		AsOf: yesterday, Expires: now.AddDate(0, 0, 14),
	}.Write(dir)
}

func accountsOf(customers iter.Seq[samplechain.Customer]) iter.Seq2[[16]byte, *customerv1.Account] {
	return func(yield func([16]byte, *customerv1.Account) bool) {
		for c := range customers {
			if !yield(c.ID, c.Account) {
				return
			}
		}
	}
}

func identifiersOf(customers iter.Seq[samplechain.Customer]) func(func(string, string) [16]byte) iter.Seq2[[16]byte, *customerv1.Identifier] {
	return func(hash func(namespace, canonical string) [16]byte) iter.Seq2[[16]byte, *customerv1.Identifier] {
		cardHash := func(number string) [16]byte { return hash(samplechain.CardNamespace, number) }
		return func(yield func([16]byte, *customerv1.Identifier) bool) {
			for c := range customers {
				for _, card := range c.Cards {
					if !yield(cardHash(card.Number), card.Identifier(c.ID, cardHash)) {
						return
					}
				}
			}
		}
	}
}

// explain prints what there is to try.
func explain(address, web, token string) {
	fmt.Printf("A store with made-up customers answers at %s until you stop it with Ctrl-C. Nothing of it is kept.\n\nMagic cards:\n", address)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	numbers := map[string]string{}
	for _, card := range samplechain.Magic() {
		numbers[card.Name] = card.Number
		fmt.Fprintf(table, "  %s\t%s\t%s\n", card.Number, card.Name, card.Shows)
	}
	_ = table.Flush() // standard output is all there is to tell about it
	till := "bin/stamklant-till"
	fmt.Printf(`
Six commands to paste:
  export STAMKLANT_TILL_ADDRESS=%s STAMKLANT_TILL_TOKEN=%s
  %[3]s lookup %[4]s
  %[3]s lookup %[5]s --json
  %[3]s sell %[4]s --line 8710000000017:45010:20:39.80
  %[3]s lookup %[6]s
  curl -H "Authorization: Bearer $STAMKLANT_TILL_TOKEN" -H 'Content-Type: application/json' \
       -d '{"caller": {"till": "1"}, "identifier": {"text": "%[4]s"}}' http://%[7]s/stamklant.till.v1.CheckoutService/Lookup

`, address, token, till, numbers["found"], numbers["champion"], numbers["blocked"], web)
}

// magicCards answers the two cards that are not ordinary: one slowly, one as from data that has expired.
func magicCards(inner tillv1.CheckoutServiceServer) tillv1.CheckoutServiceServer {
	m := &magic{CheckoutServiceServer: inner, cards: map[string]samplechain.MagicCard{}}
	for _, card := range samplechain.Magic() {
		if customer, ok := card.Customer(0); ok && (card.Delay > 0 || card.Stale) {
			m.cards[strings.TrimRight(base32.StdEncoding.EncodeToString(customer.ID[:]), "=")] = card
		}
	}
	return m
}
