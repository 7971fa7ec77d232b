package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stamklant/stamklant/internal/rpc"
)

// Sentinels of the address file.
var (
	// ErrStaleAddress is returned when office.addr names an address where nobody answers.
	ErrStaleAddress = errors.New("nobody answers there")
	// ErrServing is returned when a second `serve` is started on a folder that has one.
	ErrServing = errors.New("a server already runs on this folder")
)

// address is what office.addr holds: where `serve` listens, and the token that lets commands in. The file is readable by its owner alone.
type address struct {
	Address string `json:"address"`
	Token   string `json:"token"`
	PID     int    `json:"pid"`
}

// writeAddress puts the file in place whole.
func (h Home) writeAddress(a address) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(h.dir, ".office.addr-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", h.Address(), err)
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone already when the rename succeeded
	_, werr := tmp.Write(append(data, '\n'))
	if err := errors.Join(werr, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", h.Address(), err)
	}
	if err := os.Rename(tmp.Name(), h.Address()); err != nil {
		return fmt.Errorf("write %s: %w", h.Address(), err)
	}
	return nil
}

// readAddress reads the file; ok is false when there is none.
func (h Home) readAddress() (a address, ok bool, err error) {
	data, err := os.ReadFile(h.Address())
	if errors.Is(err, os.ErrNotExist) {
		return address{}, false, nil
	}
	if err != nil {
		return address{}, false, err
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return address{}, false, fmt.Errorf("%s is damaged (%w): when no `stamklant-office serve` runs on this folder, remove the file", h.Address(), err)
	}
	return a, true, nil
}

// probe fails with ErrStaleAddress when nobody listens at the address.
func (h Home) probe(ctx context.Context, a address) error {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", strings.TrimPrefix(a.Address, rpc.SecurePrefix))
	if err != nil {
		return fmt.Errorf("%s names %s (process %d): %w: the server was stopped hard; remove %s and run the command again, or start `stamklant-office serve --data %s`",
			filepath.Base(h.Address()), a.Address, a.PID, ErrStaleAddress, h.Address(), h.dir)
	}
	return conn.Close()
}
