package certificate

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// The roles a certificate can name. Those after Server are the roles of package rpc.
const (
	Authority = "ca"
	Server    = "server"
	Till      = "till"
	Scanner   = "scanner"
	Sync      = "sync"
	Admin     = "admin"
)

// HeadOffice stands where a store's code stands for others.
const HeadOffice = "-"

// Customer is the audience of a till at which customers serve themselves.
const Customer = "customer"

// ErrNoName is returned when a certificate does not name its holder as this package writes it.
var ErrNoName = errors.New("the certificate names nobody: it needs one address stamklant://CHAIN/STORE/ROLE/NAME")

const scheme = "stamklant"

// Name is whom a certificate speaks for.
type Name struct {
	// Chain is the chain's id in hexadecimal.
	Chain string
	// Store is the store's code, HeadOffice for head office.
	Store string
	// Role is one of the roles.
	Role string
	// Name tells it from others of its role: a till's code, a server's id.
	Name string
	// Audience is whom answers are for: Customer, or empty for staff.
	Audience string
}

// URL returns the address that stands in the certificate.
func (n Name) URL() *url.URL {
	u := &url.URL{Scheme: scheme, Host: n.Chain, Path: "/" + n.Store + "/" + n.Role + "/" + n.Name}
	u.RawPath = "/" + url.PathEscape(n.Store) + "/" + n.Role + "/" + url.PathEscape(n.Name)
	if n.Audience != "" {
		u.RawQuery = url.Values{"audience": {n.Audience}}.Encode()
	}
	return u
}

// String returns the address as text, for logs: it holds no secret.
func (n Name) String() string { return n.URL().String() }

// NameOf reads whom a certificate speaks for. ErrNoName when it names nobody, or more than one.
func NameOf(c *x509.Certificate) (Name, error) {
	var found []*url.URL
	for _, u := range c.URIs {
		if u.Scheme == scheme {
			found = append(found, u)
		}
	}
	if len(found) != 1 {
		return Name{}, fmt.Errorf("%q: %w", c.Subject.CommonName, ErrNoName)
	}
	u := found[0]
	parts := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	if len(parts) != 3 || u.Host == "" || u.User != nil || u.Fragment != "" {
		return Name{}, fmt.Errorf("%s: %w", u, ErrNoName)
	}
	store, err1 := url.PathUnescape(parts[0])
	name, err2 := url.PathUnescape(parts[2])
	n := Name{Chain: u.Host, Store: store, Role: parts[1], Name: name, Audience: u.Query().Get("audience")}
	switch n.Role {
	case Authority, Server, Till, Scanner, Sync, Admin:
	default:
		return Name{}, fmt.Errorf("%s: %w", u, ErrNoName)
	}
	if err1 != nil || err2 != nil || n.Store == "" || n.Name == "" || n.Audience != "" && n.Audience != Customer || n.String() != u.String() {
		return Name{}, fmt.Errorf("%s: %w", u, ErrNoName)
	}
	return n, nil
}
