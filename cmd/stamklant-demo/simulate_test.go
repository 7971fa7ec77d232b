package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSimulate plays a short rush hour while servers are killed and releases come: head office's books are the tills' own, to the point and the cent.
func TestSimulate(t *testing.T) {
	t.Parallel()
	simulate(t, 12, 16*time.Second, "--pace", "500ms")
}

// TestSoakSimulate is TestSimulate with fifty tills for three minutes, or for as long as STAMKLANT_SIMULATE says.
func TestSoakSimulate(t *testing.T) {
	if os.Getenv("STAMKLANT_SOAK") == "" {
		t.Skip("long: runs with make soak")
	}
	lasts, err := time.ParseDuration(os.Getenv("STAMKLANT_SIMULATE"))
	if err != nil {
		lasts = 3 * time.Minute
	}
	simulate(t, 50, lasts)
}

// rushShops is a chain of two shops, one of them with a standby, that are killed.
type rushShops struct {
	t       *testing.T
	home    string
	servers map[string]*process
	args    map[string][]string
}

func simulate(t *testing.T, tills int, lasts time.Duration, more ...string) {
	t.Helper()
	s := openRush(t)
	cards := func(file string, first, n int) string {
		var list strings.Builder
		for i := range n {
			fmt.Fprintln(&list, withCheckDigit(fmt.Sprintf("29001%07d", first+i)))
		}
		return write(t, filepath.Join(s.home, file), list.String())
	}
	known := cards("known.txt", 0, 60)
	s.publish(known)
	for _, id := range []string{"k1-a", "k1-b", "k2-a"} {
		s.enrol(id)
	}
	s.release()
	for _, id := range []string{"k1-a", "k1-b", "k2-a"} {
		s.serve(id)
	}
	args := append([]string{
		"simulate", "--tills", strconv.Itoa(tills), "--minutes", fmt.Sprint(lasts.Minutes()), "--seed", "30", "--cards", known, "--verify", s.home,
		"--new-cards", cards("new.txt", 2_000_000, 8), "--strange-cards", cards("strange.txt", 9_000_000, 5),
		"--shop", "k1=" + s.servers["k1-a"].addr + "," + s.servers["k1-b"].addr, "--shop", "k2=" + s.servers["k2-a"].addr,
		"--shop-token", "k1=" + s.token("k1-a"), "--shop-token", "k2=" + s.token("k2-a"),
	}, more...)
	type outcome struct {
		text string
		code int
	}
	ended := make(chan outcome, 1)
	go func() {
		text, code := try(t, "stamklant-till", args...)
		ended <- outcome{text, code}
	}()
	for i, id := range []string{"k1-a", "k2-a", "k1-a"}[:2+btoi(lasts > time.Minute)] {
		<-time.After(lasts / 4)
		s.servers[id].kill()
		if i == 0 {
			s.release()
		}
		<-time.After(time.Second)
		s.serve(id)
	}
	got := <-ended
	t.Logf("stamklant-till %s\n%s", strings.Join(args, " "), got.text)
	if got.code != 0 || !strings.Contains(got.text, "The books agree to the point and the cent.") {
		t.Errorf("exit code %d", got.code)
	}
	for _, what := range []string{
		"sale suspended and recalled", "sale of three days ago", "practice", "full return", "return of a part", "return in another shop", "sale on an unknown card",
		"sent again at once to all servers", "receipt kept and sent later", "answer repeated from the first time", "answer provisional",
	} {
		if m := regexp.MustCompile(regexp.QuoteMeta(what) + ` +(\d+)`).FindStringSubmatch(got.text); m == nil || m[1] == "0" {
			t.Errorf("nothing of this happened: %s", what)
		}
	}
	s.agree(known)
}

// agree has the next release serve: in both shops every card then has what head office counts, less what was taken back beyond it.
func (s *rushShops) agree(known string) {
	s.t.Helper()
	here, there := s.till("k1-a", "90"), s.till("k2-a", "90")
	s.next(here, there)
	points := s.ledger()
	text, err := os.ReadFile(known)
	if err != nil {
		s.t.Fatal(err)
	}
	pace := time.NewTicker(25 * time.Millisecond)
	defer pace.Stop()
	for _, card := range strings.Fields(string(text)) {
		for _, c := range []*till{here, there} {
			<-pace.C
			if got, want := c.card(card).GetLoyalty().GetPointsAvailable(), max(0, points[card]); got != want {
				s.t.Errorf("card %s has %d points in store %s after the release, %d at head office", card, got, c.store, want)
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// openRush sets up head office.
func openRush(t *testing.T) *rushShops {
	t.Helper()
	s := &rushShops{t: t, home: t.TempDir(), servers: map[string]*process{}, args: map[string][]string{}}
	programme := strings.Replace(ownProgramme, "  k1: {name: Kaaswinkel}", "  k1: {name: Kaaswinkel}\n  k2: {name: Boter}", 1)
	write(t, filepath.Join(s.home, "programme.yaml"), strings.Replace(programme, "2900199999999", "2900149999999", 1))
	office(t, s.home, 0, "init", "--yes")
	s.servers["office"] = start(t, "stamklant-office", "--data", s.home, "serve", "--listen", "127.0.0.1:0")
	return s
}

// publish has head office know the cards.
func (s *rushShops) publish(cards string) {
	s.t.Helper()
	text, err := os.ReadFile(cards)
	if err != nil {
		s.t.Fatal(err)
	}
	list := "no,card,segment,r,f,m,tier,points\n"
	for i, card := range strings.Fields(string(text)) {
		list += fmt.Sprintf("%d,%s,loyal,4,4,4,basic,0\n", i, card)
	}
	office(s.t, s.home, 0, "import", "customers", write(s.t, filepath.Join(s.home, "list.csv"), list), "--mapping", write(s.t, filepath.Join(s.home, "mapping.yaml"), ownMapping))
	office(s.t, s.home, 0, "score")
}

func (s *rushShops) release() { s.t.Helper(); office(s.t, s.home, 0, "publish") }

// enrol makes a server of the store before the dash in its name. The tills of a store have one token.
func (s *rushShops) enrol(id string) {
	s.t.Helper()
	store, _, _ := strings.Cut(id, "-")
	enrolment, data := filepath.Join(s.home, id+".json"), s.t.TempDir()
	office(s.t, s.home, 0, "keys", "server", id, "--store", store, "--office", s.servers["office"].addr, "--out", enrolment)
	write(s.t, filepath.Join(data, "till.token"), "the-token-of-the-tills-of-"+store+"\n")
	s.args[id] = []string{"serve", "--enrol", enrolment, "--data", data, "--poll", "1s", "--listen"}
}

func (s *rushShops) token(id string) string { return filepath.Join(s.args[id][4], "till.token") }

// serve starts a server, at the address it had before.
func (s *rushShops) serve(id string) {
	s.t.Helper()
	address := "127.0.0.1:0"
	if before := s.servers[id]; before != nil {
		address = before.addr
	}
	s.servers[id] = start(s.t, "stamklant-store", append(s.args[id], address)...)
	store, _, _ := strings.Cut(id, "-")
	released(s.t, newTill(s.t, s.servers[id].addr, s.args[id][4], store, "1"), 1)
}
