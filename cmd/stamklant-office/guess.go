package main

import (
	"fmt"
	"os"

	"github.com/stamklant/stamklant/internal/office"
)

type guessCommand struct {
	List string `arg:"" help:"What the file holds: receipts, customers, articles, stores or vouchers." enum:"receipts,customers,articles,stores,vouchers"`
	File string `arg:"" help:"The file, also .gz." type:"existingfile"`
	Out  string `help:"Where the mapping goes once you have agreed to it." type:"path" default:"" placeholder:"FILE.yaml"`
	Yes  bool   `help:"Write it without asking. Look at it before you import."`
}

// Run shows what the columns of a file seem to mean, and writes the mapping when somebody agrees.
func (c *guessCommand) Run(s *session) error {
	text, err := office.Guess(c.File, c.List, s.terminal)
	if err != nil {
		return err
	}
	if c.Out == "" {
		c.Out = absolute("mapping-" + c.List + ".yaml")
	}
	agreed := c.Yes
	if !agreed {
		if agreed, err = confirm("Is that right, and shall it be written to " + c.Out + "?"); err != nil {
			return err
		}
	}
	if !agreed {
		s.printf("Nothing was written. With --yes it goes to %s.\n", c.Out)
		return nil
	}
	out, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the mapping: %w: name another file with --out", err)
	}
	if _, err := out.WriteString(text); err != nil {
		return err
	}
	s.printf("Written to %s. Look at every line, then:\n  stamklant-office import %s %s --mapping %s --dry-run\n", c.Out, c.List, c.File, c.Out)
	return out.Close()
}
