package instore

import (
	"context"
	"path/filepath"
	"time"

	"google.golang.org/grpc"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// Direct is what answers a till's call behind the socket: all steps around the handlers, and the handlers.
func (s *Server) Direct() (grpc.UnaryServerInterceptor, tillv1.CheckoutServiceServer) {
	return s.rpc.UnaryInterceptor(), s.till
}

// Restless is a configuration whose server builds its releases without ever resting for the tills.
func Restless(c Config) Config {
	c.rest = -1
	return c
}

// Lived is a configuration whose server takes it that so much time goes by as elapsed tells, on the clock that nobody sets.
func Lived(c Config, elapsed func() time.Duration) Config {
	c.elapsed = elapsed
	return c
}

// KeepHouse is what the server does every hour: its journal lets go of what it may.
func (s *Server) KeepHouse(ctx context.Context) error { return s.prune(ctx) }

// JournalBytes is how large the journal is, and how much of that is free.
func (s *Server) JournalBytes() (bytes, free int64) { return s.journal.Size() }

// How a journal ages.
const (
	WholeFor = wholeFor
	KeysFor  = keysFor
)

// PracticeSeries is a practice store that gets one release after another.
type PracticeSeries struct{ writer practiceWriter }

// NewPracticeSeries draws the keys of a series whose releases come to dir/bundles.
func NewPracticeSeries(dir string) (*PracticeSeries, error) {
	keys, err := drawKeys()
	return &PracticeSeries{practiceWriter{keys: keys, dir: filepath.Join(dir, "bundles")}}, err
}

// Publish makes the next release, in the place of the one before.
func (s *PracticeSeries) Publish(p Practice) error {
	s.writer.Practice = p
	s.writer.version++
	return s.writer.write()
}

// Enrol writes an enrolment into a folder and returns where.
func (s *PracticeSeries) Enrol(dir string) (string, error) { return s.writer.enrol(dir) }

// DataKey is the key the server's files are sealed under.
func (s *Server) DataKey() bundle.Key { return s.dataKey.Key() }
