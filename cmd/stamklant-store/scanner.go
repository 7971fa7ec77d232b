package main

import (
	"fmt"

	"github.com/stamklant/stamklant/internal/instore"
)

type scannerCommand struct {
	Till string `arg:"" help:"The till's code within the store."`
	Data string `help:"Folder the server keeps its files in." default:"." type:"existingdir" env:"STAMKLANT_STORE_DATA" placeholder:"DIR"`
}

// Run draws the token and says where it stands.
func (c *scannerCommand) Run(*session) error {
	file, err := instore.EnrolScanner(c.Data, c.Till)
	if err != nil {
		return err
	}
	fmt.Printf("The scanner at till %s shows what stands in %s. A server that runs knows it within a second.\n", c.Till, file)
	return nil
}
