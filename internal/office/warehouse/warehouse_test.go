package warehouse_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// holdEnv tells a second process of this test which file to hold.
const holdEnv = "STAMKLANT_TEST_HOLD_WAREHOUSE"

// TestHold is the second process: it holds a warehouse until its standard input ends.
func TestHold(t *testing.T) {
	path := os.Getenv(holdEnv)
	if path == "" {
		t.Skip("only the second process of TestBusy does something here")
	}
	w, err := warehouse.Open(t.Context(), path, warehouse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("held")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "warehouse.duckdb")
	holder := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHold$")
	holder.Env = append(os.Environ(), holdEnv+"="+path)
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the second process said %q, %v", line, err)
	}
	_, err = warehouse.Open(t.Context(), path, warehouse.Options{})
	if !errors.Is(err, warehouse.ErrBusy) {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{path, fmt.Sprintf("process %d", holder.Process.Pid), "serve"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := holder.Wait(); err != nil {
		t.Fatal(err)
	}
	w, err := warehouse.Open(t.Context(), path, warehouse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMemoryLimit holds what one says; what is no amount is refused before the file is made.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "warehouse.duckdb")
	for _, limit := range []string{"nonsense", "4", "80%", "4GB&threads=1", "-4GB", "GB"} {
		_, err := warehouse.Open(t.Context(), path, warehouse.Options{MemoryLimit: limit})
		if !errors.Is(err, warehouse.ErrMemoryLimit) || !strings.Contains(err.Error(), limit) {
			t.Errorf("%q: got %v", limit, err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made: %v", err)
	}
	w, err := warehouse.Open(t.Context(), path, warehouse.Options{MemoryLimit: "1 gib"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }() // the folder goes with the test
	var limit string
	err = w.Update(t.Context(), func(ctx context.Context, tx *warehouse.Tx) error {
		return tx.One(ctx, "select current_setting('memory_limit')", nil, &limit)
	})
	if err != nil || limit != "1.0 GiB" {
		t.Errorf("held to %q, %v", limit, err)
	}
}

// TestTooLittleMemory says what is needed and how to give it, and leaves the warehouse usable.
func TestTooLittleMemory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "warehouse.duckdb")
	w, err := warehouse.Open(t.Context(), path, warehouse.Options{MemoryLimit: "16MB", Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }() // the folder goes with the test
	err = w.Update(t.Context(), func(ctx context.Context, tx *warehouse.Tx) error {
		_, err := tx.Exec(ctx, "create temp table much as select list(i) as all from range(10000000) as t(i)")
		return err
	})
	if !errors.Is(err, warehouse.ErrMemory) || !strings.Contains(err.Error(), "--memory") || !strings.Contains(err.Error(), path) ||
		strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
	var one int64
	err = w.View(t.Context(), func(ctx context.Context, tx *warehouse.Tx) error { return tx.One(ctx, "select 1", nil, &one) })
	if err != nil || one != 1 {
		t.Errorf("after it: %d, %v", one, err)
	}
}

// TestMigrations opens a file that is older, of this version, and newer.
func TestMigrations(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "warehouse.duckdb")
	reopen := func(change func(context.Context, *warehouse.Tx) error) error {
		w, err := warehouse.Open(t.Context(), path, warehouse.Options{})
		if err != nil {
			return err
		}
		return errors.Join(w.Update(t.Context(), change), w.Close())
	}
	// A warehouse of the first version, with a receipt in it.
	err := reopen(func(ctx context.Context, tx *warehouse.Tx) error {
		var later string
		if err := tx.One(ctx, `select string_agg(format('drop table {}', table_name), ';') from duckdb_tables()
			where table_name not in ('receipts', 'lines', 'accounts', 'customers', 'delivered_through', 'migrations')`, nil, &later); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `drop view goods; `+later+`; alter table receipts drop column channel; delete from migrations where version > 1;
			insert into receipts values (1, 'imported', false, 's', 't', 0, date '2024-01-01', '1', 0, 'sale', null, null, null, null, null, null, null, 1, 1, 5, 0, 1)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// It has all tables and its receipt when it is opened again; then it is made one of the future.
	err = reopen(func(ctx context.Context, tx *warehouse.Tx) error {
		_, err := tx.Exec(ctx, `insert into scores (account_id, standing, frequency, monetary_minor, visits, spend_minor)
			select '00000000-0000-0000-0000-000000000001', 'scored', count(*), sum(sold), 0, 0 from receipts having count(*) = 1;
			insert into run_segments values (1, 'x', 1, 1, 1, 1); insert into migrations values (1000, 'of the future')`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w, err := warehouse.Open(t.Context(), path, warehouse.Options{})
	if !errors.Is(err, warehouse.ErrNewer) || w != nil {
		t.Errorf("a warehouse of the future: %v", err)
	}
}

// TestOpenSweeps expects a warehouse that only its owner may read, and nothing left of an import that was killed.
func TestOpenSweeps(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	left, mine := filepath.Join(folder, ".stamklant-import-123.csv"), filepath.Join(folder, "import-2024.csv")
	for _, name := range []string{left, mine} {
		if err := os.WriteFile(name, []byte("a,b\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(folder, "warehouse.duckdb")
	w, err := warehouse.Open(t.Context(), path, warehouse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a leftover stands: %v", err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Errorf("somebody's file is gone: %v", err)
	}
}

// TestUpdateFails expects nothing to be kept of a change that fails, and nothing of one whose caller is gone.
func TestUpdateFails(t *testing.T) {
	t.Parallel()
	w := open(t)
	broken := errors.New("broken")
	insert := func(ctx context.Context, tx *warehouse.Tx) error {
		_, err := tx.Exec(ctx, "insert into accounts values (uuid(), 'x')")
		return err
	}
	err := w.Update(t.Context(), func(ctx context.Context, tx *warehouse.Tx) error { return errors.Join(insert(ctx, tx), broken) })
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = w.Update(ctx, func(ctx context.Context, tx *warehouse.Tx) error {
		if err := insert(ctx, tx); err != nil {
			return err
		}
		cancel()
		return insert(ctx, tx)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := number(t, w, "select count(*) from accounts"); n != 0 {
		t.Errorf("%d rows were kept", n)
	}
	if err := w.Update(t.Context(), insert); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
