package rpc

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// DialConfig says how to reach a server.
type DialConfig struct {
	// Token is sent as bearer token with every call. Empty sends none.
	Token string
	// TLS secures the connection. Nil is plain text, which only goes to loopback addresses.
	TLS *tls.Config
}

// SecurePrefix before an address asks for TLS where plain text would do, on this machine.
const SecurePrefix = "tls://"

// NeedsTLS parts an address from SecurePrefix, and reports whether it can only be reached securely: it says so, or is beyond loopback.
func NeedsTLS(address string) (hostPort string, needs bool) {
	hostPort, needs = strings.CutPrefix(address, SecurePrefix)
	return hostPort, needs || loopbackOnly(hostPort) != nil
}

// How a client keeps its connection: back within two seconds of a server's return, and aware of a pulled cable within 30.
const (
	reconnectFirst   = 100 * time.Millisecond
	reconnectAtMost  = 2 * time.Second
	connectAtMost    = time.Second // gRPC's own 20 s would keep a till waiting for a server that is gone
	pingAfterSilence = 20 * time.Second
	pingAnswerWithin = 10 * time.Second
)

// Dial returns a connection to the server at address (host:port). It does not connect yet, and reconnects by itself; the caller closes
// it. ErrPlainTextBeyondLoopback when plain text would leave this machine.
func Dial(address string, config DialConfig, more ...grpc.DialOption) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if config.TLS != nil {
		transport = credentials.NewTLS(config.TLS)
	} else if err := loopbackOnly(address); err != nil {
		return nil, fmt.Errorf("rpc: dial: %w", err)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: reconnectFirst, Multiplier: 1.6, Jitter: 0.2, MaxDelay: reconnectAtMost},
			MinConnectTimeout: connectAtMost,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: pingAfterSilence, Timeout: pingAnswerWithin, PermitWithoutStream: true,
		}),
		grpc.WithDisableServiceConfig(),
	}
	if config.Token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearerToken(config.Token)))
	}
	// Passthrough: the address is a host and port, not a name for a resolver to ask about.
	conn, err := grpc.NewClient("passthrough:///"+address, append(options, more...)...)
	if err != nil {
		return nil, fmt.Errorf("rpc: dial %s: %w", address, err)
	}
	return conn, nil
}

// bearerToken sends itself with every call.
type bearerToken string

// GetRequestMetadata returns the authorization header.
func (t bearerToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(t)}, nil
}

// RequireTransportSecurity says no: Dial has made sure that plain text stays on this machine.
func (t bearerToken) RequireTransportSecurity() bool { return false }
