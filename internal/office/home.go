package office

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrNoHome is returned when a folder holds no head office yet.
var ErrNoHome = errors.New("no head office here")

// Home is the folder head office keeps everything in.
//
//	programme.yaml     what the retailer configures (or a folder programme/)
//	mapping-*.yaml     how lists are read
//	warehouse.duckdb   lists, receipts, scores
//	inbox.db           what stores delivered, and the register of accounts
//	keys/              the chain's keys
//	bundles/           what stores fetch: any web server, bucket or stick can carry it
//	published/         what was published last, so that the next release can be told as a change
//	servers/           enrolment files, one per server; each goes to its store and nowhere else
//	office.addr        where `serve` listens, while it runs
//	rejected/          rows that imports could not take, with the reason
//	daily.yaml         what the nightly run reads, and what a day may look like
//	incoming/          files for the nightly run; incoming/done/ those it has taken in
//	reports/           a page about each nightly run
type Home struct{ dir, memory string }

// NewHome names a folder; nothing is opened or made.
func NewHome(dir string) Home { return Home{dir: dir} }

// WithMemory is the same folder, its warehouse held to this much memory, as in "4GB": what needs more is put beside its file meanwhile. Empty for
// four fifths of the machine's. It holds where this process opens the folder, not in a server that has it open already.
func (h Home) WithMemory(limit string) Home {
	h.memory = limit
	return h
}

// Dir is the folder itself.
func (h Home) Dir() string { return h.dir }

// Warehouse is the DuckDB file.
func (h Home) Warehouse() string { return filepath.Join(h.dir, "warehouse.duckdb") }

// Inbox is the bbolt file of what stores delivered.
func (h Home) Inbox() string { return filepath.Join(h.dir, "inbox.db") }

// Keys is the folder of the chain's keys.
func (h Home) Keys() string { return filepath.Join(h.dir, "keys") }

// Bundles is the folder stores fetch from.
func (h Home) Bundles() string { return filepath.Join(h.dir, "bundles") }

// Published is where the last release is remembered.
func (h Home) Published() string { return filepath.Join(h.dir, "published") }

// Servers is the folder of enrolment files.
func (h Home) Servers() string { return filepath.Join(h.dir, "servers") }

// Address is the file that says where `serve` listens.
func (h Home) Address() string { return filepath.Join(h.dir, "office.addr") }

// Rejected is the folder of rows that imports could not take.
func (h Home) Rejected() string { return filepath.Join(h.dir, "rejected") }

// Daily is the file that says what the nightly run reads.
func (h Home) Daily() string { return filepath.Join(h.dir, "daily.yaml") }

// Incoming is the folder the nightly run takes files from.
func (h Home) Incoming() string { return filepath.Join(h.dir, "incoming") }

// Reports is the folder of pages about nightly runs.
func (h Home) Reports() string { return filepath.Join(h.dir, "reports") }

// Programme is the retailer's document: the folder `programme` where there is one, else the file `programme.yaml`.
func (h Home) Programme() string {
	folder := filepath.Join(h.dir, "programme")
	if info, err := os.Stat(folder); err == nil && info.IsDir() {
		return folder
	}
	return filepath.Join(h.dir, "programme.yaml")
}

// require fails with ErrNoHome where `init` has not been.
func (h Home) require() error {
	if _, err := os.Stat(h.Keys()); err != nil {
		return fmt.Errorf("%s: %w: make one with `stamklant-office init --data %s`", h.dir, ErrNoHome, h.dir)
	}
	return nil
}
