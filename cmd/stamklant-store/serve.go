package main

import (
	"fmt"
	"time"

	"github.com/stamklant/stamklant/internal/instore"
)

type serveCommand struct {
	Data    string        `help:"Folder the server keeps its files in." default:"." type:"path" env:"STAMKLANT_STORE_DATA" placeholder:"DIR"`
	Enrol   string        `help:"The file head office made for this server; needed the first time." type:"existingfile" placeholder:"FILE"`
	Listen  string        `help:"Where to answer tills: beyond this machine by TLS, with certificates; tls:// before it for TLS here too." default:"127.0.0.1:7400" env:"STAMKLANT_STORE_LISTEN" placeholder:"HOST:PORT"`
	Web     string        `help:"Where to answer JSON and gRPC-Web, for browsers and tills without gRPC, by bearer token; left out for nowhere." env:"STAMKLANT_STORE_WEB" placeholder:"HOST:PORT"`
	Origin  []string      `help:"A web site whose pages may call there, such as https://till.example; may be given again." env:"STAMKLANT_STORE_ORIGIN" placeholder:"URL"`
	Metrics string        `help:"Where to answer /metrics and /healthz; left out for nowhere." env:"STAMKLANT_STORE_METRICS" placeholder:"HOST:PORT"`
	Device  string        `help:"File with this machine's own key, best on another medium than the data; made when there is none. device.key in the data folder when left out." type:"path" placeholder:"FILE"`
	Poll    time.Duration `help:"How often to ask for news, ± 20 %." default:"60s"`
	Quiet   time.Duration `help:"After an erasure: how long no receipt must have come before the journal is written anew." default:"10m"`

	Name    []string `help:"A host name or address that tills call this server by, for the certificate it signs for itself; may be given again." placeholder:"HOST"`
	Cert    string   `help:"Certificate of your own to answer tills with, read again when it changes." type:"existingfile" placeholder:"FILE"`
	Key     string   `help:"Its key." type:"existingfile" placeholder:"FILE"`
	CA      string   `name:"ca" help:"The authorities you trust with it, instead of the chain's." type:"existingfile" placeholder:"FILE"`
	WebCert string   `help:"Certificate for --web that browsers trust; what tills are answered with when left out." type:"existingfile" placeholder:"FILE"`
	WebKey  string   `help:"Its key." type:"existingfile" placeholder:"FILE"`

	BackupEvery time.Duration `help:"How often the journal is backed up into the data folder; negative for never." default:"1h"`
	ClockSkew   time.Duration `help:"For drills: how far off the server is to believe its clock is." hidden:""`
	NoRestore   bool          `help:"Leave a damaged journal to a person instead of putting the last back-up in its place at once."`
}

// Run serves until it is stopped.
func (c *serveCommand) Run(s *session) error {
	server, err := instore.Open(s.ctx, instore.Config{
		Data: c.Data, Enrol: c.Enrol, Listen: c.Listen, Web: c.Web, Origins: c.Origin,
		Hosts: c.Name, Certificate: c.Cert, Key: c.Key, Authorities: c.CA, WebCertificate: c.WebCert, WebKey: c.WebKey, Metrics: c.Metrics, DeviceKey: c.Device, Poll: c.Poll, Quiet: c.Quiet, Logger: s.logger, Version: version,
		BackupEvery: c.BackupEvery, NoRestore: c.NoRestore, Now: c.now,
	})
	if err != nil {
		return err
	}
	fmt.Printf("Store %s, server %s answers tills at %s (till token: %s). Stop with Ctrl-C.\n",
		server.Store(), server.ID(), server.Addr(), server.TillTokenFile())
	if at := server.WebAddr(); at != "" {
		fmt.Printf("JSON and gRPC-Web at %s.\n", at)
	}
	return server.Run(s.ctx)
}

// now is the machine's clock; in a drill, one that is off.
func (c *serveCommand) now() time.Time { return time.Now().Add(c.ClockSkew) }
