package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	"github.com/stamklant/stamklant/internal/instore"
	"github.com/stamklant/stamklant/internal/office"
	"github.com/stamklant/stamklant/internal/samplechain"
)

// demo is the chain as it runs.
type demo struct {
	dir      string
	out      io.Writer
	terminal *office.Terminal
	logger   *slog.Logger
	now      func() time.Time
	accounts int
	seed     int64

	chain  *samplechain.Chain
	home   office.Home
	office *running
	stores []*store
	// lastAddress is where head office answered before it was unplugged.
	lastAddress string
}

// running is a head office that can be unplugged.
type running struct {
	server *office.Server
	unplug context.CancelFunc
	addr   string
}

// play sets the chain up and plays a day at its tills.
func (d *demo) play(ctx context.Context) error {
	for _, step := range []struct {
		says string
		do   func(context.Context) error
	}{
		{"A made-up garden-centre chain brings two years of receipts and its customers", d.makeUp},
		{"Head office opens", d.openOffice},
		{"It imports what the chain brought", d.importLists},
		{"It scores every customer", d.score},
		{"It enrols a server in two stores, and publishes", d.publish},
		{"The two stores open", d.openStores},
		{"A day at the tills", d.day},
		{"Head office is unplugged", d.withoutOffice},
		{"Head office is back", d.officeBack},
	} {
		began := d.now()
		fmt.Fprintf(d.out, "\n━━ %s\n\n", step.says)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.says, err)
		}
		if took := d.now().Sub(began); took > time.Second {
			fmt.Fprintf(d.out, "(%.1f s)\n", took.Seconds())
		}
	}
	return nil
}

func (d *demo) makeUp(context.Context) (err error) {
	d.chain, err = samplechain.New(samplechain.Config{Seed: d.seed, Accounts: d.accounts, LastDay: d.now().AddDate(0, 0, -1)})
	if err != nil {
		return err
	}
	_, err = d.chain.Write(d.lists(""), func(receipts int) { d.terminal.Progress("make up receipts", int64(receipts), 0, "receipts") })
	return err
}

func (d *demo) lists(name string) string { return filepath.Join(d.dir, "lists", name) }

func (d *demo) openOffice(ctx context.Context) error {
	d.home = office.NewHome(filepath.Join(d.dir, "office"))
	if err := office.Init(d.home, office.Answers{Chain: "Tuincentrum De Linde", Profiling: "consent"}, d.now(), io.Discard); err != nil {
		return err
	}
	programme, err := os.ReadFile(d.lists("programme.yaml"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.home.Programme(), programme, 0o600); err != nil { //nolint:gosec // a folder the demo made itself
		return err
	}
	if err := d.plugIn(ctx, "127.0.0.1:0"); err != nil {
		return err
	}
	return office.Check(d.home, "", d.out)
}

// plugIn starts head office.
func (d *demo) plugIn(ctx context.Context, listen string) error {
	ctx, unplug := context.WithCancel(ctx)
	server, err := office.Serve(ctx, d.home, office.ServeConfig{Listen: listen, Logger: d.logger, Now: d.now})
	if err != nil {
		unplug()
		return err
	}
	d.office = &running{server: server, unplug: unplug, addr: server.Addr()}
	return nil
}

// job runs a job through the running head office, as its commands do.
func (d *demo) job(ctx context.Context, job *officev1.RunJobRequest) error {
	return office.Do(ctx, d.home, job, d.terminal)
}

func (d *demo) importLists(ctx context.Context) error {
	for _, list := range []struct {
		kind          officev1.ListKind
		file, mapping string
	}{
		{officev1.ListKind_LIST_KIND_CUSTOMERS, "customers.csv", "customers.mapping.yaml"},
		{officev1.ListKind_LIST_KIND_RECEIPTS, "receipts.csv.gz", "receipts.mapping.yaml"},
	} {
		if err := d.job(ctx, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Import{Import: &officev1.ImportJob{
			List: list.kind, Files: []string{d.lists(list.file)}, Mapping: d.lists(list.mapping),
		}}}); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) score(ctx context.Context) error {
	return d.job(ctx, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Score{Score: &officev1.ScoreJob{
		AsOf: d.chain.LastDay().Format(time.DateOnly),
	}}})
}

func (d *demo) publish(ctx context.Context) error {
	for _, s := range []string{"s01", "s03"} {
		if err := office.Enrol(d.home, office.Enrolment{Server: s + "-a", Store: s, Office: d.office.addr}, d.now(), io.Discard); err != nil {
			return err
		}
	}
	return d.job(ctx, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Publish{Publish: &officev1.PublishJob{}}})
}

func (d *demo) openStores(ctx context.Context) error {
	for _, code := range []string{"s01", "s03"} {
		s, err := d.openStore(ctx, code)
		if err != nil {
			return err
		}
		d.stores = append(d.stores, s)
		fmt.Fprintf(d.out, "Store %s answers tills at %s.\n", code, s.server.Addr())
	}
	return nil
}

func (d *demo) openStore(ctx context.Context, code string) (*store, error) {
	server, err := instore.Open(ctx, instore.Config{
		Data: filepath.Join(d.dir, "store-"+code), Enrol: filepath.Join(d.home.Servers(), code+"-a.enrol.json"),
		Listen: "127.0.0.1:0", Poll: 2 * time.Second, Logger: d.logger, Now: d.now,
	})
	if err != nil {
		return nil, err
	}
	if _, err := server.Refresh(ctx); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return runStore(ctx, server)
}

// stop closes tills, stores and head office, in this order.
func (d *demo) stop() error {
	var err error
	for _, s := range d.stores {
		err = errors.Join(err, s.stop())
	}
	d.stores = nil
	if d.office != nil {
		err = errors.Join(err, d.unplug())
	}
	return err
}

func (d *demo) unplug() error {
	d.office.unplug()
	err := d.office.server.Wait()
	d.lastAddress, d.office = d.office.addr, nil
	return err
}
