// Command stamklant-store is the server in the shop: tills and scanners ask it who a customer is, and it answers with or without head office.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // store time must not depend on what the machine has installed

	"github.com/alecthomas/kong"

	"github.com/stamklant/stamklant/internal/instore"
)

// version is set by the build.
var version = "dev"

// commands is the command line. Every flag can also be set as STAMKLANT_STORE_<FLAG>.
type commands struct {
	Version kong.VersionFlag `help:"Print the version and stop."`

	Serve   serveCommand   `cmd:"" help:"Answer tills; fetch bundles from head office; deliver what happened."`
	Enrol   enrolCommand   `cmd:"" help:"Let a till call this server."`
	Scanner scannerCommand `cmd:"" help:"Draw the token of the scanner or tablet beside a till: it may present cards there, and nothing else."`
	Try     tryCommand     `cmd:"" help:"A store to try things on: made-up customers, magic cards, no head office, no keys."`

	Inspect inspectCommand `cmd:"" help:"Tell what lies in the data folder: releases, journal, what waits, back-ups. A server may be running."`
	Verify  verifyCommand  `cmd:"" help:"Read everything in the data folder whole: digests and every seal. Exit code 3 when something is not what was written."`
	Backup  backupCommand  `cmd:"" help:"Write a back-up of the journal to a file; a server goes on meanwhile."`
	Restore restoreCommand `cmd:"" help:"Put the journal of a back-up in the place of the one there is. No server may be running."`
	Recover recoverCommand `cmd:"" help:"Take a data key that head office opened, after this machine's own key was lost."`
}

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitFaults = 3 // verify found something that is not what was written
)

// maxStack bounds one goroutine's stack. Nothing needs a hundredth of it; a rotten page that leads to itself then ends the process at once, and
// the next serves the file before, instead of filling a gigabyte first.
const maxStack = 64 << 20

func main() {
	debug.SetMaxStack(maxStack)
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("stamklant-store"),
		kong.Description("The server in the shop. It lets every till know its regulars, with or without the line to head office."),
		kong.Vars{"version": version},
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "stamklant-store: %v\nSee stamklant-store --help\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command.Run(&session{ctx: ctx, logger: logger()}); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "stamklant-store: %v\n", err)
		if errors.Is(err, instore.ErrFaults) {
			return exitFaults
		}
		return exitFailed
	}
	return exitDone
}

// session is what every command gets.
type session struct {
	ctx    context.Context
	logger *slog.Logger
}

// logger writes for machines, to standard error: standard output is for what a person asked to see.
func logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
}
