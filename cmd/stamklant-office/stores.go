package main

import (
	"os"
	"strings"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	"github.com/stamklant/stamklant/internal/office"
)

// stores is what the commands that call stores share. A store behind a router that lets nobody in needs none of them: it comes by itself.
type stores struct {
	Stores []string `arg:"" name:"store-address" help:"Where a store's server answers, SERVER=HOST:PORT; the address alone where one server is enrolled."`
	Token  string   `help:"File with a token to show instead of the one drawn at enrolment, such as the server's admin.token." type:"existingfile" placeholder:"FILE"`
}

func (c *stores) read(s *session) (addresses []*officev1.StoreAddress, token string, err error) {
	if c.Token != "" {
		text, err := os.ReadFile(c.Token)
		if err != nil {
			return nil, "", err
		}
		token = strings.TrimSpace(string(text))
	}
	addresses, err = office.ParseStores(s.home, c.Stores)
	return addresses, token, err
}

type pushCommand struct {
	stores
}

// Run brings releases.
func (c *pushCommand) Run(s *session) error {
	addresses, token, err := c.read(s)
	if err != nil {
		return err
	}
	return office.Push(s.ctx, s.home, addresses, token, s.terminal)
}

type drainCommand struct {
	stores
}

// Run fetches what happened.
func (c *drainCommand) Run(s *session) error {
	addresses, token, err := c.read(s)
	if err != nil {
		return err
	}
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Drain{Drain: &officev1.DrainJob{
		Stores: addresses, Token: token,
	}}}, s.terminal)
}

type keysRecover struct {
	Server string `arg:"" help:"The server that lost its machine's key."`
	Sealed string `help:"A copy of its data.key." required:"" type:"existingfile" placeholder:"FILE"`
	Out    string `help:"The file to write the key to; it must not be there." default:"recovered.key" type:"path" placeholder:"FILE"`
}

// Run opens a data key.
func (c *keysRecover) Run(s *session) error {
	return office.RecoverKey(s.home, c.Server, c.Sealed, c.Out, s.terminal)
}
