package instore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/stamklant/stamklant/internal/rpc"
)

// The token files of a data folder. Beside them stand till-TILL.token and scanner-TILL.token, each of one till.
const (
	tillTokenFile  = "till.token"
	adminTokenFile = "admin.token"
)

// tokenFiles knows who may call this server by token: whoever shows what stands in a token file of the data folder, and head-office jobs with the
// token of the enrolment. A token drawn while the server runs is found too: the folder is read again when an unknown token comes, at most
// once a second. A removed file ends its token the next time the folder is read.
type tokenFiles struct {
	config Config
	sync   string
	now    func() time.Time

	mu    sync.Mutex
	read  time.Time
	known map[[sha256.Size]byte]*rpc.Principal
}

// tokens reads the token files; those of tills together and of people are made when missing.
func (c Config) tokens(sync string) (rpc.Authenticate, error) {
	t := &tokenFiles{config: c, sync: sync, now: c.Now}
	if t.now == nil {
		t.now = time.Now
	}
	known, err := t.load()
	if err != nil {
		return nil, err
	}
	t.known, t.read = known, t.now()
	return t.principal, nil
}

// principal tells whom a token speaks for.
func (t *tokenFiles) principal(token string) (*rpc.Principal, bool) {
	sum := sha256.Sum256([]byte(token))
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, ok := t.known[sum]; ok {
		return p, true
	}
	now := t.now()
	if now.Sub(t.read) < time.Second {
		return nil, false
	}
	t.read = now
	known, err := t.load()
	if err != nil {
		t.config.Logger.LogAttrs(context.Background(), slog.LevelWarn, "token files cannot be read again; those known go on", slog.String("error", err.Error()))
		return nil, false
	}
	t.known = known
	p, ok := known[sum]
	return p, ok
}

// load reads all token files.
func (t *tokenFiles) load() (map[[sha256.Size]byte]*rpc.Principal, error) {
	till, err := token(t.config.path(tillTokenFile))
	if err != nil {
		return nil, err
	}
	admin, err := token(t.config.path(adminTokenFile))
	if err != nil {
		return nil, err
	}
	known := make(map[[sha256.Size]byte]*rpc.Principal)
	add := func(token string, p *rpc.Principal) {
		if token != "" {
			known[sha256.Sum256([]byte(token))] = p
		}
	}
	add(till, &rpc.Principal{Role: rpc.RoleTill, ID: "till"})
	add(admin, &rpc.Principal{Role: rpc.RoleAdmin, ID: "admin"})
	add(t.sync, &rpc.Principal{Role: rpc.RoleSync, ID: "head office"})
	for _, role := range []rpc.Role{rpc.RoleTill, rpc.RoleScanner} {
		files, err := filepath.Glob(t.config.path(string(role) + "-*.token"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			own, err := token(file)
			if err != nil {
				return nil, err
			}
			code := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), string(role)+"-"), ".token")
			add(own, &rpc.Principal{Role: role, ID: string(role) + "-" + code, Till: code})
		}
	}
	return known, nil
}

// EnrolScanner draws the token of the scanner beside a till, unless it has one, and returns the file it stands in. A server that runs knows it
// within a second.
func EnrolScanner(data, till string) (file string, err error) {
	return drawToken(data, rpc.RoleScanner, till)
}

// EnrolTillToken draws the token of one till, unless it has one, and returns the file it stands in. A server that runs knows it within a second.
func EnrolTillToken(data, till string) (file string, err error) {
	return drawToken(data, rpc.RoleTill, till)
}

func drawToken(data string, role rpc.Role, till string) (file string, err error) {
	if !tillCode.MatchString(till) {
		return "", fmt.Errorf("till %q: a till's code has 1 to 32 letters, digits, dots, dashes and underscores", till)
	}
	file = Config{Data: data}.path(string(role) + "-" + till + ".token")
	if _, err = token(file); err != nil {
		return file, err
	}
	return file, ownedLike(file, data)
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
