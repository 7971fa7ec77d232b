package instore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/certificate"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/rpc"
)

// errNotRunning is returned by withRunning when no server runs on a data folder.
var errNotRunning = errors.New("no server runs on this folder")

// answersWithin is how long a server on this machine has to say that it is there.
const answersWithin = 2 * time.Second

// withRunning has ask call the server that runs on a data folder, as its admin.
func withRunning(ctx context.Context, config Config, ask func(syncv1.StoreServiceClient) error) error {
	at, ok, err := config.readAddress()
	if err != nil {
		return fmt.Errorf("%s: %w", config.path(addressFile), err)
	}
	if !ok {
		return errNotRunning
	}
	conn, err := config.dialRunning(at.Address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	client := syncv1.NewStoreServiceClient(conn)
	hello, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	if _, err := client.Status(hello, &syncv1.StatusRequest{}); err != nil {
		if held := journal.Held(config.path(journalFile)); held != nil {
			return fmt.Errorf("%w; it does not answer at %s: %w", held, at.Address, err)
		}
		return errNotRunning // it was stopped hard
	}
	if err := ask(client); err != nil {
		if status.Code(err) != codes.Unknown {
			return fmt.Errorf("the server at %s: %s", at.Address, status.Convert(err).Message())
		}
		return err
	}
	return nil
}

// dialRunning connects to the server on a data folder as its admin: by the folder's token in plain text, by the folder's certificate otherwise.
func (c Config) dialRunning(at string) (*grpc.ClientConn, error) {
	address, secure := rpc.NeedsTLS(at)
	if !secure {
		admin, err := os.ReadFile(c.path(adminTokenFile))
		if err != nil {
			return nil, err
		}
		return rpc.Dial(address, rpc.DialConfig{Token: strings.TrimSpace(string(admin))})
	}
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() { // it listens everywhere: so here too
		address = net.JoinHostPort("localhost", port)
	}
	kept, err := c.enrolment()
	if err != nil {
		return nil, err
	}
	file := c.tls(adminFile)
	keeper, err := certificate.Open(certificate.Files{Certificate: file, Key: file, Authorities: c.tls(chainCAFile)}, c.wall(), func(error) {})
	if err != nil {
		return nil, err
	}
	return rpc.Dial(address, rpc.DialConfig{TLS: keeper.Dial(kept.GetStore())})
}

// Look tells all there is to know of a data folder, through the server that runs on it, or directly when none does.
func Look(ctx context.Context, config Config) (report *syncv1.InspectResponse, err error) {
	err = withRunning(ctx, config, func(client syncv1.StoreServiceClient) error {
		report, err = client.Inspect(ctx, &syncv1.InspectRequest{})
		return err
	})
	if errors.Is(err, errNotRunning) {
		return Inspect(ctx, config)
	}
	return report, err
}
