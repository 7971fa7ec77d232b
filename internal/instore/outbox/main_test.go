package outbox_test

import (
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func journalConfig() journal.Config {
	return journal.Config{ServerID: "gent-1", DataKey: [32]byte{7}, Now: now, Logger: quiet(), MachineID: "this machine", MapSize: 1 << 20}
}

func inboxConfig() inbox.Config { return inbox.Config{Now: now, Logger: quiet(), MapSize: 1 << 20} }

// forked is what a SyncService says of a fork it knows nothing more of.
func forked() *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{Reason: "FORKED", Domain: "stamklant"}
}
