package hub

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/office/inbox"
)

// fetchPiece is how much of a file one message carries: far below the limit of a message, and few enough messages.
const fetchPiece = 256 << 10

// SyncConfig is what SyncService stands on.
type SyncConfig struct {
	// Inbox takes what servers deliver and report.
	Inbox *inbox.Inbox
	// Bundles is the folder of releases, in the layout the publisher writes.
	Bundles string
	// Server tells which server calls, by the token it showed; ok is false for one nobody enrolled.
	Server func(ctx context.Context) (id string, ok bool)
	// Delivered is called after a delivery was taken: what a customer said in one store is for all of them. Nil: nobody wants to know.
	Delivered func(ctx context.Context)
	// Newest is the newest manifest version made for a server, 0 for none. Nil: always 0.
	Newest func(serverID string) uint64
	// Now is the wall clock.
	Now func() time.Time
	// Logger is told of what a person should know.
	Logger *slog.Logger
}

// SyncService is what the stores' servers ask of head office. It starts nothing and keeps nothing in memory.
type SyncService struct {
	syncv1.UnimplementedSyncServiceServer
	cfg     SyncConfig
	bundles *os.Root
}

// NewSyncService returns the service over an existing folder of releases; Close lets the folder go.
func NewSyncService(cfg SyncConfig) (*SyncService, error) {
	root, err := os.OpenRoot(cfg.Bundles)
	if err != nil {
		return nil, fmt.Errorf("the folder of releases: %w", err)
	}
	return &SyncService{cfg: cfg, bundles: root}, nil
}

// Close lets the folder of releases go.
func (s *SyncService) Close() error { return s.bundles.Close() }

// Fetch streams one file of the layout from an offset on. A server sees the keyset, chunks, lane records and its own manifest.
func (s *SyncService) Fetch(req *syncv1.FetchRequest, stream syncv1.SyncService_FetchServer) error {
	if err := s.callerIs(stream.Context(), req.GetServerId()); err != nil {
		return err
	}
	if !mayFetch(req.GetServerId(), req.GetPath()) {
		return refuse(codes.PermissionDenied, "NOT_YOURS", "this file belongs to another server", nil)
	}
	f, err := s.bundles.Open(filepath.FromSlash(req.GetPath()))
	if errors.Is(err, fs.ErrNotExist) {
		return refuse(codes.NotFound, "NO_FILE", "head office has no such file: publish a release first", nil)
	}
	if err != nil {
		return fmt.Errorf("fetch %s: %w", req.GetPath(), err)
	}
	err = send(f, req.GetOffset(), stream)
	return errors.Join(err, f.Close())
}

// mayFetch reports whether a path of the layout is for a server's eyes.
func mayFetch(server, path string) bool {
	if !fs.ValidPath(path) {
		return false
	}
	if strings.HasPrefix(path, "servers/") {
		return path == "servers/"+server+"/current.skm"
	}
	return path == "keyset.skm" || strings.HasPrefix(path, "chunks/") || strings.HasPrefix(path, "lane/")
}

// send streams an open file from an offset on. At or past its end one message tells its length.
func send(f *os.File, offset int64, stream syncv1.SyncService_FetchServer) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return refuse(codes.NotFound, "NO_FILE", "head office has no such file", nil)
	}
	if offset >= info.Size() {
		return stream.Send(&syncv1.FetchResponse{Total: info.Size()})
	}
	rest := io.NewSectionReader(f, offset, info.Size()-offset)
	for {
		piece := make([]byte, min(fetchPiece, info.Size()-offset))
		n, err := io.ReadFull(rest, piece)
		if n > 0 {
			offset += int64(n)
			if err := stream.Send(&syncv1.FetchResponse{Data: piece[:n], Total: info.Size()}); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), err == nil && offset == info.Size():
			return nil
		case err != nil:
			return err // a file of the layout is replaced, never cut short: the server asks again
		}
	}
}

// Deliver takes rows of the calling server's outbox.
func (s *SyncService) Deliver(ctx context.Context, req *syncv1.DeliverRequest) (*syncv1.DeliverResponse, error) {
	if err := s.callerIs(ctx, req.GetServerId()); err != nil {
		return nil, err
	}
	resp, err := s.cfg.Inbox.Deliver(ctx, req)
	if err != nil {
		return nil, s.refusal(req, err)
	}
	if s.cfg.Delivered != nil {
		s.cfg.Delivered(ctx)
	}
	return resp, nil
}

// Report keeps the calling server's state and tells it the time and whether there is something new.
func (s *SyncService) Report(ctx context.Context, req *syncv1.ReportRequest) (*syncv1.ReportResponse, error) {
	if err := s.callerIs(ctx, req.GetServerId()); err != nil {
		return nil, err
	}
	if err := s.cfg.Inbox.Report(ctx, req); err != nil {
		return nil, s.toStatus(err)
	}
	resp := &syncv1.ReportResponse{Time: timestamppb.New(s.cfg.Now())}
	if s.cfg.Newest != nil {
		resp.NewestManifestVersion = s.cfg.Newest(req.GetServerId())
	}
	return resp, nil
}

// callerIs refuses calls in another server's name.
func (s *SyncService) callerIs(ctx context.Context, server string) error {
	id, ok := s.cfg.Server(ctx)
	switch {
	case !ok:
		return refuse(codes.Unauthenticated, "NO_TOKEN", "send the token of this server's enrolment", nil)
	case id != server:
		return refuse(codes.PermissionDenied, "OTHER_SERVER", "this token belongs to another server than server_id names", nil)
	}
	return nil
}

// refusal logs what a person should know of a refused delivery, and gives its status.
func (s *SyncService) refusal(req *syncv1.DeliverRequest, err error) error {
	if errors.Is(err, inbox.ErrForked) || errors.Is(err, inbox.ErrMalformed) || errors.Is(err, inbox.ErrUnknownRow) {
		s.cfg.Logger.Warn("a delivery was refused", "server", req.GetServerId(),
			"incarnation", hex.EncodeToString(req.GetIncarnation()), "first", req.GetFirst(), "error", err)
	}
	return s.toStatus(err)
}

// toStatus gives an error of the inbox the status its caller understands.
func (s *SyncService) toStatus(err error) error {
	var forked *inbox.ForkedError
	var gap *inbox.GapError
	switch {
	case errors.As(err, &forked):
		return refuse(codes.Aborted, "FORKED", "head office holds other rows under this incarnation: begin a new one", map[string]string{
			"agreed": strconv.FormatUint(forked.Agreed, 10), "chain": hex.EncodeToString(forked.Chain[:]),
		})
	case errors.As(err, &gap):
		return refuse(codes.OutOfRange, "GAP", "rows before the first one are missing: deliver them first", map[string]string{
			"through": strconv.FormatUint(gap.Through, 10),
		})
	case errors.Is(err, inbox.ErrMalformed):
		return refuse(codes.InvalidArgument, "MALFORMED_ROW", "a row cannot be read: see the log of the head office", nil)
	case errors.Is(err, inbox.ErrUnknownRow):
		return refuse(codes.FailedPrecondition, "UNKNOWN_ROW", "head office is older than this server: bring it up to date first", nil)
	case errors.Is(err, inbox.ErrFull):
		return refuse(codes.ResourceExhausted, "FULL", "head office has no room on its disk", nil, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Minute)})
	case errors.Is(err, inbox.ErrUnavailable):
		return refuse(codes.Unavailable, "INBOX", "head office's inbox has to be opened again", nil, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Minute)})
	}
	return err
}

// refuse makes a status with the reason, and what goes with it.
func refuse(code codes.Code, reason, text string, with map[string]string, more ...protoadapt.MessageV1) error {
	details := append([]protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: reason, Domain: "stamklant", Metadata: with}}, more...)
	st, err := status.New(code, text).WithDetails(details...)
	if err != nil { // only for code OK
		return status.Error(code, text)
	}
	return st.Err()
}
