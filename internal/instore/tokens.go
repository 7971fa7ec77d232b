package instore

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/stamklant/stamklant/internal/rpc"
)

// The token files of a data folder.
const (
	tillTokenFile  = "till.token"
	adminTokenFile = "admin.token"
)

// tokens returns who may call this server: whoever shows what stands in the token files. Missing files are made.
func (c Config) tokens() (rpc.Authenticate, error) {
	till, err := token(c.path(tillTokenFile))
	if err != nil {
		return nil, err
	}
	admin, err := token(c.path(adminTokenFile))
	if err != nil {
		return nil, err
	}
	return rpc.Tokens(map[string]rpc.Principal{
		till:  {Role: rpc.RoleTill, ID: "till"},
		admin: {Role: rpc.RoleAdmin, ID: "admin"},
	}), nil
}

// token reads a token, or draws one into a new file that only its owner may read.
func token(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		secret := make([]byte, 32)
		rand.Read(secret)
		text = []byte(base64.RawURLEncoding.EncodeToString(secret) + "\n")
		err = keepSecret(path, text)
	}
	if err != nil {
		return "", err
	}
	found := strings.TrimSpace(string(text))
	if len(found) < 16 {
		return "", fmt.Errorf("%s: a token has at least 16 characters; remove the file to have one drawn", path)
	}
	return found, nil
}
