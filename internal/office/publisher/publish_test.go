package publisher_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/office/publisher"
)

// TestPublish reads a first publication as a server does: everything that was put in is there, under the keys a till will ask with.
func TestPublish(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	e := o.enrol("amsterdam-1")
	o.enrol("amsterdam-2")
	cutOff := &bundlev1.CutOff{ServerId: "amsterdam-1", Incarnation: make([]byte, 16), LedgerThrough: 5, ReceiptsThrough: 4}
	o.in.CutOffs, o.in.LaneThrough = []*bundlev1.CutOff{cutOff}, 9
	o.in.CutPoints = &customerv1.CutPoints{RecencyDays: []int64{1, 2, 3, 4}, AsOfDay: 20_500}
	o.in.Identifiers = seq(card("b", 2), card("a", 1), card("shared", 1), card("shared", 2), card("shared", 1))
	erased := identify.Hash(o.keys.ContentKey(), "card", "gone")
	o.in.Erased = seq(erased, [16]byte{}, erased)
	var steps []string
	o.to.Progress = func(step string, _, _ int64) { steps = append(steps, step) }
	report := o.publish()

	m := o.manifest(e)
	if m.GetVersion() != 1 || !m.GetExpiresAt().AsTime().Equal(day.AddDate(0, 0, 14)) || !m.GetIssuedAt().AsTime().Equal(day) {
		t.Errorf("manifest %v", m)
	}
	list, header := o.state(e)
	_, key := o.keys.IdentifierKey()
	values := make(map[string][]byte)
	for _, r := range list {
		values[string(append([]byte{byte(r.Kind)}, r.Key...))] = r.Value
	}
	at := func(kind bundle.Kind, key [16]byte) []byte {
		return values[string(append([]byte{byte(kind)}, key[:]...))]
	}
	got := new(customerv1.Account)
	if err := proto.Unmarshal(at(bundle.KindAccount, id(2)), got); err != nil || got.GetLoyalty().GetBalance() != 20 {
		t.Errorf("account %v, %v", got, err)
	}
	for number, accounts := range map[string][]byte{"a": {1}, "b": {2}, "shared": {1, 2}} {
		identifier := new(customerv1.Identifier)
		err := proto.Unmarshal(at(bundle.KindIdentifier, identify.Hash(key, "card", number)), identifier)
		var leads []byte
		for _, id := range identifier.GetAccountIds() {
			leads = append(leads, id[0])
		}
		if err != nil || !bytes.Equal(leads, accounts) || identifier.GetMasked() != number {
			t.Errorf("card %s leads to %v, %v", number, leads, err)
		}
	}
	if _, there := values[string(append([]byte{byte(bundle.KindErased)}, erased[:]...))]; !there || len(list) != 2+3+2 {
		t.Errorf("%d records", len(list))
	}
	if header.GetAccounts() != 2 || header.GetIdentifiers() != 3 || header.GetLaneThrough() != 9 || header.GetIdentifierEpoch() != 1 ||
		!header.GetDataAsOf().AsTime().Equal(day) || !proto.Equal(header.GetCutOffs()[0], cutOff) || !proto.Equal(header.GetCutPoints(), o.in.CutPoints) {
		t.Errorf("header %v", header)
	}
	_, records := o.part(e, m.GetProgramme())
	programme := new(bundlev1.ProgrammePart)
	if err := bundle.Join(bundle.KindProgramme, records, programme); err != nil || programme.GetProgramme().GetChain() != "first" || len(programme.GetTicketKey()) != 32 {
		t.Errorf("programme %v, %v", programme, err)
	}
	_, records = o.part(e, m.GetStorePart())
	store := new(bundlev1.StorePart)
	if err := bundle.Join(bundle.KindStore, records, store); err != nil || store.GetServerId() != "amsterdam-1" || !bytes.Equal(store.GetIdentifierKeys()[0].GetKey(), key) {
		t.Errorf("store part %v, %v", store, err)
	}
	if report.Accounts != 2 || report.Identifiers != 3 || report.Erased != 2 || report.Changes != -1 || !report.Snapshot || !report.NewProgramme ||
		report.Versions["amsterdam-1"] != 1 || report.Versions["amsterdam-2"] != 1 || report.Bytes == 0 || report.Pieces != 2+2+4 {
		t.Errorf("report %+v", report)
	}
	if slices.Sort(steps); !slices.Contains(steps, "customers") || !slices.Contains(steps, "servers") {
		t.Errorf("steps %v", steps)
	}
}

var layout = regexp.MustCompile(`^(keyset\.skm|servers/[a-z0-9-]+/current\.skm|chunks/([0-9a-f]{2})/([0-9a-f]{64}))$`)

// TestLayout writes what stores know and nothing else, and nothing in clear.
func TestLayout(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "amsterdam-1")
	o.in.Programme.Chain = "plain words of the programme"
	o.in.Identifiers = seq(card("2900123456785", 1))
	o.publish()
	a := id(1)
	for _, path := range tree(t, o.to.Bundles) {
		data, err := os.ReadFile(filepath.Join(o.to.Bundles, path))
		if err != nil {
			t.Fatal(err)
		}
		if parts := layout.FindStringSubmatch(path); parts == nil || parts[2] != "" && !strings.HasPrefix(parts[3], parts[2]) {
			t.Errorf("%s is not of the layout", path)
		}
		for _, secret := range [][]byte{[]byte("plain words"), []byte("2900123456785"), a[:], o.keys.ContentKey()} {
			if bytes.Contains(data, secret) {
				t.Errorf("%s shows %q", path, secret)
			}
		}
	}
	for _, path := range tree(t, o.to.StateDir) {
		stat, err := os.Stat(filepath.Join(o.to.StateDir, path))
		if err != nil || stat.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, stat.Mode(), err)
		}
	}
}

// TestChanges publishes day after day: changes while they are little, a snapshot now and then, and always the state that was put in.
func TestChanges(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.to.SnapshotEvery = 4
	e := o.enrol("amsterdam-1")
	var accounts []publisher.Account
	for n := range 3000 {
		a := account(0, int64(n)*1_000_003)
		a.ID = [16]byte{byte(n >> 8), byte(n)}
		accounts = append(accounts, a)
	}
	var snapshots []bool
	for n := range 9 {
		accounts[n].Account.Loyalty.Balance += 1000
		o.to.Now = day.AddDate(0, 0, n)
		o.in.Accounts, o.in.DataAsOf = seq(accounts...), o.to.Now
		report := o.publish()
		snapshots = append(snapshots, report.Snapshot)
		if n > 0 && report.Changes != 1 {
			t.Errorf("day %d: %d changes", n, report.Changes)
		}
		list, header := o.state(e)
		if digest, err := bundle.StateDigest(func(yield func(bundle.Record, error) bool) {
			for _, r := range list {
				if !yield(r, nil) {
					return
				}
			}
		}); err != nil || digest != report.State || !header.GetDataAsOf().AsTime().Equal(o.to.Now) || len(list) != 3002 {
			t.Errorf("day %d: another state, %v", n, err)
		}
		if m := o.manifest(e); m.GetVersion() != uint64(n+1) || len(m.GetCustomers().GetDeltas()) != n {
			t.Errorf("day %d: version %d, %d changes", n, m.GetVersion(), len(m.GetCustomers().GetDeltas()))
		}
	}
	if want := []bool{true, false, false, false, true, false, false, false, true}; !slices.Equal(snapshots, want) {
		t.Errorf("snapshots %v", snapshots)
	}
}

// TestLargeChange cuts a snapshot at once when changes would be more to fetch.
func TestLargeChange(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "amsterdam-1")
	o.publish()
	o.in.Accounts = seq(account(7, 1), account(8, 1), account(9, 1))
	if report := o.publish(); !report.Snapshot || report.Changes != 5 {
		t.Errorf("%+v", report)
	}
}

// TestSameAgain writes nothing anew that did not change, but for a new manifest.
func TestSameAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	e := o.enrol("amsterdam-1")
	o.publish()
	before := o.manifest(e)
	report := o.publish()
	after := o.manifest(e)
	if report.NewProgramme || report.Changes != 0 || report.Pieces != 1 {
		t.Errorf("%+v", report)
	}
	if !bytes.Equal(before.GetProgramme().GetHeaderDigest(), after.GetProgramme().GetHeaderDigest()) ||
		!bytes.Equal(before.GetStorePart().GetHeaderDigest(), after.GetStorePart().GetHeaderDigest()) || after.GetVersion() != 2 {
		t.Errorf("%v after %v", after, before)
	}
	o.in.Programme = &programmev1.Programme{Chain: "second"}
	if report := o.publish(); !report.NewProgramme {
		t.Errorf("%+v", report)
	}
}

// TestVersionsRise over everything that may be lost, and nothing is built on pieces that are gone.
func TestVersionsRise(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		lose func(o *office) error
	}{
		{"nothing", func(*office) error { return nil }},
		{"the state folder", func(o *office) error { return os.RemoveAll(o.to.StateDir) }},
		{"the last state", func(o *office) error {
			names, err := filepath.Glob(filepath.Join(o.to.StateDir, "state-*"))
			return errors.Join(err, os.Truncate(names[0], 10))
		}},
		{"the bundles", func(o *office) error { return os.RemoveAll(o.to.Bundles) }},
		{"the chunks", func(o *office) error { return os.RemoveAll(filepath.Join(o.to.Bundles, "chunks")) }},
		{"the manifest, for something else", func(o *office) error {
			return os.WriteFile(filepath.Join(o.to.Bundles, bundle.ManifestPath("amsterdam-1")), []byte("something else"), 0o600)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			e := o.enrol("amsterdam-1")
			o.publish()
			if err := tc.lose(o); err != nil {
				t.Fatal(err)
			}
			o.in.Accounts = seq(account(1, 11), account(2, 20))
			o.publish()
			if list, _ := o.state(e); o.manifest(e).GetVersion() != 2 || len(list) != 4 {
				t.Errorf("version %d, %d records", o.manifest(e).GetVersion(), len(list))
			}
		})
	}
}

// TestDropped keeps pieces that no manifest names any more for three days, and no longer.
func TestDropped(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.to.SnapshotEvery = 1
	e := o.enrol("amsterdam-1")
	o.publish()
	first := bundle.Path([32]byte(o.manifest(e).GetCustomers().GetSnapshot().GetHeaderDigest()))
	there := func() bool {
		_, err := os.Stat(filepath.Join(o.to.Bundles, first))
		return err == nil
	}
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{time.Hour, true}, {72 * time.Hour, true}, {74 * time.Hour, false}} {
		o.to.Now = day.Add(step.after)
		o.in.Accounts = seq(account(1, int64(step.after)))
		o.publish()
		if there() != step.want {
			t.Errorf("after %s: there %v", step.after, there())
		}
	}
	if list, _ := o.state(e); len(list) != 3 {
		t.Errorf("%d records", len(list))
	}
}

// TestNotPublished refuses what cannot be published, and stores see nothing of it.
func TestNotPublished(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, tc := range []struct {
		name   string
		change func(o *office)
		want   error
	}{
		{"no server", func(o *office) { o.to.Keys = mustCreate(o) }, publisher.ErrNoServers},
		{"no keys", func(o *office) { o.to.Keys = nil }, publisher.ErrInput},
		{"no programme", func(o *office) { o.in.Programme = nil }, publisher.ErrInput},
		{"no accounts", func(o *office) { o.in.Accounts = nil }, publisher.ErrInput},
		{"no time", func(o *office) { o.to.Now = time.Time{} }, publisher.ErrInput},
		{"accounts out of order", func(o *office) { o.in.Accounts = seq(account(2, 1), account(1, 1)) }, publisher.ErrOrder},
		{"an account twice", func(o *office) { o.in.Accounts = seq(account(2, 1), account(2, 1)) }, publisher.ErrOrder},
		{"accounts that fail", func(o *office) { o.in.Accounts = failing[publisher.Account](broken) }, broken},
		{"identifiers that fail", func(o *office) { o.in.Identifiers = failing[publisher.Identifier](broken) }, broken},
		{"erased that fail", func(o *office) { o.in.Erased = failing[[16]byte](broken) }, broken},
		{"a ledger that is none", func(o *office) {
			if err := os.WriteFile(filepath.Join(o.to.StateDir, "published.json"), []byte("{"), 0o600); err != nil {
				o.t.Fatal(err)
			}
		}, publisher.ErrLedger},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			e := o.enrol("amsterdam-1")
			o.publish()
			before := tree(t, o.to.Bundles)
			in, to := o.in, o.to
			tc.change(o)
			if _, err := publisher.Publish(context.Background(), o.in, o.to); !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if after := tree(t, to.Bundles); !slices.Equal(before, after) {
				t.Errorf("files %v after %v", after, before)
			}
			o.in, o.to = in, to
			if errors.Is(tc.want, publisher.ErrLedger) {
				return // only a person can tell what was in it
			}
			o.publish() // and it goes on as if nothing had been
			if o.manifest(e).GetVersion() != 2 {
				t.Errorf("version %d", o.manifest(e).GetVersion())
			}
		})
	}
	o := newOffice(t, "amsterdam-1")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := publisher.Publish(ctx, o.in, o.to); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}

func mustCreate(o *office) *publisher.Keys {
	keys, err := publisher.CreateChain(filepath.Join(o.dir, "other keys"), day)
	if err != nil {
		o.t.Fatal(err)
	}
	return keys
}
