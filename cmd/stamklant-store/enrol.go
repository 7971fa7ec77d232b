package main

import (
	"fmt"
	"time"

	"github.com/stamklant/stamklant/internal/instore"
	"github.com/stamklant/stamklant/internal/rpc"
)

type enrolCommand struct {
	Till    enrolTill    `cmd:"" help:"Let a till call: sign its certificate, or draw its own token."`
	Scanner enrolScanner `cmd:"" help:"Let the scanner or tablet beside a till present cards there, and nothing else."`
}

// enrolment is what tills and scanners have in common.
type enrolment struct {
	Till string `arg:"" help:"The till's code within the store."`
	Data string `help:"Folder the server keeps its files in." default:"." type:"existingdir" env:"STAMKLANT_STORE_DATA" placeholder:"DIR"`
	Out  string `help:"Folder to write the certificate, its key and ca.pem to, to be brought to the till. Left out, a token is drawn instead, for the second listener and for this machine." type:"path" placeholder:"DIR"`
}

type enrolTill struct {
	enrolment
	Customers bool `help:"Customers serve themselves at this till: answers hold nothing that is for staff."`
}

// Run lets a till call.
func (c *enrolTill) Run(s *session) error {
	if c.Out != "" {
		return c.certificate(s, rpc.RoleTill, c.Customers)
	}
	if c.Customers {
		return fmt.Errorf("--customers needs --out: a token does not say who reads the answers")
	}
	return c.token(instore.EnrolTillToken)
}

type enrolScanner struct{ enrolment }

// Run lets a scanner call.
func (c *enrolScanner) Run(s *session) error {
	if c.Out != "" {
		return c.certificate(s, rpc.RoleScanner, false)
	}
	return c.token(instore.EnrolScanner)
}

// token draws a token and says where it stands.
func (c *enrolment) token(draw func(data, till string) (string, error)) error {
	file, err := draw(c.Data, c.Till)
	if err != nil {
		return err
	}
	fmt.Printf("It shows what stands in %s. A server that runs knows it within a second.\n", file)
	return nil
}

// certificate signs a certificate and says where it lies.
func (c *enrolment) certificate(s *session, role rpc.Role, customers bool) error {
	expires, err := instore.EnrolTill(instore.Config{Data: c.Data, Logger: s.logger}, role, c.Till, customers, c.Out, time.Now())
	if err != nil {
		return err
	}
	fmt.Printf("%[1]s/%[2]s-%[3]s.pem, %[1]s/%[2]s-%[3]s.key and %[1]s/ca.pem: good until %[4]s at the servers of this store, no others. The key lies nowhere else.\n"+
		"Bring them there; stamklant-till shows them with --cert, --key and --ca.\n", c.Out, role, c.Till, expires.Format(time.DateOnly))
	return nil
}
