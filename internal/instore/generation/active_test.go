package generation_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestActive goes through the life of three releases.
func TestActive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var active generation.Active
	if _, _, ok := active.Acquire(); ok {
		t.Fatal("something serves before the first release")
	}
	fs := make([]*generation.File, 3)
	for i := range fs {
		var err error
		if fs[i], err = generation.OpenFile(dir, build(t, dir, state(t, i+1)), dataKey, nil); err != nil {
			t.Fatal(err)
		}
		active.Switch(release(t, fs[i], uint64(i+1)))
		fs[i].Release() // the release holds it now
	}
	serves := func(acquire func() (*generation.Release, func(), bool), want uint64) {
		t.Helper()
		r, done, ok := acquire()
		if !ok {
			t.Fatal("nothing serves")
		}
		defer done()
		if _, err := r.Account(key(bundle.KindAccount, int(want)-1)); r.Manifest.GetVersion() != want || err != nil {
			t.Fatalf("release %d, %v; want %d", r.Manifest.GetVersion(), err, want)
		}
	}
	serves(active.Acquire, 3)
	serves(active.AcquirePrevious, 2)
	if fs[0].Hold() {
		t.Fatal("the first release is still open")
	}
	if active.DropPrevious(); fs[1].Hold() {
		t.Fatal("the second release is still open")
	}
	if _, _, ok := active.AcquirePrevious(); ok {
		t.Fatal("what was dropped is still there")
	}
	serves(active.Acquire, 3)
	r, done, _ := active.Acquire()
	active.Close()
	if _, err := r.Account(key(bundle.KindAccount, 0)); err != nil {
		t.Fatalf("closed under who uses it: %v", err)
	}
	done()
	if _, _, ok := active.Acquire(); ok || fs[2].Hold() {
		t.Fatal("something is open after the close")
	}
	if _, err := generation.NewRelease(fs[2], generation.Parts{}); !errors.Is(err, generation.ErrClosed) {
		t.Fatalf("release over a closed file: %v", err)
	}
}

// TestSwitchUnderReaders switches 50 times under readers: no lookup fails, and every one is answered by one release only.
func TestSwitchUnderReaders(t *testing.T) {
	t.Parallel()
	const releases, readers, n = 50, 4, 200
	dir := t.TempDir()
	list := state(t, n)
	var active generation.Active
	var current atomic.Uint64
	publish := func(version uint64) {
		f, err := generation.OpenFile(dir, build(t, dir, list), dataKey, nil)
		if err != nil {
			t.Error(err)
			return
		}
		f.Retire()
		active.Switch(release(t, f, version))
		current.Store(version)
		f.Release()
	}
	publish(1)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var lookups atomic.Int64
	for reader := range readers {
		wg.Go(func() {
			for i := reader; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				before := current.Load()
				r, done, ok := active.Acquire()
				if !ok {
					t.Error("nothing serves")
					return
				}
				if v := r.Manifest.GetVersion(); v < before {
					t.Errorf("release %d after %d", v, before)
				}
				account, err := r.Account(key(bundle.KindAccount, i%n))
				if err != nil || account.GetLoyalty().GetBalance() != int64(i%n) {
					t.Errorf("account %d: %v, %v", i%n, account, err)
				}
				if _, err := r.Identifier(key(bundle.KindIdentifier, n+i)); !errors.Is(err, generation.ErrNotFound) {
					t.Errorf("unknown card: %v", err)
				}
				done()
				lookups.Add(1)
			}
		})
	}
	for version := uint64(2); version <= releases; version++ {
		publish(version)
	}
	close(stop)
	wg.Wait()
	active.Close()
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("left after all were retired: %v", left)
	}
	t.Logf("%d lookups through %d switches", lookups.Load(), releases)
}
