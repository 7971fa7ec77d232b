package warehouse_test

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// register is a register of accounts whose answers follow from the questions, so that tests can tell them beforehand.
type register struct{ asked int }

// account is the account of a customer number or a card.
func account(namespace, value string) [16]byte {
	sum := sha256.Sum256([]byte(namespace + "\x00" + value))
	return [16]byte(sum[:16])
}

func (r *register) ByExternal(_ context.Context, ids []string) ([][16]byte, error) {
	return r.answer("", ids), nil
}

func (r *register) ByIdentifier(_ context.Context, namespace string, canonical []string) ([][16]byte, error) {
	return r.answer(namespace, canonical), nil
}

func (r *register) answer(namespace string, values []string) [][16]byte {
	r.asked += len(values)
	all := make([][16]byte, len(values))
	for i, v := range values {
		all[i] = account(namespace, v)
	}
	return all
}

func (r *register) Register(_ context.Context, customers []warehouse.CustomerIdentity) ([][16]byte, error) {
	r.asked += len(customers)
	all := make([][16]byte, len(customers))
	for i, c := range customers {
		if c.ExternalID != "" {
			all[i] = account("", c.ExternalID)
		} else {
			all[i] = account(c.Identifiers[0].Namespace, c.Identifiers[0].Canonical)
		}
	}
	return all, nil
}

// open returns a new warehouse that is closed with the test.
func open(t *testing.T) *warehouse.Warehouse {
	t.Helper()
	w, err := warehouse.Open(t.Context(), filepath.Join(t.TempDir(), "warehouse.duckdb"), warehouse.Options{Threads: 2, MemoryLimit: "2GB"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// data returns the path of one of the real data sets, or skips the test.
func data(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the data set %s is missing: %v", name, err)
	}
	return path
}

// mapping reads a mapping from text.
func mapping(t *testing.T, text string) *warehouse.Mapping {
	t.Helper()
	m, err := warehouse.ParseMapping("mapping.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// shipped reads a mapping that ships in docs.
func shipped(t *testing.T, name string) *warehouse.Mapping {
	t.Helper()
	m, err := warehouse.ReadMapping(filepath.Join("..", "..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// file writes a file for one test.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// records reads a CSV file.
func records(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// number asks the warehouse for one number.
func number(t *testing.T, w *warehouse.Warehouse, query string, args ...any) int64 {
	t.Helper()
	var n int64
	err := w.View(t.Context(), func(ctx context.Context, tx *warehouse.Tx) error { return tx.One(ctx, query, args, &n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}
