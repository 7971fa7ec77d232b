package instore

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
)

// addressFile says where a server on a data folder listens, while it runs.
const addressFile = "store.addr"

// address is what stands in it.
type address struct {
	Address string `json:"address"`
	Web     string `json:"web,omitempty"`
	PID     int    `json:"pid"`
}

func (c Config) writeAddress(at, web string) error {
	text, err := json.Marshal(address{Address: at, Web: web, PID: os.Getpid()})
	if err != nil {
		return err
	}
	return keepSecret(c.path(addressFile), append(text, '\n'))
}

func (c Config) removeAddress() error {
	if err := os.Remove(c.path(addressFile)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// readAddress is where the server on the folder says it listens; false when none runs. One that was stopped hard leaves its word behind.
func (c Config) readAddress() (a address, ok bool, err error) {
	text, err := os.ReadFile(c.path(addressFile))
	if errors.Is(err, fs.ErrNotExist) {
		return a, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	return a, err == nil && a.Address != "", err
}
