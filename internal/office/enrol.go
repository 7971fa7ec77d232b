package office

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/stamklant/stamklant/internal/office/programme"
	"github.com/stamklant/stamklant/internal/office/publisher"
	"github.com/stamklant/stamklant/internal/rpc"
)

// Enrolment is what `keys server` is told.
type Enrolment struct {
	// Server is its name, unique in the chain.
	Server string
	// Store is where it stands; the programme must know it when there is one.
	Store string
	// Office is where head office answers, host:port; may be empty.
	Office string
	// Bundles is where its bundles lie; empty to ask head office.
	Bundles string
	// Pushed says that head office calls it: neither Office nor Bundles is needed.
	Pushed bool
	// Standby says that it is the store's second server.
	Standby bool
	// Replace ends the keys of a server enrolled before under this name.
	Replace bool
	// Out is the file to write; empty for one in the data folder.
	Out string
}

// Enrol draws a server's keys and writes the one file it starts with. The file is the only copy of them.
func Enrol(home Home, e Enrolment, now time.Time, to io.Writer) error {
	if err := home.require(); err != nil {
		return err
	}
	if err := knownStore(home, e.Store); err != nil {
		return err
	}
	keys, err := publisher.LoadKeys(home.Keys())
	if err != nil {
		return err
	}
	if e.Office == "" && e.Bundles == "" && !e.Pushed {
		return fmt.Errorf("server %s: say where head office answers (--office) or where its bundles lie (--bundles), or both; or that head office calls it (--pushed)", e.Server)
	}
	enrolment, err := keys.Enrol(publisher.Enrolment{
		Server: e.Server, Store: e.Store, Standby: e.Standby, OfficeAddress: e.Office, Bundles: e.Bundles, Replace: e.Replace,
	}, now)
	if err != nil {
		return err
	}
	if e.Out == "" {
		if err := os.MkdirAll(home.Servers(), 0o700); err != nil {
			return err
		}
		e.Out = filepath.Join(home.Servers(), e.Server+".enrol.json")
	}
	if err := publisher.WriteEnrolment(e.Out, enrolment); err != nil {
		return err
	}
	fmt.Fprintf(to, "%s\n  is the only copy of what server %s needs. Bring it to store %s and start there:\n  stamklant-store serve --enrol %s\n",
		e.Out, e.Server, e.Store, filepath.Base(e.Out))
	return nil
}

// knownStore fails when there is a programme and it does not name the store. A programme with faults is for `check` to tell.
func knownStore(home Home, store string) error {
	doc, _ := programme.Read(home.Programme())
	if doc == nil || len(doc.Programme.GetStores()) == 0 {
		return nil
	}
	for _, s := range doc.Programme.GetStores() {
		if s.GetCode() == store {
			return nil
		}
	}
	return fmt.Errorf("store %s is not in %s: add it under `stores:`, or name one that is", store, home.Programme())
}

// serverTokens tells which enrolled server a token belongs to. A server enrolled while head office runs is found too: the folder is read
// again when an unknown token comes, at most once a second.
type serverTokens struct {
	home Home
	now  func() time.Time

	mu    sync.Mutex
	read  time.Time
	known map[[sha256.Size]byte]*rpc.Principal
	rows  map[string]publisher.Server
}

// enrolled reports whether a server of a store is enrolled with what that authority signs. The folder is read anew: connections are few.
func (t *serverTokens) enrolled(server, store, authority string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if row, ok := t.rows[server]; !ok || row.Authority != authority || t.now().Sub(t.read) >= time.Second {
		t.load()
	}
	row, ok := t.rows[server]
	return ok && row.Store == store && row.Authority != "" && row.Authority == authority
}

func (t *serverTokens) principal(token string) (*rpc.Principal, bool) {
	sum := sha256.Sum256([]byte(token))
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, ok := t.known[sum]; ok {
		return p, true
	}
	if t.now().Sub(t.read) < time.Second {
		return nil, false
	}
	t.load()
	p, ok := t.known[sum]
	return p, ok
}

// load reads the folder; one that cannot be read keeps what was known.
func (t *serverTokens) load() {
	t.read = t.now()
	keys, err := publisher.LoadKeys(t.home.Keys())
	if err != nil {
		return
	}
	known := make(map[[sha256.Size]byte]*rpc.Principal)
	rows := make(map[string]publisher.Server)
	for _, s := range keys.Servers() {
		rows[s.ID] = s
		if len(s.TokenSHA256) == sha256.Size {
			known[[sha256.Size]byte(s.TokenSHA256)] = &rpc.Principal{Role: rpc.RoleSync, ID: s.ID}
		}
	}
	t.known, t.rows = known, rows
}
