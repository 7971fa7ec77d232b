package generation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

const (
	rotRecords = 600
	rotFaults  = 400
)

// TestBitRot damages a file in many ways and asks for everything in it, and for what is not, through the damage: an answer is right or an error,
// never another customer and never "unknown". A branch page that points in a circle ends the process; that happens to a child here.
func TestBitRot(t *testing.T) {
	t.Parallel()
	if os.Getenv("STAMKLANT_ROT") != "" {
		rotChild(t)
		return
	}
	dir := t.TempDir()
	info := build(t, dir, state(t, rotRecords))
	totals := make(map[string]int)
	for seed := 0; seed < rotFaults; {
		child := exec.Command(os.Args[0], "-test.run=^TestBitRot$", "-test.v")
		child.Env = append(os.Environ(), "STAMKLANT_ROT="+strconv.Itoa(seed), "STAMKLANT_ROT_FILE="+filepath.Join(dir, info.Name),
			"STAMKLANT_ROT_INFO="+fmt.Sprintf("%x %x %d", info.SHA256, info.State, info.Length))
		out, err := child.CombinedOutput()
		for line := range strings.Lines(string(out)) {
			verdict, ok := strings.CutPrefix(strings.TrimSpace(line), "rot ")
			if !ok {
				continue
			}
			fields := strings.Fields(verdict)
			totals[fields[1]]++
			if seed, _ = strconv.Atoi(fields[0]); strings.HasPrefix(fields[1], "wrong") || fields[1] == "missed" {
				t.Errorf("fault %s: %s", fields[0], verdict)
			}
			seed++
		}
		if err != nil {
			totals["process ended"]++
			seed++ // the fault after the last that was told
		}
		if totals["process ended"] > rotFaults/20 {
			t.Fatalf("the process ends too often: %v\n%s", totals, out)
		}
	}
	t.Logf("%d faults: %v", rotFaults, totals)
	if totals["noticed"] == 0 {
		t.Error("no fault was noticed: the test damages nothing")
	}
}

func rotChild(t *testing.T) {
	first, err := strconv.Atoi(os.Getenv("STAMKLANT_ROT"))
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(os.Getenv("STAMKLANT_ROT_FILE"))
	if err != nil {
		t.Fatal(err)
	}
	var sum, stateDigest []byte
	info := generation.FileInfo{Name: "gen-00-00.db"}
	if _, err := fmt.Sscanf(os.Getenv("STAMKLANT_ROT_INFO"), "%x %x %d", &sum, &stateDigest, &info.Length); err != nil {
		t.Fatal(err)
	}
	info.SHA256, info.State = [32]byte(sum), [32]byte(stateDigest)
	dir := t.TempDir()
	for seed := first; seed < rotFaults; seed++ {
		bad := damage(good, rand.New(rand.NewPCG(uint64(seed), 7)))
		if err := os.WriteFile(filepath.Join(dir, info.Name), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Println("rot", seed, askAll(dir, info))
		os.Remove(filepath.Join(dir, info.Name)) // a new file each time, as on a real disk
	}
}

// damage is a file with one fault: a bit, a stretch of zeros, a page zeroed, doubled or old. The length stays, as it is checked anyway.
func damage(good []byte, random *rand.Rand) []byte {
	bad := append([]byte(nil), good...)
	pages := len(bad) / 4096
	page := func() []byte { p := random.IntN(pages); return bad[p*4096 : (p+1)*4096] }
	switch random.IntN(8) {
	case 0:
		clear(page())
	case 1:
		copy(page(), page())
	case 2:
		at := random.IntN(len(bad) - 600)
		clear(bad[at : at+1+random.IntN(512)])
	case 3: // the page's own header, or the first elements that lead on from it
		page()[random.IntN(64)] ^= 1 << random.IntN(8)
	default:
		bad[random.IntN(len(bad))] ^= 1 << random.IntN(8)
	}
	return bad
}

// askAll says how a damaged file answered: wrong, missed (an "unknown" that is none), noticed, or unharmed.
func askAll(dir string, info generation.FileInfo) string {
	f, err := generation.OpenFile(dir, info, dataKey, nil)
	if err != nil {
		return "refused"
	}
	defer f.Release()
	r, err := generation.NewRelease(f, releaseParts())
	if err != nil {
		return "refused"
	}
	defer r.Drop()
	verdict := "unharmed"
	for i := range rotRecords + 200 {
		got, err := r.Account(key(bundle.KindAccount, i))
		switch {
		case err == nil && !proto.Equal(got, account(i)):
			return fmt.Sprintf("wrong account %d", i)
		case errors.Is(err, generation.ErrNotFound) && i < rotRecords:
			return fmt.Sprintf("missed account %d", i)
		case err == nil && i >= rotRecords:
			return fmt.Sprintf("wrong: there is no account %d", i)
		case errors.Is(err, generation.ErrDamaged):
			verdict = "noticed"
		}
		erased, err := r.Erased(key(bundle.KindErased, i))
		if want := i < rotRecords && i%10 == 0; err == nil && erased != want {
			return fmt.Sprintf("wrong erased %d", i)
		}
	}
	if verdict == "noticed" && (f.Check(context.Background()) == nil || !f.Damaged()) {
		return "wrong: the digest holds over damage"
	}
	return verdict
}
