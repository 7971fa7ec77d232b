// Package internal_test keeps the import arrows of this repository pointing one way: downwards.
package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/stamklant/stamklant/"

// The four floors. An arrow may point down or along its own floor, never up.
const (
	ground   = iota // rules, and what both wings stand on
	wing            // the parts of the in-store and of the head-office server
	assembly        // the two servers, wired
	program         // cmd
)

// row is one package: its floor, and which of our own packages its non-test files may import besides gen/.
type row struct {
	floor int
	may   []string
}

// layers is the whole house. A package that is not listed may not exist; one that is listed need not exist yet.
var layers = map[string]row{
	// Pure rules.
	"internal/identify": {ground, nil},
	"internal/segment":  {ground, nil},
	"internal/loyalty":  {ground, nil},
	"internal/decision": {ground, nil},
	"internal/bundle":   {ground, nil},

	// What both wings share.
	"api/tillclient":       {ground, []string{"internal/certificate"}},
	"internal/certificate": {ground, nil},
	"internal/groupcommit": {ground, nil},
	"internal/rpc":         {ground, []string{"internal/certificate"}},
	"internal/console":     {ground, nil},
	"internal/samplechain": {ground, []string{"internal/identify"}},
	"internal/rush":        {ground, []string{"api/tillclient"}}, // its books rest on nothing that servers use

	// In the store.
	"internal/instore/generation": {wing, []string{"internal/bundle"}},
	"internal/instore/journal":    {wing, []string{"internal/groupcommit"}},
	"internal/instore/till": {wing, []string{
		"internal/instore/generation", "internal/instore/journal",
		"internal/identify", "internal/segment", "internal/loyalty", "internal/decision", "internal/bundle",
	}},
	"internal/instore/replica": {wing, []string{"internal/instore/generation", "internal/instore/journal", "internal/bundle"}},
	"internal/instore/backup":  {wing, []string{"internal/instore/journal"}},
	"internal/instore/dock": {wing, []string{
		"internal/instore/replica", "internal/instore/journal", "internal/instore/outbox", "internal/bundle",
	}},
	"internal/instore/outbox": {wing, []string{"internal/instore/journal"}},

	// At head office.
	"internal/office/programme": {wing, []string{"internal/identify", "internal/segment", "internal/loyalty", "internal/decision"}},
	"internal/office/warehouse": {wing, nil},
	"internal/office/inbox":     {wing, []string{"internal/groupcommit", "internal/loyalty", "internal/identify"}},
	"internal/office/scoring": {wing, []string{
		"internal/office/warehouse", "internal/segment", "internal/loyalty", "internal/office/scoring/clv", "internal/office/scoring/affinity",
	}},
	"internal/office/daily":            {wing, []string{"internal/office/warehouse"}},
	"internal/office/insight":          {wing, []string{"internal/office/warehouse", "internal/office/scoring"}},
	"internal/office/scoring/clv":      {wing, nil},
	"internal/office/scoring/affinity": {wing, nil},
	"internal/office/report":           {wing, []string{"internal/office/scoring", "internal/office/insight"}},
	"internal/office/measure":          {wing, []string{"internal/office/warehouse", "internal/decision"}},
	"internal/office/publisher": {wing, []string{
		"internal/office/inbox", "internal/office/warehouse", "internal/office/scoring", "internal/office/programme",
		"internal/bundle", "internal/segment", "internal/identify", "internal/certificate",
	}},
	"internal/office/hub": {wing, []string{
		"internal/office/warehouse", "internal/office/scoring", "internal/office/publisher", "internal/office/inbox",
		"internal/office/programme", "internal/office/measure", "internal/bundle",
	}},

	// Assemblies.
	"internal/instore": {assembly, append([]string{"internal/instore/...", "internal/groupcommit", "internal/rpc", "internal/certificate", "internal/console"}, pure...)},
	"internal/office":  {assembly, append([]string{"internal/office/...", "internal/groupcommit", "internal/rpc", "internal/certificate", "internal/console"}, pure...)},

	// Programs.
	"docs/clients/go":      {program, []string{"api/tillclient"}},
	"cmd/stamklant-store":  {program, []string{"internal/instore", "internal/samplechain", "internal/rpc", "internal/console"}},
	"cmd/stamklant-office": {program, []string{"internal/office", "internal/samplechain", "internal/rpc", "internal/console"}},
	"cmd/stamklant-till":   {program, []string{"api/tillclient", "internal/samplechain", "internal/rush", "internal/rpc"}},
	"cmd/stamklant-demo": {program, []string{
		"internal/instore", "internal/office", "api/tillclient", "internal/samplechain", "internal/rpc", "internal/console",
	}},
}

// pure packages take time, randomness and data as arguments, and reckon in integers.
var pure = []string{"internal/identify", "internal/segment", "internal/loyalty", "internal/decision", "internal/bundle"}

// storage packages keep data; they answer with errors of their own, never with a gRPC status.
var storage = []string{
	"internal/groupcommit", "internal/instore/generation", "internal/instore/journal",
	"internal/office/inbox", "internal/office/warehouse",
}

// reserved says which packages alone may import something from outside: all that lies under the path.
var reserved = map[string][]string{
	"go.etcd.io/bbolt":         {"internal/groupcommit", "internal/instore/generation", "internal/instore/journal", "internal/office/inbox"},
	"database/sql":             {"internal/office/warehouse"},
	"github.com/duckdb":        {"internal/office/warehouse"},
	"github.com/ClickHouse":    {"internal/office/warehouse"},
	"github.com/jackc/pgx":     {"internal/office/warehouse"},
	"gocloud.dev":              {"internal/office/publisher"},
	"github.com/alecthomas":    {"cmd/stamklant-store", "cmd/stamklant-office", "cmd/stamklant-till", "cmd/stamklant-demo"},
	"github.com/google/cel-go": {}, // the old path of cel.dev/cel-go
}

// forbidden says what pure and storage packages may not import: all that lies under the path, but for what is harmless.
var forbidden = []struct {
	to      []string
	imports []string
}{
	{pure, []string{"net", "os", "log", "syscall", "unsafe", "math/rand", "crypto/rand", "database", "google.golang.org/grpc", "github.com/prometheus"}},
	{storage, []string{"net", "google.golang.org/grpc"}},
}

// harmless lie under a forbidden path and yet only work on text.
var harmless = []string{"net/url", "net/netip", "net/mail"}

// clock is what the package time offers that is not arithmetic.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Local"}

// TestLayers fails when a package imports what its row does not allow, or has no row.
func TestLayers(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("..", name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel == "gen" || d.Name() == "node_modules" || d.Name() == "testdata" || rel != "." && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files++
		for _, complaint := range check(rel, src) {
			t.Error(complaint)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files looked at", files)
}

// TestTable fails when the table itself holds an unknown package, an arrow upward, between the wings, or in a circle.
func TestTable(t *testing.T) {
	t.Parallel()
	for _, complaint := range checkTable(layers) {
		t.Error(complaint)
	}
}

// check says what is wrong with one Go file, given by its path from the root of the repository.
func check(name string, src []byte) []string {
	pkg := path.Dir(name)
	rules, known := layers[pkg]
	if !known {
		return []string{name + ": package " + pkg + " has no row in layers"}
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	if err != nil {
		return []string{err.Error()}
	}
	var complaints []string
	for _, spec := range file.Imports {
		target := strings.Trim(spec.Path.Value, `"`)
		if !mayImport(pkg, rules, target) {
			complaints = append(complaints, fmt.Sprintf("%s: %s may not import %s", name, pkg, target))
		}
	}
	if slices.Contains(pure, pkg) {
		complaints = append(complaints, impurities(name, file)...)
	}
	return complaints
}

// mayImport reports whether pkg may import target, ours or not.
func mayImport(pkg string, rules row, target string) bool {
	if ours, ok := strings.CutPrefix(target, module); ok {
		return under(ours, "gen") || permits(rules.may, ours)
	}
	for prefix, packages := range reserved {
		if under(target, prefix) && !slices.Contains(packages, pkg) {
			return false
		}
	}
	for _, f := range forbidden {
		if !slices.Contains(f.to, pkg) || slices.Contains(harmless, target) {
			continue
		}
		if slices.ContainsFunc(f.imports, func(prefix string) bool { return under(target, prefix) }) {
			return false
		}
	}
	return true
}

// impurities says where a pure package reads the clock or reckons in floating point.
func impurities(name string, file *ast.File) []string {
	timeName := ""
	for _, spec := range file.Imports {
		if spec.Path.Value == `"time"` {
			timeName = "time"
			if spec.Name != nil {
				timeName = spec.Name.Name
			}
		}
	}
	var complaints []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && x.Name == timeName && slices.Contains(clock, n.Sel.Name) {
				complaints = append(complaints, name+": a pure package takes the time as an argument, not from time."+n.Sel.Name)
			}
		case *ast.Ident:
			if n.Name == "float64" || n.Name == "float32" {
				complaints = append(complaints, name+": a pure package reckons in integers, not in "+n.Name)
			}
		}
		return true
	})
	if timeName == "." {
		complaints = append(complaints, name+": a pure package may not import time with a dot")
	}
	return complaints
}

// checkTable says what is wrong with a table of layers.
func checkTable(table map[string]row) []string {
	var complaints []string
	for pkg, r := range table {
		for _, target := range r.may {
			if base, tree := strings.CutSuffix(target, "/..."); tree {
				target = base + "/"
			}
			to, known := table[target]
			switch {
			case strings.HasSuffix(target, "/"): // an assembly and its own wing
				if target != pkg+"/" {
					complaints = append(complaints, pkg+" may only take in the wing under itself, not "+target)
				}
			case !known:
				complaints = append(complaints, pkg+" points to "+target+", which has no row")
			case to.floor > r.floor:
				complaints = append(complaints, pkg+" points up to "+target)
			case r.floor != program && wingOf(pkg) != "" && wingOf(target) != "" && wingOf(pkg) != wingOf(target):
				complaints = append(complaints, pkg+" points into the other wing, to "+target)
			case reaches(table, target, pkg, nil):
				complaints = append(complaints, pkg+" and "+target+" point at each other in a circle")
			}
		}
	}
	return complaints
}

// reaches reports whether the arrows lead from one package to the other.
func reaches(table map[string]row, from, to string, seen []string) bool {
	if slices.Contains(seen, from) {
		return false
	}
	return slices.ContainsFunc(table[from].may, func(next string) bool {
		return next == to || reaches(table, next, to, append(seen, from))
	})
}

// wingOf names the wing a package belongs to, or "".
func wingOf(pkg string) string {
	for _, w := range []string{"internal/instore", "internal/office"} {
		if under(pkg, w) {
			return w
		}
	}
	return ""
}

// permits reports whether target is listed, by name or under a "/..." row.
func permits(allowed []string, target string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		base, tree := strings.CutSuffix(a, "/...")
		return target == a || tree && strings.HasPrefix(target, base+"/")
	})
}

// under reports whether an import path is base or lies below it.
func under(target, base string) bool {
	return target == base || strings.HasPrefix(target, base+"/")
}

// TestCheckFindsPlanted plants one violation of each kind and expects it to be found, and its lawful twin to pass.
func TestCheckFindsPlanted(t *testing.T) {
	t.Parallel()
	const ours = `"github.com/stamklant/stamklant/`
	for _, tc := range []struct {
		name string
		file string
		src  string
		want string // "" when nothing is wrong
	}{
		{"a file at the top", "main.go", `package x`, "has no row"},
		{"an unlisted package", "internal/util/x.go", `package x`, "has no row"},
		{"rules import generated code", "internal/decision/x.go", `package x; import _ ` + ours + `gen/stamklant/customer/v1"`, ""},
		{"rules import rules", "internal/decision/x.go", `package x; import _ ` + ours + `internal/segment"`, "may not import"},
		{"a lawful arrow", "internal/instore/till/x.go", `package x; import _ ` + ours + `internal/decision"`, ""},
		{"upward", "internal/instore/till/x.go", `package x; import _ ` + ours + `internal/instore"`, "may not import"},
		{"into the other wing", "internal/instore/replica/x.go", `package x; import _ ` + ours + `internal/office/publisher"`, "may not import"},
		{"an assembly takes its wing", "internal/office/x.go", `package x; import _ ` + ours + `internal/office/hub"`, ""},
		{"a program goes past its assembly", "cmd/stamklant-store/x.go", `package x; import _ ` + ours + `internal/instore/till"`, "may not import"},
		{"the store's program imports head office", "cmd/stamklant-store/x.go", `package x; import _ ` + ours + `internal/office"`, "may not import"},
		{"bbolt at the till", "internal/instore/till/x.go", `package x; import _ "go.etcd.io/bbolt"`, "may not import"},
		{"bbolt in the journal", "internal/instore/journal/x.go", `package x; import _ "go.etcd.io/bbolt"`, ""},
		{"a part of bbolt", "internal/rpc/x.go", `package x; import _ "go.etcd.io/bbolt/errors"`, "may not import"},
		{"SQL outside the warehouse", "internal/office/scoring/x.go", `package x; import _ "database/sql"`, "may not import"},
		{"a driver in a store", "internal/instore/x.go", `package x; import _ "github.com/duckdb/duckdb-go/v2"`, "may not import"},
		{"SQL in the warehouse", "internal/office/warehouse/x.go", `package x; import _ "database/sql"`, ""},
		{"a bucket outside the publisher", "internal/instore/replica/x.go", `package x; import _ "gocloud.dev/blob"`, "may not import"},
		{"rules on the network", "internal/identify/x.go", `package x; import _ "net/http"`, "may not import"},
		{"rules read a link", "internal/identify/x.go", `package x; import _ "net/url"`, ""},
		{"rules log", "internal/loyalty/x.go", `package x; import _ "log/slog"`, "may not import"},
		{"rules throw dice", "internal/decision/x.go", `package x; import _ "math/rand/v2"`, "may not import"},
		{"rules open files", "internal/bundle/x.go", `package x; import _ "os"`, "may not import"},
		{"storage speaks gRPC", "internal/instore/journal/x.go", `package x; import _ "google.golang.org/grpc/status"`, "may not import"},
		{"rules look at the clock", "internal/loyalty/x.go", `package x; import "time"; var now = time.Now()`, "time.Now"},
		{"under another name", "internal/loyalty/x.go", `package x; import t "time"; var now = t.Since`, "time.Since"},
		{"rules reckon with dates", "internal/loyalty/x.go", `package x; import "time"; var day = 24 * time.Hour`, ""},
		{"a method called Now", "internal/loyalty/x.go", `package x; type clock struct{}; func f(c interface{ Now() int }) int { return c.Now() }`, ""},
		{"rules in floating point", "internal/decision/x.go", `package x; func f(p float64) {}`, "integers"},
		{"the server looks at the clock", "internal/rpc/x.go", `package x; import "time"; var now = time.Now()`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(check(tc.file, []byte(tc.src)), "\n")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestTableFindsPlanted does the same for the table.
func TestTableFindsPlanted(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		table map[string]row
		want  string
	}{
		{"fine", map[string]row{"a": {wing, []string{"b"}}, "b": {ground, nil}}, ""},
		{"up", map[string]row{"a": {ground, []string{"b"}}, "b": {wing, nil}}, "points up"},
		{"unknown", map[string]row{"a": {wing, []string{"b"}}}, "has no row"},
		{"circle", map[string]row{"a": {wing, []string{"b"}}, "b": {wing, []string{"c"}}, "c": {wing, []string{"a"}}}, "in a circle"},
		{"the other wing", map[string]row{
			"internal/instore/a": {wing, []string{"internal/office/b"}}, "internal/office/b": {wing, nil},
		}, "other wing"},
		{"the other wing whole", map[string]row{"internal/instore": {assembly, []string{"internal/office/..."}}}, "wing under itself"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(checkTable(tc.table), "\n")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
