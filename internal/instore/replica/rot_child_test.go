package replica_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/replica"
)

// rotServer is a server's folder as a child opens it.
type rotServer struct {
	dir       string
	key       *generation.DataKey
	hashes    [][16]byte // of the customers' cards
	enrolment *bundlev1.Enrolment
	ids       [][16]byte
	erased    [][16]byte
}

// rotChild does the faults from one seed to another, each to a fresh copy of the good folder.
func rotChild(t *testing.T) {
	t.Helper()
	debug.SetMaxStack(64 << 20) // as the server's program does: a circle of pages ends soon
	good, work := os.Getenv("STAMKLANT_ROT_GOOD"), os.Getenv("STAMKLANT_ROT_WORK")
	s := rotOpenFolder(t, good, work)
	if os.Getenv("STAMKLANT_ROT_AGAIN") == "true" {
		fmt.Println("done", s.again(t))
		return
	}
	for seed := rotNumber(t, "STAMKLANT_ROT"); seed < rotNumber(t, "STAMKLANT_ROT_TO"); seed++ {
		rotCopy(t, good, work)
		random := rand.New(rand.NewPCG(uint64(seed), 11))
		switch which := random.IntN(10); {
		case which < 6:
			fmt.Println("done", s.inGeneration(t, random))
		case which < 7:
			fmt.Println("done", s.inText(t, random))
		default:
			fmt.Println("done", s.inJournal(t, random))
		}
	}
}

func rotOpenFolder(t *testing.T, good, work string) *rotServer {
	t.Helper()
	s := &rotServer{dir: work, enrolment: new(bundlev1.Enrolment)}
	var err error
	if s.key, err = generation.OpenDataKey(t.Context(), filepath.Join(good, "data.key"), generation.Device{File: filepath.Join(good, "device.key")}); err != nil {
		t.Fatal(err)
	}
	if err := protojson.Unmarshal(rotRead(t, filepath.Join(good, "enrolment.json")), s.enrolment); err != nil {
		t.Fatal(err)
	}
	key := rotRead(t, filepath.Join(good, "identifier.key"))
	for n := range rotCustomers + 100 {
		s.hashes = append(s.hashes, identify.Hash(key, "card", card(n)))
		s.ids = append(s.ids, accountID(n))
		s.erased = append(s.erased, [16]byte(digest("erased", n)[:16]))
	}
	return s
}

// rotCopy brings the folder of the work to the state of the good one.
func rotCopy(t *testing.T, good, work string) {
	t.Helper()
	if err := os.RemoveAll(work); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(work, os.DirFS(good)); err != nil {
		t.Fatal(err)
	}
}

func (s *rotServer) path(elements ...string) string {
	return filepath.Join(append([]string{s.dir}, elements...)...)
}

// open opens the server: its journal, and the replica over it.
func (s *rotServer) open(ctx context.Context) (*replica.Replica, *journal.Journal, error) {
	j, err := journal.Open(s.path("journal"), s.journalConfig())
	if err != nil {
		return nil, nil, err
	}
	r, err := replica.Open(ctx, replica.Config{
		Dir: s.path("releases"), Enrolment: s.enrolment, DataKey: s.key, Trusted: j, Logger: discard(),
		Now:     func() time.Time { return day },
		Prepare: func(*programmev1.Programme) (any, error) { return "prepared", nil },
	})
	if err != nil {
		return nil, nil, errors.Join(err, j.Close())
	}
	return r, j, nil
}

// serving is the file of the release that CURRENT names: the newest of the two.
func (s *rotServer) serving(t *testing.T) string {
	t.Helper()
	newest := ""
	described, err := filepath.Glob(s.path("releases", "releases", "*", "generation"))
	if err != nil {
		t.Fatal(err)
	}
	current := rotRead(t, s.path("releases", "CURRENT"))
	for _, d := range described {
		if bytes.Contains(current, []byte(filepath.Base(filepath.Dir(d)))) {
			for line := range bytes.Lines(rotRead(t, d)) {
				if name, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("file ")); ok {
					newest = string(name)
				}
			}
		}
	}
	return s.path("releases", "generations", newest)
}

// replace puts damaged bytes in a file's place: a file of its own, as on a disk where nothing else changed.
func replace(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	rotWrite(t, path, data)
}

// inGeneration damages the file that serves.
func (s *rotServer) inGeneration(t *testing.T, random *rand.Rand) string {
	t.Helper()
	path := s.serving(t)
	bad, hit, what := damagePages(rotRead(t, path), random)
	replace(t, path, bad)
	fmt.Printf("doing generation, in a %s page, %s\n", hit, what)
	return s.askRelease(t, func(file *generation.File, noticed bool) string {
		if file == nil || !noticed {
			return ""
		}
		if err := file.Check(t.Context()); !errors.Is(err, generation.ErrDamaged) {
			return fmt.Sprintf("WRONG: the digest holds over damage that was noticed: %v", err)
		}
		return ""
	})
}

// inText damages CURRENT, or another of the small files of the release it names.
func (s *rotServer) inText(t *testing.T, random *rand.Rand) string {
	t.Helper()
	path := s.path("releases", "CURRENT")
	if random.IntN(3) == 0 {
		files, err := filepath.Glob(s.path("releases", "releases", "*", "*.skm"))
		if err != nil {
			t.Fatal(err)
		}
		more, err := filepath.Glob(s.path("releases", "releases", "*", "generation"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
		path = files[random.IntN(len(files))]
	}
	bad, what := damageText(rotRead(t, path), random)
	replace(t, path, bad)
	fmt.Printf("doing %s, %s\n", filepath.Base(path), what)
	return s.askRelease(t, func(file *generation.File, _ bool) string {
		if file == nil {
			return "WRONG: nothing serves, though a whole release is there"
		}
		return ""
	})
}

// askRelease opens the server and asks for everything; then it asks what more there is to ask.
func (s *rotServer) askRelease(t *testing.T, more func(file *generation.File, noticed bool) string) string {
	t.Helper()
	r, j, err := s.open(t.Context())
	if err != nil {
		return fmt.Sprintf("WRONG: the server does not open: %v", err)
	}
	defer j.Close()
	defer r.Close()
	release, done, ok := r.Active().Acquire()
	if !ok {
		if wrong := more(nil, true); wrong != "" {
			return wrong
		}
		return "refused"
	}
	defer done()
	verdict, noticed := s.everything(release)
	if wrong := more(release.File(), noticed > 0); wrong != "" {
		return wrong
	}
	if verdict == "" {
		verdict = fmt.Sprintf("release %d serves whole", release.Manifest.GetVersion())
		if noticed > 0 {
			verdict = "noticed"
		}
	}
	return verdict
}

// everything asks a release for all there is and for what is not there. The verdict is what is wrong; noticed is how many answers were errors.
func (s *rotServer) everything(r *generation.Release) (verdict string, noticed int) {
	version := r.Manifest.GetVersion()
	for n, id := range s.ids {
		account, err := r.Account(id)
		switch {
		case errors.Is(err, generation.ErrNotFound) && n < rotCustomers:
			return fmt.Sprintf("WRONG: account %d is missed", n), noticed
		case err == nil && (n >= rotCustomers || account.GetLoyalty().GetBalance() != rotBalance(version, n)):
			return fmt.Sprintf("WRONG: account %d: %v", n, account), noticed
		case err != nil && !errors.Is(err, generation.ErrNotFound):
			noticed++
		}
		identifier, err := r.Identifier(s.hashes[n])
		switch {
		case errors.Is(err, generation.ErrNotFound) && n < rotCustomers:
			return fmt.Sprintf("WRONG: card %d is missed", n), noticed
		case err == nil && (n >= rotCustomers || !bytes.Equal(identifier.GetAccountIds()[0], id[:])):
			return fmt.Sprintf("WRONG: card %d: %v", n, identifier), noticed
		case err != nil && !errors.Is(err, generation.ErrNotFound):
			noticed++
		}
		erased, err := r.Erased(s.erased[n])
		if err == nil && erased != (n < 60) {
			return fmt.Sprintf("WRONG: erased %d: %v", n, erased), noticed
		}
		if err != nil {
			noticed++
		}
	}
	return "", noticed
}

// again is the next process after one that ended over the damage: it must serve the previous release, whole.
func (s *rotServer) again(t *testing.T) string {
	t.Helper()
	r, j, err := s.open(t.Context())
	if err != nil {
		return fmt.Sprintf("the server does not open: %v", err)
	}
	defer j.Close()
	defer r.Close()
	release, done, ok := r.Active().Acquire()
	if !ok {
		return "nothing serves"
	}
	defer done()
	fmt.Println("serves")
	if verdict, noticed := s.everything(release); verdict != "" || noticed > 0 || release.Manifest.GetVersion() != 1 {
		return fmt.Sprintf("release %d serves, %s, %d answers fail", release.Manifest.GetVersion(), verdict, noticed)
	}
	return "the previous release serves"
}
