package instore

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/certificate"
	"github.com/stamklant/stamklant/internal/instore/replica"
	"github.com/stamklant/stamklant/internal/rpc"
)

// ErrNotEnrolled is returned when a data folder belongs to no server yet and no enrolment file was given.
var ErrNotEnrolled = errors.New("this server is not enrolled")

// ErrOtherServer is returned when an enrolment file is for another server than the one the data folder belongs to.
var ErrOtherServer = errors.New("the data folder belongs to another server")

// Config is what a server needs.
type Config struct {
	// Data is the folder everything is kept in; made when there is none:
	//
	//	enrolment.json   who this server is; from head office
	//	data.key         the key of its files, sealed
	//	device.key       this machine's own key, unless DeviceKey says otherwise
	//	till.token       what tills show; till-TILL.token what one till shows; admin.token what people and commands show; scanner-TILL.token
	//	                 what the scanner beside a till shows
	//	tls/             certificates: docs/certificates.md
	//	journal.db       what happened here
	//	backups/         the last back-ups of the journal
	//	releases/        what head office published
	//	store.addr       where the server listens, while it runs
	Data string
	// Enrol is the file head office made; needed the first time, kept in Data from then on.
	Enrol string
	// Listen is the host and port tills call; port 0 takes a free one. Beyond loopback, and with tls:// before it, by TLS and certificates alone.
	Listen string
	// Certificate and Key are files of the retailer's own to answer tills with; empty for what the server signs for itself. Authorities are those
	// trusted with them; empty for the chain's.
	Certificate, Key, Authorities string
	// Hosts are more host names and addresses that tills call this server by, for the certificate it signs for itself.
	Hosts []string
	// WebCertificate and WebKey are files to answer the second listener with: a certificate browsers trust. Empty for what tills are answered with.
	WebCertificate, WebKey string
	// Web is the host and port of the second listener, for JSON and gRPC-Web; empty for none.
	Web string
	// Origins are the web sites whose pages may call the second listener, as https://till.example.
	Origins []string
	// Metrics is the host and port of the page for metrics and health; empty for none.
	Metrics string
	// DeviceKey is the file with this machine's own key; empty for device.key in Data.
	DeviceKey string
	// Poll is how often to ask for news, ± 20 %; 0 means every 60 seconds.
	Poll time.Duration
	// Quiet is how long no receipt must have come before the journal is written anew, to get rid of the bytes of an erased customer; 0 means 10
	// minutes. After 20 hours it is written anew in any case. Meanwhile nothing can be recorded, for seconds.
	Quiet time.Duration
	// BackupEvery is how often the journal is backed up into Data; 0 means every hour, negative never.
	BackupEvery time.Duration
	// NoRestore has a damaged journal wait for a person: by default the last back-up is put in its place at once.
	NoRestore bool
	// Reflection lets callers with a token ask for the services' descriptions.
	Reflection bool
	// Around, when set, puts something around the till's service: a practice store has a card that is answered slowly.
	Around func(tillv1.CheckoutServiceServer) tillv1.CheckoutServiceServer
	// Logger takes what a person should know. Required.
	Logger *slog.Logger
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Version is this program's, for reports.
	Version string

	rest    int                  // as replica.Config.RestPercent; 0 is its default
	elapsed func() time.Duration // as journal.Config.Elapsed; nil is the machine's own
}

func (c Config) withDefaults() (Config, error) {
	if c.Logger == nil || c.Data == "" || c.Listen == "" {
		return c, errors.New("instore: Config needs Data, Listen and Logger")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.BackupEvery == 0 {
		c.BackupEvery = defaultBackupEvery
	}
	if c.Quiet == 0 {
		c.Quiet = defaultQuiet
	}
	if c.DeviceKey == "" {
		c.DeviceKey = c.path("device.key")
	}
	return c, os.MkdirAll(c.Data, 0o700)
}

// web is the second listener's configuration; nil without one.
func (c Config) web(with *certificate.Keeper) *rpc.WebConfig {
	if c.Web == "" {
		return nil
	}
	web := &rpc.WebConfig{Address: c.Web, Origins: c.Origins}
	if _, secure := rpc.NeedsTLS(c.Web); (secure || c.WebCertificate != "") && with != nil {
		web.TLS = with.ServeAll()
	}
	web.Address, _ = rpc.NeedsTLS(c.Web)
	return web
}

func (c Config) path(names ...string) string {
	return filepath.Join(append([]string{c.Data}, names...)...)
}

// enrolment returns who this server is: what Data knows, or what the file given says, which Data then keeps.
func (c Config) enrolment() (*bundlev1.Enrolment, error) {
	kept, err := replica.ReadEnrolment(c.path("enrolment.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if c.Enrol == "" {
		if kept == nil {
			return nil, fmt.Errorf("%s: %w: head office makes a file with `stamklant-office keys server`; start with --enrol FILE", c.Data, ErrNotEnrolled)
		}
		return kept, nil
	}
	given, err := replica.ReadEnrolment(c.Enrol)
	if err != nil {
		return nil, err
	}
	if kept != nil && (kept.GetServerId() != given.GetServerId() || string(kept.GetChainId()) != string(given.GetChainId())) {
		return nil, fmt.Errorf("%s: %w: it is %s's, the enrolment file is %s's; choose another --data", c.Data, ErrOtherServer, kept.GetServerId(), given.GetServerId())
	}
	text, err := os.ReadFile(c.Enrol)
	if err != nil {
		return nil, err
	}
	return given, keepSecret(c.path("enrolment.json"), text)
}

// keepSecret replaces a file that only its owner may read, in one step.
func keepSecret(path string, text []byte) error {
	next := path + ".new"
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, werr := file.Write(text)
	if err := errors.Join(werr, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return os.Rename(next, path)
}
