package instore

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/stamklant/stamklant/internal/rpc"
)

// The token files of a data folder.
const (
	tillTokenFile  = "till.token"
	adminTokenFile = "admin.token"
)

// tokens returns who may call this server: whoever shows what stands in the token files, which are made when missing, and head-office jobs with the
// token of the enrolment.
func (c Config) tokens(sync string) (rpc.Authenticate, error) {
	till, err := token(c.path(tillTokenFile))
	if err != nil {
		return nil, err
	}
	admin, err := token(c.path(adminTokenFile))
	if err != nil {
		return nil, err
	}
	known := map[string]rpc.Principal{
		till:  {Role: rpc.RoleTill, ID: "till"},
		admin: {Role: rpc.RoleAdmin, ID: "admin"},
		sync:  {Role: rpc.RoleSync, ID: "head office"}, // nobody, when there is none
	}
	if err := c.scanners(known); err != nil {
		return nil, err
	}
	return rpc.Tokens(known), nil
}

// scanners adds the scanners that have a token of their own: each may present cards at its own till, and nothing else.
func (c Config) scanners(known map[string]rpc.Principal) error {
	files, err := filepath.Glob(c.path("scanner-*.token"))
	if err != nil {
		return err
	}
	for _, file := range files {
		own, err := token(file)
		if err != nil {
			return err
		}
		code := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "scanner-"), ".token")
		known[own] = rpc.Principal{Role: rpc.RoleScanner, ID: "scanner-" + code, Till: code}
	}
	return nil
}

// EnrolScanner draws the token of the scanner beside a till, unless it has one, and returns the file it stands in. A server that runs knows it
// from its next start on.
func EnrolScanner(data, till string) (file string, err error) {
	if !tillCode.MatchString(till) {
		return "", fmt.Errorf("till %q: a till's code has 1 to 32 letters, digits, dots, dashes and underscores", till)
	}
	file = Config{Data: data}.path("scanner-" + till + ".token")
	_, err = token(file)
	return file, err
}

// tillCode is what a till may be called where its name becomes that of a file.
var tillCode = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,32}$`)

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
