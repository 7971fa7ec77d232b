package replica_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	"github.com/stamklant/stamklant/internal/instore/replica"
)

// TestKilled kills a server that applies, again and again at another moment: what starts after it serves the release before or the new one, whole, and
// gets on from there.
func TestKilled(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("STAMKLANT_KILLED_DIR"); dir != "" {
		applyForEver(t, dir)
		return
	}
	const rounds = 25
	c := newChain(t, 2000)
	s := c.server("amsterdam-1")
	enrolment, err := protojson.Marshal(s.enrolment)
	if err != nil {
		t.Fatal(err)
	}
	c.publish()
	s.open()
	s.apply()
	s.stop()
	before, cut := clone(c.balances), 0
	random := rand.New(rand.NewPCG(6, 6))
	for round := range rounds {
		version := uint64(round + 2)
		for range 200 {
			c.balances[random.IntN(2500)] = random.Int64N(1000)
		}
		c.publish()
		child := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		child.Env = append(os.Environ(), "STAMKLANT_KILLED_DIR="+s.dir, "STAMKLANT_KILLED_BUNDLES="+c.bundles(), "STAMKLANT_KILLED_ENROLMENT="+string(enrolment))
		said, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if !bufio.NewScanner(said).Scan() {
			t.Fatal("the child did not start")
		}
		kill := time.AfterFunc(time.Duration(random.IntN(150))*time.Millisecond, func() { child.Process.Kill() })
		child.Wait()
		kill.Stop()
		currentIsThere(t, s.dir)

		s.open()
		r, done, ok := s.Active().Acquire()
		if !ok {
			t.Fatal("nothing serves")
		}
		serving := r.Manifest.GetVersion()
		done()
		switch serving {
		case version:
			s.serves(c, version, c.balances)
		case version - 1:
			cut++
			s.serves(c, version-1, before)
			s.apply()
			s.serves(c, version, c.balances)
		default:
			t.Fatalf("version %d serves, %d or the one before should", serving, version)
		}
		s.stop()
		before = clone(c.balances)
	}
	t.Logf("%d of %d were killed before the switch", cut, rounds)
}

// applyForEver is the child: it opens the server's folder, says so, and applies.
func applyForEver(t *testing.T, dir string) {
	t.Helper()
	s := &server{t: t, enrolment: new(bundlev1.Enrolment), dir: dir, source: replica.Folder(os.Getenv("STAMKLANT_KILLED_BUNDLES")), now: day}
	if err := protojson.Unmarshal([]byte(os.Getenv("STAMKLANT_KILLED_ENROLMENT")), s.enrolment); err != nil {
		t.Fatal(err)
	}
	s.log = discard()
	s.open()
	fmt.Println("open")
	for {
		if _, err := s.Apply(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// currentIsThere looks at a dead server's disk: the release that CURRENT names is there.
func currentIsThere(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "releases", "CURRENT"))
	if err != nil {
		t.Fatal(err)
	}
	name, ok := bytes.CutPrefix(bytes.Split(text, []byte("\n"))[1], []byte("manifest "))
	if _, err := os.Stat(filepath.Join(dir, "releases", "releases", string(name), "manifest.skm")); err != nil || !ok {
		t.Fatalf("CURRENT names a release that is not there: %q, %v", text, err)
	}
}
