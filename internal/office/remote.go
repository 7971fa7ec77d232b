package office

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/rpc"
)

// Do runs a job on the data folder: inside the server that runs there, or in this process when none does. It returns when the job has
// ended. ErrStaleAddress when office.addr names a server that is gone; warehouse.ErrBusy when another process holds the files without
// having said where it listens.
func Do(ctx context.Context, home Home, job *officev1.RunJobRequest, to hub.Terminal) error {
	if err := home.require(); err != nil {
		return err
	}
	client, closeClient, err := dial(ctx, home)
	if err != nil {
		return err
	}
	if client != nil {
		return errors.Join(remoteJob(ctx, client, job, to), closeClient())
	}
	o, err := Open(ctx, home)
	if err != nil {
		return err
	}
	return errors.Join(o.Run(ctx, job, to), o.Close())
}

// remoteError is how a job ended inside the server.
type remoteError struct {
	text string
	code int
}

func (e *remoteError) Error() string { return e.text }

// dial connects to the folder's server; client is nil when office.addr says that none runs.
func dial(ctx context.Context, home Home) (client officev1.OfficeServiceClient, closeClient func() error, err error) {
	at, ok, err := home.readAddress()
	if err != nil || !ok {
		return nil, nil, err
	}
	if err := home.probe(ctx, at); err != nil {
		return nil, nil, err
	}
	where, show, err := home.dialOwn(at)
	if err != nil {
		return nil, nil, err
	}
	conn, err := rpc.Dial(where, show)
	if err != nil {
		return nil, nil, err
	}
	return officev1.NewOfficeServiceClient(conn), conn.Close, nil
}

// remoteJob runs the job in the server and passes on what it says.
func remoteJob(ctx context.Context, client officev1.OfficeServiceClient, job *officev1.RunJobRequest, to hub.Terminal) error {
	stream, err := client.RunJob(ctx, job)
	if err != nil {
		return remoteFailure(err)
	}
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return errors.New("the server ended the job without saying how it went: see its log")
		}
		if err != nil {
			return remoteFailure(err)
		}
		switch e := event.GetEvent().(type) {
		case *officev1.RunJobResponse_Output:
			if _, err := io.WriteString(to, e.Output); err != nil {
				return err
			}
		case *officev1.RunJobResponse_Progress:
			to.Progress(e.Progress.GetStep(), e.Progress.GetDone(), e.Progress.GetTotal(), e.Progress.GetUnit())
		case *officev1.RunJobResponse_Result:
			if e.Result.GetExitCode() == ExitDone {
				return nil
			}
			return &remoteError{text: e.Result.GetError(), code: int(e.Result.GetExitCode())}
		}
	}
}

// remoteFailure says what the server refused in the words it used.
func remoteFailure(err error) error {
	return fmt.Errorf("the server that runs on this folder: %s", status.Convert(err).Message())
}

// withServer runs ask against the folder's server, or fails saying how to start one.
func withServer(ctx context.Context, home Home, ask func(officev1.OfficeServiceClient) error) error {
	client, closeClient, err := dial(ctx, home)
	if err != nil {
		return err
	}
	if client == nil {
		return fmt.Errorf("no server runs on %s: start `stamklant-office serve --data %s`", home.Dir(), home.Dir())
	}
	return errors.Join(ask(client), closeClient())
}

// ListServers prints the fleet.
func ListServers(ctx context.Context, home Home, to io.Writer) error {
	return withServer(ctx, home, func(client officev1.OfficeServiceClient) error {
		fleet, err := client.ListServers(ctx, &officev1.ListServersRequest{}, grpc.WaitForReady(false))
		if err != nil {
			return remoteFailure(err)
		}
		printServers(to, fleet.GetServers())
		return nil
	})
}

// ListConflicts prints receipts that came back with other content.
func ListConflicts(ctx context.Context, home Home, to io.Writer) error {
	return withServer(ctx, home, func(client officev1.OfficeServiceClient) error {
		list, err := client.ListConflicts(ctx, &officev1.ListConflictsRequest{})
		if err != nil {
			return remoteFailure(err)
		}
		printConflicts(to, list.GetConflicts())
		return nil
	})
}

// ListRuns prints the newest daily runs; limit 0 prints 20. Without a server it opens the data folder itself.
func ListRuns(ctx context.Context, home Home, limit int32, to io.Writer) error {
	if err := home.require(); err != nil {
		return err
	}
	client, closeClient, err := dial(ctx, home)
	if err != nil {
		return err
	}
	if client == nil {
		o, err := Open(ctx, home)
		if err != nil {
			return err
		}
		runs, err := o.runs(ctx, limit)
		printRuns(to, runs)
		return errors.Join(err, o.Close())
	}
	list, err := client.ListRuns(ctx, &officev1.ListRunsRequest{Limit: limit})
	if err != nil {
		return errors.Join(remoteFailure(err), closeClient())
	}
	printRuns(to, list.GetRuns())
	return closeClient()
}
