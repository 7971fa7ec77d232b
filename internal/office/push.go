package office

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/publisher"
)

const (
	// pushPiece is how much of a piece one message carries: below the limit of a message, and few of them.
	pushPiece = 512 << 10
	// pushRounds is how often a release is offered before something must be wrong: headers, chunks, and again when a store was busy meanwhile.
	pushRounds = 20
	// pushPatience is how long a store may take to apply a release once it has all of it.
	pushPatience = 30 * time.Minute
	// pushAsk is how often it is asked meanwhile, and offered again when it is busy.
	pushAsk = time.Second
)

// Push brings the newest release to stores that head office can call, and waits until it serves there. ErrStores when it does not everywhere.
func Push(ctx context.Context, home Home, stores []*officev1.StoreAddress, token string, to hub.Terminal) error {
	keys, err := publisher.LoadKeys(home.Keys())
	if err != nil {
		return err
	}
	return atEach(stores, func(format string, arguments ...any) { fmt.Fprintf(to, format, arguments...) }, func(store *officev1.StoreAddress) error {
		conn, err := dialStore(home, keys, store, token)
		if err != nil {
			return err
		}
		p := &push{bundles: home.Bundles(), server: store.GetServerId(), client: syncv1.NewStoreServiceClient(conn), to: to}
		return errors.Join(p.run(ctx), conn.Close())
	})
}

// push is one release on its way to one store.
type push struct {
	bundles, server string
	client          syncv1.StoreServiceClient
	to              hub.Terminal
	sent            uint64
}

func (p *push) file(path string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(p.bundles, filepath.FromSlash(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not in %s: publish a release first", path, p.bundles)
	}
	return data, err
}

func (p *push) run(ctx context.Context) error {
	before, err := p.client.Status(ctx, &syncv1.StatusRequest{})
	if err != nil {
		return err
	}
	if before.GetServerId() != p.server {
		return fmt.Errorf("server %s answers there", before.GetServerId())
	}
	keyset, err := p.file(bundle.KeysetPath)
	if err != nil {
		return err
	}
	manifest, err := p.file(bundle.ManifestPath(p.server))
	if err != nil {
		return err
	}
	offer := &syncv1.OfferRequest{Keyset: keyset, Manifest: manifest}
	for range pushRounds {
		answer, err := p.client.Offer(ctx, offer)
		switch {
		case status.Code(err) == codes.Unavailable: // it is applying another
			if err := pause(ctx); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		case answer.GetServes():
			fmt.Fprintf(p.to, "%s: release %d serves; %.1f MB were brought.\n", p.server, answer.GetVersion(), float64(p.sent)/1e6)
			return nil
		case len(answer.GetMissing()) > 0:
			err = p.put(ctx, answer)
		default:
			err = p.applied(ctx, answer.GetVersion())
		}
		if err != nil && status.Code(err) != codes.Unavailable {
			return err
		}
	}
	return fmt.Errorf("after %d rounds pieces are still missing there", pushRounds)
}

// put sends what is missing.
func (p *push) put(ctx context.Context, answer *syncv1.OfferResponse) error {
	stream, err := p.client.Put(ctx)
	if err != nil {
		return err
	}
	var done uint64
	for _, m := range answer.GetMissing() {
		data, err := p.file(bundle.Path([32]byte(m.GetDigest())))
		if err != nil {
			return err
		}
		for at := int(m.GetHave()); at < len(data); {
			end := min(at+pushPiece, len(data))
			if stream.Send(&syncv1.PutRequest{Digest: m.GetDigest(), Offset: uint32(at), Data: data[at:end]}) != nil {
				_, err := stream.CloseAndRecv() // tells why
				return err
			}
			done += uint64(end - at)
			p.sent += uint64(end - at)
			at = end
			p.to.Progress(p.server, int64(done), int64(answer.GetMissingBytes()), "bytes")
		}
	}
	_, err = stream.CloseAndRecv()
	return err
}

// applied waits until the store has applied what it has, or says why it cannot.
func (p *push) applied(ctx context.Context, version uint64) error {
	ctx, cancel := context.WithTimeout(ctx, pushPatience)
	defer cancel()
	for {
		s, err := p.client.Status(ctx, &syncv1.StatusRequest{})
		switch {
		case err != nil:
			return err
		case s.GetManifestVersion() == version:
			return nil
		case !s.GetApplying() && s.GetFailure() != "":
			return fmt.Errorf("release %d is not applied, %d goes on: %s", version, s.GetManifestVersion(), s.GetFailure())
		case !s.GetApplying():
			return nil // it restarted meanwhile: offered again
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context) error {
	wait := time.NewTimer(pushAsk)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return nil
	}
}

// plain is an error without what only programs read.
func plain(err error) error {
	if s, ok := status.FromError(err); ok {
		return errors.New(s.Message())
	}
	return err
}
