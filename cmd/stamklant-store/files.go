package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/term"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/stamklant/stamklant/internal/instore"
)

// folder is what the commands that look after a data folder share.
type folder struct {
	Data   string `help:"Folder the server keeps its files in." default:"." type:"path" env:"STAMKLANT_STORE_DATA" placeholder:"DIR"`
	Device string `help:"File with this machine's own key; device.key in the data folder when left out." type:"path" placeholder:"FILE"`
}

func (f folder) config(s *session) instore.Config {
	return instore.Config{Data: f.Data, DeviceKey: f.Device, Logger: s.logger, Version: version}
}

type inspectCommand struct {
	folder
	JSON bool `help:"As JSON, for programs."`
}

// Run tells what lies in the folder.
func (c *inspectCommand) Run(s *session) error {
	report, err := instore.Look(s.ctx, c.config(s))
	if err != nil {
		return err
	}
	if c.JSON {
		text, err := protojson.MarshalOptions{Multiline: true, Indent: "  ", UseProtoNames: true}.Marshal(report)
		if err != nil {
			return err
		}
		_, err = fmt.Println(string(text))
		return err
	}
	return draw(os.Stdout, report)
}

type verifyCommand struct {
	folder
	Quiet bool `help:"Only say what is wrong."`
}

// Run reads everything whole.
func (c *verifyCommand) Run(s *session) error {
	progress := func(string, int64, int64) {}
	wipe := ""
	if !c.Quiet && term.IsTerminal(int(os.Stderr.Fd())) {
		wipe = "\r\x1b[K"
		var told time.Time
		progress = func(what string, done, total int64) {
			if now := time.Now(); now.Sub(told) > 100*time.Millisecond {
				told = now
				fmt.Fprintf(os.Stderr, "%s%s %d", wipe, what, done)
				if total > 0 {
					fmt.Fprintf(os.Stderr, " of %d", total)
				}
			}
		}
	}
	return instore.Verify(s.ctx, c.config(s), func(check instore.Check) {
		fmt.Fprint(os.Stderr, wipe)
		switch {
		case check.Fault != nil:
			fmt.Printf("DAMAGED  %s (%s)\n         %v\n", check.File, check.What, check.Fault)
		case !c.Quiet:
			fmt.Printf("whole    %s (%s)\n", check.File, check.What)
		}
	}, progress)
}

type backupCommand struct {
	folder
	File string `arg:"" help:"The file to write; it must not be there." type:"path"`
}

// Run writes a back-up.
func (c *backupCommand) Run(s *session) error {
	header, err := instore.Backup(s.ctx, c.config(s), c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("%s: server %s, %d rows, of which head office holds %d; %s of journal, sealed.\n",
		c.File, header.GetServerId(), header.GetLast(), header.GetConfirmed(), size(header.GetJournalBytes()))
	return err
}

type restoreCommand struct {
	folder
	File  string `arg:"" help:"The back-up." type:"existingfile"`
	Enrol string `help:"The file head office made for this server; needed on a new machine." type:"existingfile" placeholder:"FILE"`
}

// Run restores a back-up.
func (c *restoreCommand) Run(s *session) error {
	config := c.config(s)
	config.Enrol = c.Enrol
	return instore.Restore(s.ctx, config, c.File, os.Stdout)
}

type recoverCommand struct {
	folder
	File  string `arg:"" help:"What 'stamklant-office keys recover' wrote." type:"existingfile"`
	Enrol string `help:"The file head office made for this server; needed on a new machine." type:"existingfile" placeholder:"FILE"`
}

// Run takes a data key.
func (c *recoverCommand) Run(s *session) error {
	config := c.config(s)
	config.Enrol = c.Enrol
	err := instore.Recover(s.ctx, config, c.File, os.Stdout)
	if errors.Is(err, instore.ErrOtherKey) {
		return fmt.Errorf("%w\nHas head office opened the data.key of this very server?", err)
	}
	return err
}
