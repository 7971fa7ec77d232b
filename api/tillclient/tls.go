package tillclient

import (
	"crypto/tls"
	"time"

	"github.com/stamklant/stamklant/internal/certificate"
)

// TLS returns what Config.TLS needs, from the three files `stamklant-store enrol till --out` writes: the till's certificate, its key, and the
// authorities it trusts. They are read again whenever they change, so a renewed certificate needs no restart; failed is told when changed files
// cannot be used and the ones before go on, and may be nil. The server must be one of the store the certificate is of, whatever address it is
// called by. An error names the file.
func TLS(cert, key, ca string, failed func(error)) (*tls.Config, error) {
	if failed == nil {
		failed = func(error) {}
	}
	keeper, err := certificate.Open(certificate.Files{Certificate: cert, Key: key, Authorities: ca}, time.Now, failed)
	if err != nil {
		return nil, err
	}
	name, err := keeper.Name()
	if err != nil {
		return nil, err
	}
	return keeper.Dial(name.Store), nil
}
