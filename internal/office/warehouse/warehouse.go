package warehouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
)

// ErrBusy is returned when another process holds the warehouse.
var ErrBusy = errors.New("the warehouse is in use by another process")

// ErrNewer is returned when the file was written by a newer version of the program.
var ErrNewer = errors.New("the warehouse was written by a newer version of this program")

// ErrMemoryLimit is returned when Options.MemoryLimit is no amount of memory.
var ErrMemoryLimit = errors.New("no amount of memory")

// amountOfMemory is how DuckDB takes one.
var amountOfMemory = regexp.MustCompile(`^(?i)[0-9]+(\.[0-9]+)? ?[KMGT]i?B$`)

// Options say how much of the machine the warehouse may use.
type Options struct {
	// Threads is how many of its processors a statement may use; 0 for all of them.
	Threads int
	// MemoryLimit bounds what a statement holds in memory before it goes to disk, as DuckDB writes it ("4GB"); empty for four fifths of
	// the machine's memory.
	MemoryLimit string
}

// Warehouse is one open warehouse file. It may be used by many goroutines; what changes it runs one after the other. Who opened it
// closes it.
type Warehouse struct {
	path  string
	db    *sql.DB
	write chan struct{} // held by the one that changes something
}

// Open opens the warehouse in the file at path, makes it when there is none, and brings an older one up to date. It returns ErrBusy,
// wrapped with the file and the way out, when another process holds it, ErrNewer for a file of a later version, and ErrMemoryLimit. It
// blocks while an older file is brought up to date.
func Open(ctx context.Context, path string, options Options) (*Warehouse, error) {
	if limit := options.MemoryLimit; limit != "" && !amountOfMemory.MatchString(limit) {
		return nil, fmt.Errorf("warehouse %s: %w: %q: write it as 512MB or 4GB", path, ErrMemoryLimit, limit)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("warehouse %s: %w", path, err)
	}
	connector, err := duckdb.NewConnector(absolute+"?"+settings(absolute, options), nil)
	if err != nil {
		return nil, openError(absolute, err)
	}
	db := sql.OpenDB(connector)
	w := &Warehouse{path: absolute, db: db, write: make(chan struct{}, 1)}
	err = w.prepare(ctx)
	if err == nil {
		// Receipts of people: for whoever runs head office alone.
		err = errors.Join(os.Chmod(absolute, 0o600), sweep(filepath.Dir(absolute)))
	}
	if err != nil {
		return nil, errors.Join(openError(absolute, err), db.Close())
	}
	return w, nil
}

// settings are what DuckDB is opened with. Nothing is fetched from the network, ever.
func settings(path string, o Options) string {
	v := url.Values{
		"autoinstall_known_extensions": {"false"},
		"autoload_known_extensions":    {"false"},
		"temp_directory":               {path + ".tmp"},
	}
	if o.Threads > 0 {
		v.Set("threads", strconv.Itoa(o.Threads))
	}
	if o.MemoryLimit != "" {
		v.Set("memory_limit", o.MemoryLimit)
	}
	return v.Encode()
}

// prepare touches the file, so that a lock is found out now, and migrates it.
func (w *Warehouse) prepare(ctx context.Context) error {
	if err := w.db.PingContext(ctx); err != nil {
		return err
	}
	return w.Update(ctx, migrate)
}

// openError says in whose hands a file is that cannot be opened.
func openError(path string, err error) error {
	if !strings.Contains(err.Error(), "Could not set lock on file") {
		return fmt.Errorf("warehouse %s: %w", path, err)
	}
	holder := "another process"
	if _, rest, found := strings.Cut(err.Error(), "(PID "); found {
		if pid, _, found := strings.Cut(rest, ")"); found {
			holder = "process " + pid
		}
	}
	return fmt.Errorf("%w: %s is held by %s: let that one finish or stop it, or give the command to a running `stamklant-office serve`",
		ErrBusy, path, holder)
}

// Close writes what is left to write and frees the file.
func (w *Warehouse) Close() error {
	err := w.db.Close()
	if removed := os.Remove(w.path + ".tmp"); removed != nil && !errors.Is(removed, os.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	if err != nil {
		return fmt.Errorf("close warehouse %s: %w", w.path, err)
	}
	return nil
}

// Path is the file.
func (w *Warehouse) Path() string { return w.path }
