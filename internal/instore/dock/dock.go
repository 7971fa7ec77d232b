// Package dock is where head-office jobs come to a store's server: they bring releases, fetch what happened, and look (sync.v1.StoreService). A
// server behind a router that lets nobody in is not poorer for it: it follows and delivers by itself, and both ways end in the same apply and
// the same rows.
//
// It owns nothing and decides nothing: releases go to package replica, which verifies them as if it had fetched them; rows come from package
// outbox; what it tells stands in the files. It promises that no call changes what tills are told but through a verified release, that nothing
// of a customer leaves but sealed or as an outcome's row, and that a call which is cut off leaves what came in place. It starts no goroutine.
package dock

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/instore/outbox"
	"github.com/stamklant/stamklant/internal/instore/replica"
)

// Config is what the service stands on. All fields are needed.
type Config struct {
	// ServerID and Store are who this server is; Version is its program's.
	ServerID, Store, Version string
	// Replica takes releases.
	Replica *replica.Replica
	// Journal is the server's own book.
	Journal *journal.Journal
	// Outbox hands out rows.
	Outbox *outbox.Outbox
	// Inspect tells all there is to know of the files.
	Inspect func(ctx context.Context) (*syncv1.InspectResponse, error)
	// Backup writes a back-up of the journal.
	Backup func(ctx context.Context, to io.Writer) error
	// Now is the wall clock.
	Now func() time.Time
}

// Service answers head-office jobs. It is safe for use by many goroutines.
type Service struct {
	syncv1.UnimplementedStoreServiceServer
	cfg Config
}

// New returns the service; it starts nothing.
func New(cfg Config) *Service { return &Service{cfg: cfg} }

// Offer takes a release and answers what is missing of it.
func (s *Service) Offer(ctx context.Context, req *syncv1.OfferRequest) (*syncv1.OfferResponse, error) {
	answer, err := s.cfg.Replica.Offer(ctx, req.GetKeyset(), req.GetManifest())
	return answer, toStatus(err)
}

// Put takes pieces. What came before one that is refused stays.
func (s *Service) Put(stream syncv1.StoreService_PutServer) error {
	answer := &syncv1.PutResponse{}
	for {
		piece, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(answer)
		}
		if err != nil {
			return err
		}
		complete, err := s.cfg.Replica.Put([32]byte(piece.GetDigest()), piece.GetOffset(), piece.GetData())
		if err != nil {
			return toStatus(err)
		}
		answer.Bytes += uint64(len(piece.GetData()))
		if complete {
			answer.Pieces++
		}
	}
}

// Status tells how the server is.
func (s *Service) Status(context.Context, *syncv1.StatusRequest) (*syncv1.StatusResponse, error) {
	waiting, err := s.cfg.Journal.Waiting()
	if err != nil {
		return nil, toStatus(err)
	}
	now, status, incarnation := s.cfg.Now(), s.cfg.Replica.Status(), s.cfg.Journal.Incarnation()
	answer := &syncv1.StatusResponse{
		ServerId: s.cfg.ServerID, Store: s.cfg.Store, Version: s.cfg.Version, ManifestVersion: status.Version,
		TrustedVersion: s.cfg.Journal.TrustedVersion(), Applying: status.Applying, OfferedVersion: status.Offered, Incarnation: incarnation[:],
		OutboxWaiting: waiting, Time: timestamppb.New(now), DataAsOf: stamp(status.DataAsOf), ExpiresAt: stamp(status.ExpiresAt),
	}
	clock := s.cfg.Journal.Time()
	answer.TrustedTime, answer.ClockSuspect = stamp(clock.Trusted), clock.Suspect
	if status.Err != nil {
		answer.Failure = status.Err.Error()
	}
	return answer, nil
}

// stamp is a time for a message; none for none.
func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// Drain settles rows and hands out more.
func (s *Service) Drain(ctx context.Context, req *syncv1.DrainRequest) (*syncv1.DrainResponse, error) {
	answer, err := s.cfg.Outbox.Drain(ctx, req)
	return answer, toStatus(err)
}

// Inspect tells all there is to know of the server's files.
func (s *Service) Inspect(ctx context.Context, _ *syncv1.InspectRequest) (*syncv1.InspectResponse, error) {
	answer, err := s.cfg.Inspect(ctx)
	return answer, toStatus(err)
}

// backupPiece is how much of a back-up one message carries.
const backupPiece = 256 << 10

// Backup streams a back-up of the journal.
func (s *Service) Backup(_ *syncv1.BackupRequest, stream syncv1.StoreService_BackupServer) error {
	return toStatus(s.cfg.Backup(stream.Context(), pieces{stream}))
}

// pieces cuts what is written into messages.
type pieces struct {
	stream syncv1.StoreService_BackupServer
}

// Write sends bytes.
func (p pieces) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		size := min(len(b), backupPiece)
		if err = p.stream.Send(&syncv1.BackupResponse{Data: b[:size]}); err == nil {
			n, b = n+size, b[size:]
		}
	}
	return n, err
}
