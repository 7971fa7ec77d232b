package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/stamklant/stamklant/api/tillclient"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// maxScan is the longest line a scanner sends.
const maxScan = 512

type scanCommand struct {
	From string `arg:"" optional:"" help:"Where the scanner's lines come from: a file or a serial port such as /dev/ttyUSB0. Left out: standard input." type:"path" placeholder:"FILE"`
}

// Run presents what the scanner reads, line by line, until there are no more.
func (c *scanCommand) Run(s *session) (err error) {
	scanner, done, err := c.open(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	client, err := s.open("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	lines := bufio.NewScanner(scanner)
	lines.Buffer(make([]byte, maxScan), maxScan)
	for lines.Scan() && s.ctx.Err() == nil {
		if len(lines.Bytes()) > 0 {
			s.present(client, lines.Bytes())
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the scanner: %w", err)
	}
	return nil
}

// open opens the scanner.
func (c *scanCommand) open(s *session) (scanner io.Reader, done func() error, err error) {
	if c.From == "" {
		return s.in, func() error { return nil }, nil
	}
	file, err := os.Open(c.From)
	if err != nil {
		return nil, nil, err
	}
	return file, file.Close, nil
}

// present presents one card and shows what the customer sees.
func (s *session) present(client *tillclient.Client, read []byte) {
	answer, err := client.Present(s.ctx, tillclient.Scanned(read).GetIdentifier())
	p := s.out
	if err != nil {
		s.exitCode = exitOffline
		p.title(yellow, "no answer", "scan again", "")
		p.row("Why", p.in(dim, inWords(err)))
		p.gap()
		return
	}
	s.exitCode = exitDone
	colour := green
	if answer.GetResult() == tillv1.PresentResult_PRESENT_RESULT_NOT_A_CARD {
		colour, s.exitCode = yellow, exitNoCustomer
	}
	p.title(colour, word(answer.GetResult(), "PRESENT_RESULT_"), "till "+s.till.Till, "")
	p.gap()
	s.showDisplay(answer.GetCustomerDisplay())
	p.gap()
}

type watchCommand struct{}

// Run shows what is presented at the till until it is stopped.
func (c *watchCommand) Run(s *session) (err error) {
	client, err := s.open("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	err = client.Watch(s.ctx, func(m *tillv1.WatchTillResponse) {
		if card := m.GetCard(); card != nil {
			s.showAnswer(tillclient.Answer{LookupResponse: card.GetAnswer(), Server: card.GetAnswer().GetMeta().GetServer()})
			return
		}
		meta := m.GetFreshness().GetMeta()
		s.out.title(green, "watching till "+s.till.Till, fmt.Sprintf("release %d", meta.GetRelease()), serverAndTime(meta, 0))
		s.out.gap()
	})
	if s.ctx.Err() != nil {
		return nil // stopped, as it is meant to be
	}
	return err
}
