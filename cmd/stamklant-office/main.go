// Command stamklant-office is head office: it takes in lists and receipts, scores customers, publishes bundles to the stores, and
// collects what happened at the tills.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // store time must not depend on what the machine has installed

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/stamklant/stamklant/internal/office"
)

// version is set by the build.
var version = "dev"

// commands is the command line. Every flag can also be set as STAMKLANT_OFFICE_<FLAG>.
type commands struct {
	Data    string           `help:"Folder head office keeps everything in." default:"." type:"path" env:"STAMKLANT_OFFICE_DATA" placeholder:"DIR"`
	Memory  string           `help:"How much memory the database may take, as in 4GB; what needs more goes to disk beside it. Four fifths of the machine's when left out. Commands that a running serve carries out have what serve was given." env:"STAMKLANT_OFFICE_MEMORY" placeholder:"SIZE"`
	Version kong.VersionFlag `help:"Print the version and stop."`

	Init      initCommand      `cmd:"" help:"Set up a head office: a commented programme, mappings, and the chain's keys."`
	Guess     guessCommand     `cmd:"" help:"Look at a file and say what its columns seem to mean: a mapping to put right and keep."`
	Import    importCommand    `cmd:"" help:"Take in receipts or customers from CSV files."`
	Check     checkCommand     `cmd:"" help:"Read and check the programme; say what is wrong, where, and what to write instead."`
	Score     scoreCommand     `cmd:"" help:"Score all customers and put them into segments."`
	Insight   insightCommand   `cmd:"" help:"Tell who the customers are: loyalty by value, phases, who is leaving, who moved, the health of segments."`
	Publish   publishCommand   `cmd:"" help:"Cut and sign a release for every enrolled server."`
	Object    objectCommand    `cmd:"" help:"A customer objected: no segment, no suggestion, in all stores at once. Points go on."`
	Allow     allowCommand     `cmd:"" help:"A customer no longer objects."`
	Block     blockCommand     `cmd:"" help:"Refuse a card, or all of an account, in all stores at once."`
	Unblock   unblockCommand   `cmd:"" help:"No longer refuse it."`
	Erase     eraseCommand     `cmd:"" help:"Forget a customer, here and in all stores."`
	Merge     mergeCommand     `cmd:"" help:"Make one account of two."`
	Export    exportCommand    `cmd:"" help:"Write scores as CSV."`
	Daily     dailyCommand     `cmd:"" help:"The night's work: take in the import folder, score, check, publish, report. Refuses what looks wrong."`
	Runs      runsCommand      `cmd:"" help:"List daily runs: when, how long, what they counted, how they went."`
	Keys      keysCommand      `cmd:"" help:"Enrol servers; open the data key of one that lost its own."`
	Push      pushCommand      `cmd:"" help:"Bring the newest release to stores that can be called, and wait until it serves there."`
	Drain     drainCommand     `cmd:"" help:"Fetch what happened from stores that can be called."`
	Serve     serveCommand     `cmd:"" help:"Answer stores: hand out bundles, take in what happened at the tills."`
	Servers   serversCommand   `cmd:"" help:"List the chain's servers and what each runs."`
	Inspect   inspectCommand   `cmd:"" help:"Read what the stores delivered whole: what it holds, whether every chain is sound."`
	Conflicts conflictsCommand `cmd:"" help:"List receipts that came back with other content under the same number."`
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("stamklant-office"),
		kong.Description("Head office: lists and receipts in, scores and signed bundles out.\n\n"+office.ExitCodes),
		kong.Vars{"version": version},
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return office.ExitFailed
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "stamklant-office: %v\nSee stamklant-office --help\n", err)
		return office.ExitUsage
	}
	err = command.Run(&session{ctx: ctx, home: office.NewHome(cli.Data).WithMemory(cli.Memory), terminal: terminal()})
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "stamklant-office: %v\n", err)
	}
	return office.ExitCode(err)
}

// session is what every command gets.
type session struct {
	ctx      context.Context
	home     office.Home
	terminal *office.Terminal
}

func (s *session) printf(format string, args ...any) { fmt.Fprintf(s.terminal, format, args...) }

func terminal() *office.Terminal {
	return office.NewTerminal(os.Stdout, os.Stderr, term.IsTerminal(int(os.Stderr.Fd())), time.Now)
}

// logger writes for machines, to standard error: standard output is for what a command was asked to print.
func logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
}
