package main

import (
	"strings"
	"time"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	"github.com/stamklant/stamklant/internal/office"
)

// What people do by hand, without a job: set up, check, enrol, serve, look.

type initCommand struct {
	Chain     string   `help:"The chain's name, as customers know it." placeholder:"NAME"`
	Currency  string   `help:"ISO 4217 code." placeholder:"EUR"`
	TimeZone  string   `help:"IANA time zone of the stores." placeholder:"Europe/Amsterdam"`
	Languages []string `help:"Languages promised to customers, the first being the default." placeholder:"nl,en"`
	Stores    []string `help:"Codes of the stores, as receipts carry them." placeholder:"s01,s02"`
	Profiling string   `help:"On what basis customers are profiled: consent or legitimate_interest. The owner decides; there is no default." enum:",consent,legitimate_interest" default:""`
	Yes       bool     `help:"Ask nothing; what is not given is filled with an example to change."`
}

// Run sets up a head office.
func (c *initCommand) Run(s *session) error {
	answers := office.Answers{
		Chain: c.Chain, Currency: c.Currency, TimeZone: c.TimeZone, Languages: c.Languages, Stores: c.Stores, Profiling: c.Profiling,
	}
	if !c.Yes {
		if err := ask(&answers); err != nil {
			return err
		}
	}
	return office.Init(s.home, answers, time.Now(), s.terminal)
}

type checkCommand struct {
	Programme string `arg:"" optional:"" help:"The programme, when it is not the one in the data folder." type:"path"`
}

// Run checks the programme.
func (c *checkCommand) Run(s *session) error { return office.Check(s.home, c.Programme, s.terminal) }

type keysCommand struct {
	Server  keysServer  `cmd:"" help:"Enrol one server: writes the file that it starts with."`
	Recover keysRecover `cmd:"" help:"Open the data key of a server that lost its machine's own key."`
	Rotate  keysRotate  `cmd:"" help:"Sign with new keys from now on; stores take the old ones besides, until keys retire. Needs the root key."`
	Retire  keysRetire  `cmd:"" help:"End the overlap: stores take nothing more that the keys before the last rotation sign. Needs the root key."`
}

type keysRotate struct {
	Manifest bool `help:"The key releases are signed with. Both keys when neither is named."`
	Lane     bool `help:"The key urgent words are signed with."`
}

// Run draws new keys.
func (c *keysRotate) Run(s *session) error {
	both := c.Manifest == c.Lane
	return office.RotateKeys(s.ctx, s.home, c.Manifest || both, c.Lane || both, time.Now(), s.terminal)
}

type keysRetire struct{}

// Run ends the overlap.
func (c *keysRetire) Run(s *session) error {
	return office.RetireKeys(s.ctx, s.home, time.Now(), s.terminal)
}

type keysServer struct {
	Name    string `arg:"" help:"The server's name, unique in the chain: lower case, digits and dashes."`
	Store   string `help:"The store it stands in." required:""`
	Office  string `help:"Where head office answers, host:port; left out for a server that gets its bundles from a folder." placeholder:"HOST:PORT"`
	Bundles string `help:"Where its bundles lie, a folder or https address; left out to ask head office." placeholder:"WHERE"`
	Pushed  bool   `help:"Head office calls it: bundles are brought with push, outcomes fetched with drain. Instead of --office and --bundles."`
	Standby bool   `help:"The store's second server."`
	Replace bool   `help:"The server was enrolled before: its old keys and token end."`
	Out     string `help:"The file to write." type:"path" placeholder:"FILE"`
}

// Run enrols a server.
func (c *keysServer) Run(s *session) error {
	if c.Bundles != "" && !strings.Contains(c.Bundles, "://") {
		c.Bundles = absolute(c.Bundles)
	}
	return office.Enrol(s.home, office.Enrolment{
		Server: c.Name, Store: c.Store, Office: c.Office, Bundles: c.Bundles, Pushed: c.Pushed, Standby: c.Standby, Replace: c.Replace, Out: c.Out,
	}, time.Now(), s.terminal)
}

type serveCommand struct {
	Listen  string `help:"Where to answer stores and commands: beyond this machine by TLS, with certificates; tls:// before it for TLS here too." default:"127.0.0.1:7500" placeholder:"HOST:PORT"`
	Metrics string `help:"Where to answer /metrics and /healthz; left out for nowhere." placeholder:"HOST:PORT"`

	Name []string `help:"A host name or address that stores call head office by, for the certificate it signs for itself; may be given again." placeholder:"HOST"`
	Cert string   `help:"Certificate of your own to answer with, read again when it changes." type:"existingfile" placeholder:"FILE"`
	Key  string   `help:"Its key." type:"existingfile" placeholder:"FILE"`
}

// Run serves until it is stopped.
func (c *serveCommand) Run(s *session) error {
	server, err := office.Serve(s.ctx, s.home, office.ServeConfig{
		Listen: c.Listen, Metrics: c.Metrics, Hosts: c.Name, Certificate: c.Cert, Key: c.Key, Logger: logger(),
	})
	if err != nil {
		return err
	}
	s.printf("Head office answers at %s (data: %s). Stop with Ctrl-C.\n", server.Addr(), s.home.Dir())
	return server.Wait()
}

type serversCommand struct{}

// Run lists the fleet.
func (c *serversCommand) Run(s *session) error { return office.ListServers(s.ctx, s.home, s.terminal) }

type conflictsCommand struct{}

// Run lists conflicts.
func (c *conflictsCommand) Run(s *session) error {
	return office.ListConflicts(s.ctx, s.home, s.terminal)
}

type inspectCommand struct {
	Audit bool `help:"Also print the book of what was done to customers: what, by whom, why."`
}

// Run reads the inbox.
func (c *inspectCommand) Run(s *session) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Inspect{Inspect: &officev1.InspectJob{Audit: c.Audit}}}, s.terminal)
}
