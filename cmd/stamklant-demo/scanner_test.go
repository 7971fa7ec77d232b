package main_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/samplechain"
)

// tryStore is a practice store and what tills show it.
func tryStore(t *testing.T) (p *process, token string) {
	t.Helper()
	p = start(t, "stamklant-store", "try", "--listen", "127.0.0.1:0", "--accounts", "200")
	eventually(t, "the token is printed", func() bool {
		if m := printedToken.FindStringSubmatch(p.text()); m != nil {
			token = m[1]
		}
		return token != ""
	})
	return p, token
}

// magic is a practice card's number.
func magic(t *testing.T, name string) string {
	t.Helper()
	for _, card := range samplechain.Magic() {
		if card.Name == name {
			return card.Number
		}
	}
	t.Fatalf("there is no practice card %q", name)
	return ""
}

// A scanner beside till 3 presents what it reads: the till that watches is told at once, one that asks gets it, the scanner is told nothing but
// the customer's words.
func TestScannerBesideTheTill(t *testing.T) {
	t.Parallel()
	p, token := tryStore(t)
	c := newTillWith(t, p.addr, token, "s01", "3")
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token), time.Minute)
	defer cancel()
	watch, err := c.WatchTill(ctx, &tillv1.WatchTillRequest{Caller: c.caller(), StaffLanguage: "en"})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := watch.Recv(); err != nil || m.GetFreshness().GetMeta().GetServer() != "try" {
		t.Fatalf("the watch begins with %v, %v", m, err)
	}
	scan := command(t, "stamklant-till", "--till", "3", "--language", "en", "scan")
	scan.Env = append(os.Environ(), "STAMKLANT_TILL_ADDRESS="+p.addr, "STAMKLANT_TILL_TOKEN="+token)
	scan.Stdin = strings.NewReader("~]E0" + magic(t, "found") + "\r\n\n8710000000017\n")
	out, _ := scan.CombinedOutput() // it ends with the exit code of the article
	printed := string(out)
	if scan.ProcessState.ExitCode() != 3 || !strings.Contains(printed, "accepted") || !strings.Contains(printed, "not a card") || !strings.Contains(printed, "1.245") {
		t.Errorf("scan printed, exit code %d:\n%s", scan.ProcessState.ExitCode(), printed)
	}
	for _, internal := range []string{"Silver ·", "Zilver ·", "segment", "75WW"} {
		if strings.Contains(printed, internal) {
			t.Errorf("the scanner is told %q:\n%s", internal, printed)
		}
	}
	m, err := watch.Recv()
	if err != nil || m.GetCard().GetAnswer().GetLoyalty().GetPointsAvailable() != 1245 || len(m.GetCard().GetAnswer().GetStaff().GetLines()) == 0 {
		t.Fatalf("the till is told %v, %v", m, err)
	}
	request := &tillv1.LookupRequest{Caller: c.caller(), ReceiptRef: "sale-1", Customer: &tillv1.LookupRequest_Presented{Presented: true}}
	asked, err := c.Lookup(t.Context(), request)
	if err != nil || asked.GetAccountRef() != m.GetCard().GetAnswer().GetAccountRef() {
		t.Errorf("the till that asks gets %v, %v", asked, err)
	}
}

// A scanner's token is for its own till and for presenting alone.
func TestScannerToken(t *testing.T) {
	t.Parallel()
	home, enrolment := shop(t)
	importOwn(t, home)
	office(t, home, 0, "publish")
	data := t.TempDir()
	if out, code := try(t, "stamklant-store", "scanner", "3", "--data", data); code != 0 {
		t.Fatalf("scanner: %s", out)
	}
	p, c := serveStore(t, enrolment, data)
	released(t, c, 1)
	token, err := os.ReadFile(filepath.Join(data, "scanner-3.token"))
	if err != nil {
		t.Fatal(err)
	}
	scanner := newTillWith(t, p.addr, strings.TrimSpace(string(token)), "k1", "3")
	present := func(till string) error {
		_, err := scanner.PresentCard(t.Context(), &tillv1.PresentCardRequest{
			Caller: &tillv1.Caller{Till: till}, Identifier: scanned("2900123456785"),
		})
		return err
	}
	if err := present("3"); err != nil {
		t.Errorf("at its own till: %v", err)
	}
	if err := present("4"); status.Code(err) != codes.PermissionDenied {
		t.Errorf("at another till: %v", err)
	}
	if _, err := scanner.Lookup(t.Context(), scanner.lookup("2900123456785")); status.Code(err) != codes.PermissionDenied {
		t.Errorf("looking up: %v", err)
	}
}
