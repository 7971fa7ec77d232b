package office

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/identify"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/inbox"
	"github.com/stamklant/stamklant/internal/office/programme"
	"github.com/stamklant/stamklant/internal/office/publisher"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// Office is an open data folder. Its jobs run one at a time; deliveries go on meanwhile. Who opened it closes it.
type Office struct {
	home      Home
	now       func() time.Time
	inbox     *inbox.Inbox
	warehouse *warehouse.Warehouse

	working sync.Mutex    // held by the job that uses the warehouse
	written atomic.Uint64 // the newest lane record that stores can read
}

// Open opens the inbox and the warehouse. warehouse.ErrBusy or inbox.ErrBusy when another process holds them.
func Open(ctx context.Context, home Home) (*Office, error) {
	if err := home.require(); err != nil {
		return nil, err
	}
	return open(ctx, home, slog.New(slog.DiscardHandler), time.Now)
}

func open(ctx context.Context, home Home, logger *slog.Logger, now func() time.Time) (*Office, error) {
	keys, err := publisher.LoadKeys(home.Keys())
	if err != nil {
		return nil, err
	}
	box, err := inbox.Open(home.Inbox(), inbox.Config{
		Now: now, Logger: logger,
		Suppress: func(namespace, canonical string) [16]byte {
			return identify.Hash(keys.ContentKey(), namespace, canonical)
		},
	})
	if err != nil {
		return nil, held(home, err)
	}
	house, err := warehouse.Open(ctx, home.Warehouse(), warehouse.Options{MemoryLimit: home.memory})
	if err != nil {
		return nil, errors.Join(held(home, err), box.Close())
	}
	return &Office{home: home, now: now, inbox: box, warehouse: house}, nil
}

// held explains a file that another process holds: commands find a running server by office.addr, so there is none, or it is missing.
func held(home Home, err error) error {
	if errors.Is(err, inbox.ErrBusy) || errors.Is(err, warehouse.ErrBusy) {
		return fmt.Errorf("%w (%s, by which commands find a running server, is not there)", err, home.Address())
	}
	return err
}

// Close closes what Open opened.
func (o *Office) Close() error { return errors.Join(o.warehouse.Close(), o.inbox.Close()) }

// Run does one job and says to `to` how it goes. A job that fails leaves what was there before.
func (o *Office) Run(ctx context.Context, job *officev1.RunJobRequest, to hub.Terminal) error {
	if urgent := job.GetLane(); urgent != nil {
		return o.urgent(ctx, urgent, to)
	}
	if look := job.GetInspect(); look != nil {
		return o.inspect(ctx, look, to)
	}
	o.working.Lock()
	defer o.working.Unlock()
	switch j := job.GetJob().(type) {
	case *officev1.RunJobRequest_Import:
		return o.importList(ctx, j.Import, to)
	case *officev1.RunJobRequest_Score:
		return o.score(ctx, j.Score, to)
	case *officev1.RunJobRequest_Publish:
		return o.publish(ctx, j.Publish, to)
	case *officev1.RunJobRequest_Export:
		return o.export(ctx, j.Export, to)
	case *officev1.RunJobRequest_Daily:
		return o.daily(ctx, j.Daily, to)
	case *officev1.RunJobRequest_Insight:
		return o.tell(ctx, j.Insight, to)
	case *officev1.RunJobRequest_Drain:
		return o.drain(ctx, j.Drain, to)
	default:
		return errors.New("this version knows no such job")
	}
}

// programme reads and checks the programme a job works by; its findings are the error when it has faults.
func (o *Office) programme(path string) (*programmev1.Programme, error) {
	if path == "" {
		path = o.home.Programme()
	}
	p, _, err := programme.Load(path)
	var faults programme.Problems
	if errors.As(err, &faults) {
		return nil, &faulty{problems: faults, text: fmt.Sprintf("%s has faults:\n%v", path, faults.Errors())}
	}
	return p, err
}
