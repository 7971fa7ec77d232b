package publisher_test

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/office/publisher"
)

// day is when the tests play.
var day = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

func seq[T any](list ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range list {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func failing[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		yield(zero, err)
	}
}

func id(n byte) [16]byte { return [16]byte{n} }

func account(n byte, balance int64) publisher.Account {
	return publisher.Account{ID: id(n), Account: &customerv1.Account{Loyalty: &customerv1.LoyaltyState{Balance: balance}}}
}

func card(number string, accounts ...byte) publisher.Identifier {
	identifier := &customerv1.Identifier{State: customerv1.IdentifierState_IDENTIFIER_STATE_IN_USE, Masked: number}
	for _, n := range accounts {
		a := id(n)
		identifier.AccountIds = append(identifier.AccountIds, a[:])
	}
	return publisher.Identifier{Namespace: "card", Canonical: number, Identifier: identifier}
}

// office is a head office in a folder.
type office struct {
	t    *testing.T
	dir  string
	keys *publisher.Keys
	in   publisher.Inputs
	to   publisher.Target
}

func newOffice(t *testing.T, servers ...string) *office {
	t.Helper()
	dir := t.TempDir()
	keys, err := publisher.CreateChain(filepath.Join(dir, "keys"), day)
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, dir: dir, keys: keys}
	o.in = publisher.Inputs{
		Programme: &programmev1.Programme{Chain: "first"}, DataAsOf: day,
		Accounts: seq(account(1, 10), account(2, 20)), Identifiers: seq(card("b", 2), card("a", 1)),
	}
	o.to = publisher.Target{Keys: keys, StateDir: filepath.Join(dir, "state"), Bundles: filepath.Join(dir, "bundles"), Now: day}
	for _, s := range servers {
		o.enrol(s)
	}
	return o
}

func (o *office) enrol(server string) *bundlev1.Enrolment {
	o.t.Helper()
	e, err := o.keys.Enrol(publisher.Enrolment{Server: server, Store: "amsterdam"}, day)
	if err != nil {
		o.t.Fatal(err)
	}
	return e
}

func (o *office) publish() *publisher.Report {
	o.t.Helper()
	report, err := publisher.Publish(context.Background(), o.in, o.to)
	if err != nil {
		o.t.Fatal(err)
	}
	return report
}

func (o *office) fetch(digest [32]byte, _ int) ([]byte, error) {
	return os.ReadFile(filepath.Join(o.to.Bundles, bundle.Path(digest)))
}

// manifest is a server's manifest, verified as the server does.
func (o *office) manifest(e *bundlev1.Enrolment) *bundlev1.Manifest {
	o.t.Helper()
	anchor, err := bundle.AnchorOf(e)
	if err != nil {
		o.t.Fatal(err)
	}
	trust := bundle.NewTrust(anchor, 0, [32]byte{})
	keyset, err := os.ReadFile(filepath.Join(o.to.Bundles, bundle.KeysetPath))
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := trust.Keyset(keyset); err != nil {
		o.t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(o.to.Bundles, bundle.ManifestPath(e.GetServerId())))
	if err != nil {
		o.t.Fatal(err)
	}
	m, err := trust.Manifest(file)
	if err != nil {
		o.t.Fatal(err)
	}
	return m
}

// part opens a part as a server does.
func (o *office) part(e *bundlev1.Enrolment, p *bundlev1.SealedPart) (*bundlev1.PartHeader, bundle.Records) {
	o.t.Helper()
	key, err := bundle.OpenKey(e.GetPrivateKey(), bundle.ForPart(o.keys.Chain(), e.GetServerId(), [32]byte(p.GetHeaderDigest())), p.GetWrappedKey())
	if err != nil {
		o.t.Fatal(err)
	}
	header, err := bundle.ReadHeader(p, key, o.fetch)
	if err != nil {
		o.t.Fatal(err)
	}
	return header, bundle.ReadPart(header, key, o.fetch)
}

// state is the state a server gets by snapshot and changes.
func (o *office) state(e *bundlev1.Enrolment) (list []bundle.Record, header *bundlev1.CustomersHeader) {
	o.t.Helper()
	m := o.manifest(e)
	h, records := o.part(e, m.GetCustomers().GetSnapshot())
	changes, ok := bundle.Way(m.GetCustomers(), [32]byte(m.GetCustomers().GetSnapshotState()))
	if !ok {
		o.t.Fatal("no way from the snapshot")
	}
	var streams []bundle.Records
	for _, d := range changes {
		var change bundle.Records
		h, change = o.part(e, d.GetPart())
		streams = append(streams, change)
	}
	for r, err := range bundle.Merge(records, streams...) {
		if err != nil {
			o.t.Fatal(err)
		}
		list = append(list, bundle.Record{Kind: r.Kind, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value)})
	}
	return list, h.GetCustomers()
}

// tree is every file below a folder.
func tree(t *testing.T, dir string) (paths []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return paths
}
