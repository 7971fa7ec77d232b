package rpc

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	// ErrPlainTextBeyondLoopback is returned when a server would listen, or a token would travel, without TLS outside this machine.
	ErrPlainTextBeyondLoopback = errors.New("plain text is for this machine alone")
	// ErrMethodWithoutRoles is returned when a registered method has no row in Config.Access.
	ErrMethodWithoutRoles = errors.New("nobody may call this method")
	// ErrUnknownMethod is returned when Config.Access has a row for a method that is not registered.
	ErrUnknownMethod = errors.New("no such method is registered")
	// ErrHandlersLeft is returned when handlers still run long after their calls were cut off; files they use must not be closed.
	ErrHandlersLeft = errors.New("calls did not end")
)

// Role is what kind of caller a token belongs to.
type Role string

// The roles. A method is closed to every role it does not list.
const (
	// RoleTill is a till.
	RoleTill Role = "till"
	// RoleScanner is a scanner or a customer's tablet.
	RoleScanner Role = "scanner"
	// RoleSync is a store's server at head office, or a head-office job at a store.
	RoleSync Role = "sync"
	// RoleAdmin is a person or a command.
	RoleAdmin Role = "admin"
)

// Principal is who a token speaks for. It is handed out by pointer and never changed.
type Principal struct {
	// Role is the kind of caller.
	Role Role
	// ID names the caller in logs: a server's id, a till's code, an operator's name. Never empty for RoleSync.
	ID string
	// Till ties the caller to one till: a request that names another is refused. Empty for a token that all tills of a store share.
	Till string
	// Audience is whom answers to this caller are for: a till at which customers serve themselves, a scanner or a tablet has customers.
	Audience Audience
}

// Audience is who reads an answer.
type Audience string

// The audiences. Empty is AudienceStaff, but for scanners, who only ever have customers before them.
const (
	// AudienceStaff is a cashier, or a person at head office.
	AudienceStaff Audience = "staff"
	// AudienceCustomer is a customer.
	AudienceCustomer Audience = "customer"
)

// ForStaff reports whether answers to this caller may hold what is for staff alone.
func (p *Principal) ForStaff() bool {
	return p.Role != RoleScanner && p.Audience != AudienceCustomer
}

// Authenticate tells whom a bearer token speaks for, or false. It is called for every call, from many goroutines, and must not block.
type Authenticate func(token string) (*Principal, bool)

// Tokens returns an Authenticate for tokens that do not change while the server runs. Only their hashes are kept.
func Tokens(tokens map[string]Principal) Authenticate {
	known := make(map[[sha256.Size]byte]*Principal, len(tokens))
	for token, principal := range tokens {
		if token != "" {
			known[sha256.Sum256([]byte(token))] = &principal
		}
	}
	return func(token string) (*Principal, bool) {
		principal, ok := known[sha256.Sum256([]byte(token))]
		return principal, ok
	}
}

// Config says how a server listens and whom it lets in.
type Config struct {
	// Address is the host and port to listen on; port 0 takes a free one.
	Address string
	// MetricsAddress is the host and port of the page for metrics and health, on loopback. Empty for none.
	MetricsAddress string
	// TLS secures the listener. Nil is plain text, which only loopback addresses may speak.
	TLS *tls.Config
	// Certified says that TLS has every caller show a certificate and checks it (certificate.Keeper.Serve): it alone says who calls, and tokens
	// count only on the second listener.
	Certified bool
	// Web is the second listener, which speaks JSON and gRPC-Web. Nil for none.
	Web *WebConfig
	// Access says who may call what, by full method names ("/stamklant.till.v1.CheckoutService/Lookup"); nil means Matrix(). Every method of
	// every registered service needs its row. Health needs none: anybody may ask.
	Access map[string]Access
	// Authenticate tells whom a bearer token speaks for.
	Authenticate Authenticate
	// Reflection lets every caller with a token ask for the services' descriptions, for tools such as grpcurl.
	Reflection bool
	// Limits are the numbers; nil means DefaultLimits.
	Limits *Limits
	// Registry collects the metrics; nil means one of the server's own, which Server.Registry returns.
	Registry *prometheus.Registry
	// Logger takes one line per slow, failed or sampled call. Required.
	Logger *slog.Logger
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

// validate says what is missing or not allowed in the configuration, before anything is opened.
func (c *Config) validate() error {
	if c.Logger == nil {
		return errors.New("rpc: Config.Logger is missing: hand in the program's logger")
	}
	if c.Authenticate == nil {
		return errors.New("rpc: Config.Authenticate is missing: nobody could call this server; hand in Tokens(…)")
	}
	if c.Address == "" {
		return errors.New("rpc: Config.Address is missing: name a host and port, such as 127.0.0.1:7400")
	}
	if c.TLS == nil {
		if err := loopbackOnly(c.Address); err != nil {
			return err
		}
	}
	if c.Certified && c.TLS == nil {
		return errors.New("rpc: Config.Certified needs Config.TLS: nobody shows a certificate in plain text")
	}
	if c.Web != nil {
		if err := c.Web.validate(); err != nil {
			return err
		}
	}
	if c.MetricsAddress != "" {
		return loopbackOnly(c.MetricsAddress)
	}
	return nil
}

// loopbackOnly returns ErrPlainTextBeyondLoopback unless the address's host is this machine's loopback.
func loopbackOnly(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w; write it as host:port", address, err)
	}
	if isLoopback(host) {
		return nil
	}
	return fmt.Errorf("address %s: %w: use 127.0.0.1 or [::1], or configure certificates", address, ErrPlainTextBeyondLoopback)
}

// isLoopback reports whether host can only mean this machine. A name other than localhost is not looked up: what it means may change.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
