package internal_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// plant is a mistake somebody could make in the product, and the harness that must notice it. The mistake is made in a copy of a file that one
// build sees in the place of the real one, so that nothing of it is in the product.
type plant struct {
	name  string
	edits []edit
	// The package and the test that must fail, what it must say, and how often it is tried, when chance has a part in it.
	in, test, says string
	tries          int
	// The test runs the store's real program, which is built with the mistake too.
	program bool
	env     []string
	// Fast enough for every run of the tests.
	quick bool
}

// edit replaces one stretch of a file, which must be there once.
type edit struct{ file, old, mistake string }

var plants = []plant{
	{
		name: "values without seals",
		edits: []edit{{
			"internal/instore/generation/seal.go", "	return &sealer{aead: aead, salt: salt}, nil\n}\n",
			"	return &sealer{aead: unsealed{aead}, salt: salt}, nil\n}\n\ntype unsealed struct{ cipher.AEAD }\n\n" +
				"func (unsealed) Seal(dst, _, plain, _ []byte) []byte { return append(append(dst, plain...), make([]byte, tagSize)...) }\n\n" +
				"func (unsealed) Open(dst, _, sealed, _ []byte) ([]byte, error) { return append(dst, sealed[:len(sealed)-tagSize]...), nil }\n",
		}},
		in: "internal/instore/replica", test: "TestBitRot", says: "WRONG: account", quick: true,
	},
	{
		name: "misses without proof",
		edits: []edit{{
			"internal/instore/generation/file.go", "	// Nothing stands at the key. The record before", "	if true {\n		return nil, ErrNotFound\n	}\n	// The record before",
		}},
		in: "internal/instore/replica", test: "TestBitRot", says: "is missed", quick: true,
	},
	{
		name: "acknowledged before it is committed",
		edits: []edit{{
			"internal/groupcommit/commit.go", "		if err == nil {\n			err = c.flush(tx)\n		}\n",
			"		if err == nil {\n			answer(batch, nil)\n			if err = c.flush(tx); err == nil {\n				return\n			}\n		}\n",
		}},
		in: "cmd/stamklant-demo", test: "TestCrash", says: "acknowledged|at head office", program: true, tries: 2,
	},
	{
		name:  "commits that are not flushed",
		edits: []edit{{"internal/instore/journal/file.go", "		Timeout:         lockTimeout,\n", "		Timeout:         lockTimeout,\n		NoSync:          true,\n"}},
		in:    "cmd/stamklant-demo", test: "TestPowerCut", says: "acknowledged|at head office|does not say|ended at once", program: true,
	},
	{
		name: "rows deleted before the cut-off",
		edits: []edit{{
			"internal/instore/journal/prune.go", "err != nil || !w.mayGo(number, row, openable)", "err != nil || false && !w.mayGo(number, row, openable)",
		}},
		in: "cmd/stamklant-demo", test: "TestCrash", says: "points in release", program: true, tries: 3,
	},
	{
		name: "rows pruned before the release that counted them is active",
		edits: []edit{
			{
				"internal/instore/replica/apply.go", "	file, err := r.customers(ctx, o.manifest)\n",
				"	r.statusMu.Lock()\n	r.headers = []*bundlev1.CustomersHeader{c.customers}\n	r.statusMu.Unlock()\n	if r.config.Switched != nil {\n		r.config.Switched()\n	}\n" +
					"	file, err := r.customers(ctx, o.manifest)\n",
			},
			{"internal/instore/server.go", "func (s *Server) switched() {\n", "func (s *Server) switched() {\n	if s.replica != nil {\n		_ = s.prune(context.Background())\n	}\n"},
		},
		in: "cmd/stamklant-demo", test: "TestSoakCrash", says: "points in release", program: true, tries: 3,
		env: []string{"STAMKLANT_SOAK=1", "STAMKLANT_CRASHES=60"},
	},
	{
		name: "CURRENT before the release is in its place",
		edits: []edit{{
			"internal/instore/replica/apply.go", "	if err := errors.Join(r.folder.Keep(o.digest, kept)); err != nil {\n",
			"	if err := r.folder.SetCurrent(o.digest); err != nil {\n		return err\n	}\n	if err := errors.Join(r.folder.Keep(o.digest, kept)); err != nil {\n",
		}},
		in: "internal/instore/replica", test: "TestKilled", says: "CURRENT names", tries: 4,
	},
	{
		name:  "the old incarnation after a back-up was put back",
		edits: []edit{{"internal/instore/journal/seal.go", "	if restored && !created {\n", "	if restored && false {\n"}},
		in:    "internal/instore/replica", test: "TestBitRot", says: "goes on as if nothing had happened",
	},
}

// TestPlanted makes mistakes in the product and sees that the harnesses notice them: those that are quick to try.
func TestPlanted(t *testing.T) {
	for _, p := range plants {
		if p.quick {
			t.Run(p.name, func(t *testing.T) { p.mustBeNoticed(t) })
		}
	}
}

// TestSoakPlanted is TestPlanted with all mistakes.
func TestSoakPlanted(t *testing.T) {
	if os.Getenv("STAMKLANT_SOAK") == "" {
		t.Skip("long: runs with make soak")
	}
	for _, p := range plants {
		t.Run(p.name, func(t *testing.T) { p.mustBeNoticed(t) })
	}
}

// mustBeNoticed runs the harness against the mistake, until it fails.
func (p plant) mustBeNoticed(t *testing.T) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	overlay := p.overlay(t, root)
	env := append(os.Environ(), "STAMKLANT_SOAK=")
	if p.program {
		env = append(env, "STAMKLANT_BIN="+p.programs(t, root, overlay))
	}
	env = append(env, p.env...)
	var out []byte
	for try := range max(1, p.tries) {
		harness := exec.Command("go", "test", "-overlay", overlay, "-count=1", "-timeout", "10m", "-run", "^"+p.test+"$", "./"+p.in)
		harness.Dir, harness.Env = root, env
		var failed *exec.ExitError
		out, err = harness.CombinedOutput()
		switch {
		case err == nil:
			continue
		case !errors.As(err, &failed) || strings.Contains(string(out), "[build failed]") || strings.Contains(string(out), "[setup failed]"):
			t.Fatalf("%s cannot be run: %v\n%s", p.test, err, out)
		}
		line := regexp.MustCompile("(?m)^.*(?:" + p.says + ").*$").Find(out)
		if line == nil {
			t.Fatalf("%s fails for another reason:\n%.3000s", p.test, out)
		}
		t.Logf("%s notices, at try %d: %s", p.test, try+1, strings.TrimSpace(string(line)))
		return
	}
	t.Errorf("%s does not notice:\n%.3000s", p.test, out)
}

// overlay writes the files with the mistake, and the list by which the go command sees them.
func (p plant) overlay(t *testing.T, root string) string {
	t.Helper()
	dir, replace := t.TempDir(), map[string]string{}
	for _, e := range p.edits {
		path := filepath.Join(root, e.file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), e.old); n != 1 {
			t.Fatalf("%s has %q %d times: the mistake has to be planted elsewhere", e.file, e.old, n)
		}
		copied := filepath.Join(dir, strings.ReplaceAll(e.file, "/", "-"))
		if err := os.WriteFile(copied, []byte(strings.Replace(string(text), e.old, e.mistake, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[path] = copied
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// programs is a folder with the store's program as the mistake makes it, and the others as they are.
func (p plant) programs(t *testing.T, root, overlay string) string {
	t.Helper()
	dir := t.TempDir()
	build := func(name string, flags ...string) {
		t.Helper()
		cmd := exec.Command("go", append(append([]string{"build"}, flags...), "-o", filepath.Join(dir, name), "./cmd/"+name)...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	build("stamklant-store", "-overlay", overlay)
	for _, name := range []string{"stamklant-office", "stamklant-till"} {
		built := filepath.Join(os.Getenv("STAMKLANT_BIN"), name)
		if os.Getenv("STAMKLANT_BIN") == "" {
			build(name)
		} else if err := os.Symlink(built, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
