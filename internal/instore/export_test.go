package instore

import (
	"google.golang.org/grpc"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// Direct is what answers a till's call behind the socket: all steps around the handlers, and the handlers.
func (s *Server) Direct() (grpc.UnaryServerInterceptor, tillv1.CheckoutServiceServer) {
	return s.rpc.UnaryInterceptor(), s.till
}

// DataKey is the key the server's files are sealed under.
func (s *Server) DataKey() bundle.Key { return s.dataKey.Key() }
