package main

import (
	"fmt"

	"github.com/stamklant/stamklant/internal/instore"
)

type enrolCommand struct {
	Till enrolTill `cmd:"" help:"Let a till call: draw its own token, for the second listener and this machine."`
}

type enrolTill struct {
	Till string `arg:"" help:"The till's code within the store."`
	Data string `help:"Folder the server keeps its files in." default:"." type:"existingdir" env:"STAMKLANT_STORE_DATA" placeholder:"DIR"`
}

// Run draws the token and says where it stands.
func (c *enrolTill) Run(*session) error {
	file, err := instore.EnrolTillToken(c.Data, c.Till)
	if err != nil {
		return err
	}
	fmt.Printf("Till %s shows what stands in %s. A server that runs knows it within a second.\n", c.Till, file)
	return nil
}
