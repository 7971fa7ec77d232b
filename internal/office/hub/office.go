// Package hub is head office's two services: SyncService for the stores' servers, OfficeService for its own people and commands.
//
// It decides nothing: what servers deliver goes to the inbox, what they fetch lies in the folder of releases, and a job is run by the assembly. It
// promises that a server sees and delivers only what is its own, and that one job runs at a time. It starts no goroutine and keeps nothing in
// memory but the name of the job that runs.
package hub

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
)

// Terminal is where a job says how it goes: text as a person reads it, and how far it is. Both may be called from one goroutine at a time.
type Terminal interface {
	// Write takes text for the person.
	Write(text []byte) (int, error)
	// Progress tells how far the present step is; total is 0 while unknown.
	Progress(step string, done, total int64, unit string)
}

// Books is what OfficeService reads from inbox and warehouse.
type Books interface {
	// Servers lists the fleet.
	Servers(ctx context.Context) ([]*officev1.Server, error)
	// Conflicts lists receipts that came back with other content, newest first.
	Conflicts(ctx context.Context) ([]*officev1.Conflict, error)
	// Runs lists the newest daily runs, newest first; limit 0 for 20.
	Runs(ctx context.Context, limit int32) ([]*officev1.Run, error)
}

// OfficeConfig is what OfficeService stands on.
type OfficeConfig struct {
	// Run does one job. It returns when the job ended or ctx was cancelled.
	Run func(ctx context.Context, job *officev1.RunJobRequest, to Terminal) error
	// Books answers the lists.
	Books Books
	// ExitCode gives the documented exit code of a job's error.
	ExitCode func(error) int
}

// OfficeService runs head office's jobs inside the server, one at a time, and lists what there is to know.
type OfficeService struct {
	officev1.UnimplementedOfficeServiceServer
	cfg OfficeConfig

	mu      sync.Mutex
	running string
}

// NewOfficeService returns the service; it starts nothing.
func NewOfficeService(cfg OfficeConfig) *OfficeService { return &OfficeService{cfg: cfg} }

// RunJob runs one job and streams its course. While one runs, another is refused with FAILED_PRECONDITION JOB_RUNNING naming it.
func (s *OfficeService) RunJob(job *officev1.RunJobRequest, stream officev1.OfficeService_RunJobServer) error {
	if job.GetLane() == nil { // an urgent word waits for nothing
		if other, ok := s.begin(jobName(job)); !ok {
			return jobRunning(other)
		}
		defer s.end()
	}
	err := s.cfg.Run(stream.Context(), job, &streamTerminal{stream: stream})
	if errors.Is(err, context.Canceled) && stream.Context().Err() != nil {
		return status.FromContextError(stream.Context().Err()).Err()
	}
	result := &officev1.Result{ExitCode: int32(s.cfg.ExitCode(err))}
	if err != nil {
		result.Error = err.Error()
	}
	return stream.Send(&officev1.RunJobResponse{Event: &officev1.RunJobResponse_Result{Result: result}})
}

// ListServers lists the chain's servers and what each last reported.
func (s *OfficeService) ListServers(ctx context.Context, _ *officev1.ListServersRequest) (*officev1.ListServersResponse, error) {
	servers, err := s.cfg.Books.Servers(ctx)
	if err != nil {
		return nil, fmt.Errorf("list servers: %w", err)
	}
	return &officev1.ListServersResponse{Servers: servers}, nil
}

// ListConflicts lists receipts that came back with other content under the same key.
func (s *OfficeService) ListConflicts(ctx context.Context, _ *officev1.ListConflictsRequest) (*officev1.ListConflictsResponse, error) {
	conflicts, err := s.cfg.Books.Conflicts(ctx)
	if err != nil {
		return nil, fmt.Errorf("list conflicts: %w", err)
	}
	return &officev1.ListConflictsResponse{Conflicts: conflicts}, nil
}

// ListRuns lists the daily runs, the one under way included.
func (s *OfficeService) ListRuns(ctx context.Context, request *officev1.ListRunsRequest) (*officev1.ListRunsResponse, error) {
	runs, err := s.cfg.Books.Runs(ctx, request.GetLimit())
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return &officev1.ListRunsResponse{Runs: runs}, nil
}

func (s *OfficeService) begin(name string) (other string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != "" {
		return s.running, false
	}
	s.running = name
	return "", true
}

func (s *OfficeService) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = ""
}

// jobName is the command a person would type.
func jobName(job *officev1.RunJobRequest) string {
	switch job.GetJob().(type) {
	case *officev1.RunJobRequest_Import:
		return "import"
	case *officev1.RunJobRequest_Score:
		return "score"
	case *officev1.RunJobRequest_Publish:
		return "publish"
	case *officev1.RunJobRequest_Export:
		return "export"
	case *officev1.RunJobRequest_Daily:
		return "daily"
	case *officev1.RunJobRequest_Insight:
		return "insight"
	case *officev1.RunJobRequest_Drain:
		return "drain"
	default:
		return "job"
	}
}

func jobRunning(other string) error {
	st, err := status.New(codes.FailedPrecondition, fmt.Sprintf("`%s` is still running: wait for it, or stop it, and try again", other)).
		WithDetails(&errdetails.ErrorInfo{Reason: "JOB_RUNNING", Domain: "stamklant", Metadata: map[string]string{"job": other}})
	if err != nil {
		return status.Error(codes.FailedPrecondition, "another job is running")
	}
	return st.Err()
}

// streamTerminal sends what a job says to the command that asked for it. Progress is sent at most ten times a second, and always when a
// step is complete. What cannot be sent is dropped: the job's context ends with the stream.
type streamTerminal struct {
	stream officev1.OfficeService_RunJobServer
	step   string
	sent   time.Time
}

// Write sends text.
func (t *streamTerminal) Write(text []byte) (int, error) {
	err := t.stream.Send(&officev1.RunJobResponse{Event: &officev1.RunJobResponse_Output{Output: string(text)}})
	return len(text), err
}

// Progress sends how far a step is.
func (t *streamTerminal) Progress(step string, done, total int64, unit string) {
	now := time.Now()
	if step == t.step && done < total && now.Sub(t.sent) < 100*time.Millisecond {
		return
	}
	t.step, t.sent = step, now
	_ = t.stream.Send(&officev1.RunJobResponse{Event: &officev1.RunJobResponse_Progress{
		Progress: &officev1.Progress{Step: step, Done: done, Total: total, Unit: unit},
	}})
}
