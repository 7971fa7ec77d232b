package office

import (
	"context"
	"errors"
	"fmt"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/inbox"
	"github.com/stamklant/stamklant/internal/office/publisher"
)

const (
	// drainRows is how many rows are fetched at a time.
	drainRows = 1000
	// drainForks is how many forks of one journal are healed in a row before something else must be wrong.
	drainForks = 3
)

// drain fetches what happened from stores that head office can call.
func (o *Office) drain(ctx context.Context, job *officev1.DrainJob, to hub.Terminal) error {
	keys, err := publisher.LoadKeys(o.home.Keys())
	if err != nil {
		return err
	}
	return atEach(job.GetStores(), func(format string, arguments ...any) { fmt.Fprintf(to, format, arguments...) }, func(store *officev1.StoreAddress) error {
		conn, err := dialStore(o.home, keys, store, job.GetToken())
		if err != nil {
			return err
		}
		rows, err := o.drainStore(ctx, store.GetServerId(), syncv1.NewStoreServiceClient(conn), to)
		if err = errors.Join(err, conn.Close()); err == nil {
			fmt.Fprintf(to, "%s: %d rows fetched, none wait.\n", store.GetServerId(), rows)
		}
		return err
	})
}

func (o *Office) drainStore(ctx context.Context, server string, client syncv1.StoreServiceClient, to hub.Terminal) (rows int64, err error) {
	request, forks := &syncv1.DrainRequest{MaxRows: drainRows}, 0
	for {
		answer, err := client.Drain(ctx, request)
		if err != nil {
			return rows, err
		}
		batch := answer.GetBatch()
		if batch == nil {
			return rows, nil
		}
		if batch.GetServerId() != server {
			return rows, fmt.Errorf("it hands out rows of server %s", batch.GetServerId())
		}
		request = &syncv1.DrainRequest{MaxRows: drainRows, Incarnation: batch.GetIncarnation(), First: batch.GetFirst()}
		taken, err := o.inbox.Deliver(ctx, batch)
		var forked *inbox.ForkedError
		var gap *inbox.GapError
		switch {
		case errors.As(err, &forked) && forks < drainForks:
			forks++
			request.Settle = &syncv1.DrainRequest_Forked{Forked: &syncv1.ForkedRows{Agreed: forked.Agreed, Chain: forked.Chain[:]}}
		case errors.As(err, &gap) && forks < drainForks:
			forks++
			request.Settle = &syncv1.DrainRequest_Gap{Gap: &syncv1.MissingRows{Through: gap.Through}}
		case err != nil:
			return rows, err
		default:
			rows += int64(len(batch.GetRows()))
			request.Settle = &syncv1.DrainRequest_Taken{Taken: taken}
			to.Progress(server, rows, rows+int64(answer.GetWaiting())-int64(len(batch.GetRows())), "rows")
		}
	}
}
