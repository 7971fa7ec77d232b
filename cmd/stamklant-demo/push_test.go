package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A store nothing leads out of: head office brings its releases and fetches its outcomes, with a server of its own running and without.
func TestPushAndDrain(t *testing.T) {
	t.Parallel()
	home, _ := shop(t)
	importOwn(t, home)
	enrolment := filepath.Join(t.TempDir(), "k1-p.json")
	office(t, home, 0, "keys", "server", "k1-p", "--store", "k1", "--pushed", "--out", enrolment)
	office(t, home, 0, "publish")
	data := t.TempDir()
	store, c := serveStore(t, enrolment, data)
	target := "k1-p=" + store.addr
	if out := office(t, home, 0, "push", target); !strings.Contains(out, "k1-p: release 1 serves") {
		t.Errorf("push said:\n%s", out)
	}
	if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != 1245 {
		t.Fatalf("%d points, want 1245", got)
	}
	c.record(c.sale("2900123456785", "1", 4700, "EUR"))
	if out := office(t, home, 0, "drain", target); !strings.Contains(out, "k1-p: 1 rows fetched") {
		t.Errorf("drain without a server said:\n%s", out)
	}
	head := start(t, "stamklant-office", "--data", home, "serve", "--listen", "127.0.0.1:0")
	c.record(c.sale("2900123456785", "2", 300, "EUR"))
	if out := office(t, home, 0, "drain", target); !strings.Contains(out, "k1-p: 1 rows fetched") {
		t.Errorf("drain beside a server said:\n%s", out)
	}
	if waiting := c.status().GetOutboxWaiting(); waiting != 0 {
		t.Errorf("%d rows wait after draining", waiting)
	}
	office(t, home, 0, "publish")
	office(t, home, 0, "push", target)
	if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != 1295 {
		t.Errorf("after delivery and publication: %d points, want 1295", got)
	}
	if out := office(t, home, 1, "push", "k1-a="+store.addr); !strings.Contains(out, "k1-a") {
		t.Errorf("pushing to the wrong server said:\n%s", out)
	}
	head.stop()
	store.stop()
}

// A shop computer dies; its disk is read in another one. Without the machine's key the files are noise; head office opens the data key.
func TestRecoverAndRestoreOnNewMachine(t *testing.T) {
	t.Parallel()
	home, _ := shop(t)
	importOwn(t, home)
	head := start(t, "stamklant-office", "--data", home, "serve", "--listen", "127.0.0.1:0")
	enrolment := filepath.Join(t.TempDir(), "k1-b.json")
	office(t, home, 0, "keys", "server", "k1-b", "--store", "k1", "--office", head.addr, "--out", enrolment)
	office(t, home, 0, "publish")
	data, backup := t.TempDir(), filepath.Join(t.TempDir(), "journal.skb")
	store, c := serveStore(t, enrolment, data)
	released(t, c, 1)
	c.record(c.sale("2900123456785", "1", 4700, "EUR"))
	eventually(t, "the receipt is delivered", func() bool { return c.status().GetOutboxWaiting() == 0 })
	storeCommand(t, 0, "backup", backup, "--data", data)
	if out := storeCommand(t, 0, "inspect", "--data", data); !strings.Contains(out, "● 1") || !strings.Contains(out, "Journal") {
		t.Errorf("inspect said:\n%s", out)
	}
	if out := storeCommand(t, 0, "inspect", "--json", "--data", data); !strings.Contains(out, `"server_id"`) {
		t.Errorf("inspect --json said:\n%s", out)
	}
	if out := storeCommand(t, 0, "verify", "--data", data); !strings.Contains(out, "release that serves") {
		t.Errorf("verify said:\n%s", out)
	}
	if out := storeCommand(t, 1, "restore", backup, "--data", data); !strings.Contains(out, "in use") {
		t.Errorf("restore under a running server said:\n%s", out)
	}
	store.kill()

	anew := t.TempDir()
	out := storeCommand(t, 1, "restore", backup, "--data", anew, "--enrol", enrolment)
	if !strings.Contains(out, "keys recover k1-b") {
		t.Fatalf("without the machine's key:\n%s", out)
	}
	key := filepath.Join(t.TempDir(), "recovered.key")
	office(t, home, 0, "keys", "recover", "k1-b", "--sealed", filepath.Join(anew, "data.key"), "--out", key)
	storeCommand(t, 0, "recover", key, "--data", anew)
	if out := storeCommand(t, 0, "restore", backup, "--data", anew); !strings.Contains(out, "new incarnation") {
		t.Errorf("restore said:\n%s", out)
	}
	store, c = serveStore(t, enrolment, anew)
	released(t, c, 1)
	again := c.record(c.sale("2900123456785", "1", 4700, "EUR"))
	if !again.GetMeta().GetReplayed() {
		t.Error("the receipt of before is booked again")
	}
	c.record(c.sale("2900123456785", "2", 300, "EUR"))
	eventually(t, "everything is delivered", func() bool { return c.status().GetOutboxWaiting() == 0 })
	office(t, home, 0, "publish")
	released(t, c, 2)
	if got := c.card("2900123456785").GetLoyalty().GetPointsAvailable(); got != 1295 {
		t.Errorf("%d points, want 1295", got)
	}
	store.stop()
	// A flipped bit is found, and told by the exit code.
	files, err := filepath.Glob(filepath.Join(anew, "releases", "generations", "*.db"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	whole[len(whole)/2] ^= 1
	write(t, files[0], string(whole))
	if out := storeCommand(t, 3, "verify", "--data", anew); !strings.Contains(out, "DAMAGED") {
		t.Errorf("verify said:\n%s", out)
	}
}

// storeCommand runs a command of a store's server to its end; it fails the test unless it exits with the code wanted.
func storeCommand(t *testing.T, code int, args ...string) string {
	t.Helper()
	out, got := try(t, "stamklant-store", args...)
	if got != code {
		t.Fatalf("stamklant-store %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, code, out)
	}
	return out
}
