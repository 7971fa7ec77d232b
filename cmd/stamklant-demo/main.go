// Command stamklant-demo runs a whole made-up chain in one process: head office, two stores and their tills. It imports two years of
// receipts, scores the customers, publishes them to the stores, plays checkouts, unplugs head office and plugs it in again, and then waits
// with addresses to try. With DEMO_EXIT=1 it ends instead.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
	_ "time/tzdata" // store time must not depend on what the machine has installed

	"golang.org/x/term"

	"github.com/stamklant/stamklant/internal/office"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "stamklant-demo: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "stamklant-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fancy := term.IsTerminal(int(os.Stderr.Fd()))
	d := &demo{
		dir: dir, out: os.Stdout, accounts: number("DEMO_ACCOUNTS", 20_000), seed: int64(number("DEMO_SEED", 1)), now: time.Now,
		logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	d.terminal = office.NewTerminal(d.out, os.Stderr, fancy, d.now)
	if err := d.play(ctx); err != nil {
		return errors.Join(err, d.stop())
	}
	if os.Getenv("DEMO_EXIT") == "1" {
		return d.stop()
	}
	d.invite()
	<-ctx.Done()
	return d.stop()
}

// number is a setting of the environment, or what it is without.
func number(name string, without int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return without
}
