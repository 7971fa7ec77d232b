package publisher

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// The files of a folder of keys.
const (
	rootFile      = "root.pem"
	signingFile   = "signing.pem"
	laneFile      = "lane.pem"
	recoveryFile  = "recovery.pem"
	detailsFile   = "details.pem"
	chainFile     = "chain.json"
	secretsFile   = "secrets.json"
	keysetFile    = "keyset.skm"
	serversFolder = "servers"
)

// What stands above a key in its file.
const (
	signingComment = "Signs the manifests that stores follow. Needed for every publication."
	laneComment    = "Signs the urgent words to all stores. Needed for each."
)

// keysetLife is how long a keyset holds before it must be signed anew with the root key.
const keysetLife = 2 * 365 * 24 * time.Hour

// Keys are a chain's keys and the servers enrolled in it, as they lie in a folder:
//
//	root.pem       signs the keyset, nothing else; belongs on a medium kept offline
//	signing.pem    signs manifests
//	lane.pem       signs the lane of urgent words; where it is missing, signing.pem does
//	recovery.pem   opens the data key of a server that lost its own
//	details.pem    opens the contact details that customers give at tills; drawn when first published
//	authority.pem  signs the authorities of stores, for certificates; drawn when first needed
//	chain.json     what the chain is, for everybody to know
//	secrets.json   the keys identifiers are hashed with, and the one decision tickets are sealed under
//	keyset.skm     the signed keyset, as published
//	servers/ID.json  an enrolled server: its public key and what its token hashes to
//
// All but chain.json and keyset.skm are secret, and readable by the owner only. Not for concurrent use while enrolling.
type Keys struct {
	dir     string
	root    ed25519.PublicKey
	signing ed25519.PrivateKey
	lane    ed25519.PrivateKey
	keyset  []byte
	secrets secrets
	servers map[string]Server
}

// secrets is secrets.json.
type secrets struct {
	Comment        string          `json:"comment"`
	IdentifierKeys []identifierKey `json:"identifier_keys"`
	ContentKey     []byte          `json:"content_key"`
	TicketKey      []byte          `json:"ticket_key"`
}

type identifierKey struct {
	Epoch uint32 `json:"epoch"`
	Key   []byte `json:"key"`
}

// chain is chain.json.
type chain struct {
	Comment  string    `json:"comment"`
	ID       string    `json:"chain_id"`
	Root     []byte    `json:"root_public_key"`
	Recovery []byte    `json:"recovery_public_key"`
	Created  time.Time `json:"created"`
}

// Server is one enrolled server, as head office keeps it.
type Server struct {
	Comment string `json:"comment"`
	// The server's name.
	ID string `json:"server_id"`
	// The store it stands in.
	Store string `json:"store"`
	// Whether it is the store's standby.
	Standby bool `json:"standby"`
	// The X25519 public key its part keys are sealed to.
	PublicKey []byte `json:"public_key"`
	// SHA-256 of its bearer token.
	TokenSHA256 []byte `json:"token_sha256"`
	// What head-office jobs show to it. Empty for a server enrolled before there were such jobs.
	SyncToken string `json:"sync_token,omitempty"`
	// Serial number, in hexadecimal, of the authority its store's certificates are signed with. Empty for one enrolled before there were any.
	Authority string `json:"authority,omitempty"`
	// When it was enrolled.
	Enrolled time.Time `json:"enrolled"`
}

// CreateChain draws a new chain's keys into a folder, which is made when there is none. It answers [ErrChainExists] rather than overwrite any.
func CreateChain(dir string, now time.Time) (*Keys, error) {
	if _, err := os.Stat(filepath.Join(dir, chainFile)); err == nil {
		return nil, fmt.Errorf("%s: %w", dir, ErrChainExists)
	}
	if err := os.MkdirAll(filepath.Join(dir, serversFolder), 0o700); err != nil {
		return nil, err
	}
	root, rootKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	_, signing, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	_, lane, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	recovery, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(
		writePEM(filepath.Join(dir, rootFile), "Signs the keyset of this chain. Keep it offline; who has it can speak for head office.", rootKey),
		writePEM(filepath.Join(dir, signingFile), signingComment, signing),
		writePEM(filepath.Join(dir, laneFile), laneComment, lane),
		writePEM(filepath.Join(dir, recoveryFile), "Opens the data key of a server that lost its own. Keep it offline.", recovery),
	); err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(dir, secretsFile), secrets{
		Comment:        "Keys of this chain. identifier_keys hash what cards and phones are published under; content_key never changes; ticket_key seals decision tickets.",
		IdentifierKeys: []identifierKey{{Epoch: 1, Key: random(32)}}, ContentKey: random(32), TicketKey: random(32),
	}, 0o600); err != nil {
		return nil, err
	}
	id := bundle.ChainOf(root)
	c := chain{
		Comment: "What this chain is. Nothing here is secret.",
		ID:      hex.EncodeToString(id[:]), Root: root, Recovery: recovery.PublicKey().Bytes(), Created: now.UTC(),
	}
	if err := signKeyset(dir, c, rootKey, (&Keys{signing: signing, lane: lane}).own(), now); err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(dir, chainFile), c, 0o644); err != nil {
		return nil, err
	}
	return LoadKeys(dir)
}

// LoadKeys reads a folder of keys. The root and recovery keys may be elsewhere: publishing needs neither. It answers [ErrNoChain] for a folder
// without keys, and [ErrKeyFile], naming the file, for one that cannot be used.
func LoadKeys(dir string) (*Keys, error) {
	k := &Keys{dir: dir, servers: make(map[string]Server)}
	var c chain
	if err := readJSON(filepath.Join(dir, chainFile), &c); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: make them with `stamklant-office keys`", dir, ErrNoChain)
	} else if err != nil {
		return nil, err
	}
	if k.root = c.Root; len(k.root) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%s: no root public key: %w", filepath.Join(dir, chainFile), ErrKeyFile)
	}
	signing, err := readSigningKey(filepath.Join(dir, signingFile))
	if err != nil {
		return nil, err
	}
	k.signing, k.lane = signing, signing
	if lane, err := readSigningKey(filepath.Join(dir, laneFile)); err == nil {
		k.lane = lane
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := readJSON(filepath.Join(dir, secretsFile), &k.secrets); err != nil {
		return nil, err
	}
	if len(k.secrets.IdentifierKeys) == 0 || len(k.secrets.ContentKey) != 32 || len(k.secrets.TicketKey) != 32 {
		return nil, fmt.Errorf("%s: a key is missing: %w", filepath.Join(dir, secretsFile), ErrKeyFile)
	}
	if k.keyset, err = os.ReadFile(filepath.Join(dir, keysetFile)); err != nil {
		return nil, err
	}
	if err := k.checkKeyset(); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", filepath.Join(dir, keysetFile), ErrKeyFile, err)
	}
	return k, k.loadServers()
}

// checkKeyset finds out here, and not in the stores, that a key is not one the keyset allows for what it is to sign.
func (k *Keys) checkKeyset() error {
	keyset, err := k.present()
	if err != nil {
		return err
	}
	for _, one := range []struct {
		kind bundlev1.SignedKind
		key  ed25519.PrivateKey
		file string
	}{{bundlev1.SignedKind_SIGNED_KIND_MANIFEST, k.signing, signingFile}, {bundlev1.SignedKind_SIGNED_KIND_LANE, k.lane, laneFile}} {
		may := slices.ContainsFunc(keyset.GetKeys(), func(key *bundlev1.SigningKey) bool {
			return publicKey(one.key).Equal(ed25519.PublicKey(key.GetPublicKey())) && slices.Contains(key.GetMaySign(), one.kind)
		})
		if !may {
			return errors.New("does not allow the key in " + one.file)
		}
	}
	return nil
}

func (k *Keys) loadServers() error {
	entries, err := os.ReadDir(filepath.Join(k.dir, serversFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok {
			continue
		}
		var s Server
		path := filepath.Join(k.dir, serversFolder, e.Name())
		if err := readJSON(path, &s); err != nil {
			return err
		}
		if s.ID != id || !serverName.MatchString(id) || len(s.PublicKey) != 32 || s.Store == "" {
			return fmt.Errorf("%s: not an enrolled server: %w", path, ErrKeyFile)
		}
		k.servers[id] = s
	}
	return nil
}

// Chain is the chain the keys are of.
func (k *Keys) Chain() bundle.ChainID { return bundle.ChainOf(k.root) }

// IdentifierKey is the key identifiers are hashed with, and its epoch.
func (k *Keys) IdentifierKey() (epoch uint32, key []byte) {
	newest := k.secrets.IdentifierKeys[len(k.secrets.IdentifierKeys)-1]
	return newest.Epoch, newest.Key
}

// ContentKey is the key that never rotates: for the contents of receipts and the suppression list.
func (k *Keys) ContentKey() []byte { return k.secrets.ContentKey }

// TicketKey is the key decision tickets are sealed under.
func (k *Keys) TicketKey() []byte { return k.secrets.TicketKey }

// Servers is the enrolled servers, by name.
func (k *Keys) Servers() []Server {
	servers := make([]Server, 0, len(k.servers))
	for _, s := range k.servers {
		servers = append(servers, s)
	}
	slices.SortFunc(servers, func(a, b Server) int { return strings.Compare(a.ID, b.ID) })
	return servers
}

// Authenticate reports whether a token is that of an enrolled server.
func (k *Keys) Authenticate(server, token string) bool {
	s, ok := k.servers[server]
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], s.TokenSHA256) == 1 && ok
}

var serverName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// Enrolment is what a new server is told besides its keys.
type Enrolment struct {
	// The server's name, and the store it stands in.
	Server, Store string
	// Whether it is the store's standby.
	Standby bool
	// Head office's gRPC address, host:port; may be empty when bundles come from elsewhere.
	OfficeAddress string
	// Where bundles lie: a folder or an https address; empty to ask head office.
	Bundles string
	// Whether a server enrolled under this name before loses its keys and token.
	Replace bool
}

// Enrol draws a new server's keys and token, keeps what head office needs of them, and returns what the server needs. It is the only copy: write it
// with [WriteEnrolment] and bring it there. It answers [ErrServerName] and [ErrServerExists].
func (k *Keys) Enrol(e Enrolment, now time.Time) (*bundlev1.Enrolment, error) {
	if !serverName.MatchString(e.Server) || e.Store == "" {
		return nil, fmt.Errorf("server %q in store %q: %w", e.Server, e.Store, ErrServerName)
	}
	if _, ok := k.servers[e.Server]; ok && !e.Replace {
		return nil, fmt.Errorf("server %s: %w", e.Server, ErrServerExists)
	}
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	token, jobs := base64.RawURLEncoding.EncodeToString(random(32)), base64.RawURLEncoding.EncodeToString(random(32))
	sum := sha256.Sum256([]byte(token))
	chainAuthority, authority, serial, err := k.storeAuthority(e.Store, e.Server, now)
	if err != nil {
		return nil, err
	}
	s := Server{
		Comment: "An enrolled server. Its private key and token are in the file it was given, and nowhere else.",
		ID:      e.Server, Store: e.Store, Standby: e.Standby, PublicKey: private.PublicKey().Bytes(), TokenSHA256: sum[:], SyncToken: jobs,
		Authority: serial, Enrolled: now.UTC(),
	}
	if err := os.MkdirAll(filepath.Join(k.dir, serversFolder), 0o700); err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(k.dir, serversFolder, e.Server+".json"), s, 0o600); err != nil {
		return nil, err
	}
	k.servers[e.Server] = s
	chainID := k.Chain()
	return &bundlev1.Enrolment{
		ServerId: e.Server, Store: e.Store, ChainId: chainID[:], RootPublicKey: k.root, PrivateKey: private.Bytes(),
		OfficeAddress: e.OfficeAddress, Bundles: e.Bundles, Token: token, SyncToken: jobs,
		ChainAuthority: chainAuthority, StoreAuthority: authority,
	}, nil
}

// RecoverDataKey opens the data key of a server that lost its device key, from what lies sealed in the server's key file. It needs the recovery key.
func (k *Keys) RecoverDataKey(server string, sealed []byte) (bundle.Key, error) {
	private, err := readRecoveryKey(filepath.Join(k.dir, recoveryFile))
	if err != nil {
		return bundle.Key{}, err
	}
	return bundle.OpenKey(private.Bytes(), bundle.ForRecovery(k.Chain(), server), sealed)
}

// DetailsKey is the public key that stores seal contact details to. A chain that has none yet gets one.
func (k *Keys) DetailsKey() ([]byte, error) {
	path := filepath.Join(k.dir, detailsFile)
	private, err := readRecoveryKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if private, err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
			return nil, err
		}
		err = writePEM(path, "Opens the contact details that customers give at tills.", private)
	}
	if err != nil {
		return nil, err
	}
	return private.PublicKey().Bytes(), nil
}

// OpenDetails opens contact details that a server sealed.
func (k *Keys) OpenDetails(server string, sealed []byte) (*outcomev1.ContactDetails, error) {
	private, err := readRecoveryKey(filepath.Join(k.dir, detailsFile))
	if err != nil {
		return nil, err
	}
	plain, err := bundle.OpenFor(private.Bytes(), bundle.ForDetails(k.Chain(), server), sealed)
	if err != nil {
		return nil, err
	}
	details := &outcomev1.ContactDetails{}
	return details, proto.Unmarshal(plain, details)
}

// RenewKeyset signs the keyset anew, with the keys it allows, under the next version. It needs the root key.
func (k *Keys) RenewKeyset(now time.Time) error {
	present, err := k.present()
	if err != nil {
		return err
	}
	return k.resign(present.GetKeys(), now)
}

// resign signs the next keyset.
func (k *Keys) resign(keys []*bundlev1.SigningKey, now time.Time) error {
	root, err := readSigningKey(filepath.Join(k.dir, rootFile))
	if err != nil {
		return err
	}
	var c chain
	if err := readJSON(filepath.Join(k.dir, chainFile), &c); err != nil {
		return err
	}
	if err := signKeyset(k.dir, c, root, keys, now); err != nil {
		return err
	}
	k.keyset, err = os.ReadFile(filepath.Join(k.dir, keysetFile))
	return err
}

// signKeyset writes the keyset that follows the one in the folder.
func signKeyset(dir string, c chain, root ed25519.PrivateKey, keys []*bundlev1.SigningKey, now time.Time) error {
	id := bundle.ChainOf(publicKey(root))
	next := &bundlev1.Keyset{
		ChainId: id[:], Version: 1, ExpiresAt: timestamppb.New(now.Add(keysetLife)), RecoveryPublicKey: c.Recovery, Keys: keys,
	}
	if file, err := os.ReadFile(filepath.Join(dir, keysetFile)); err == nil {
		before, err := bundle.NewTrust(bundle.Anchor{Chain: id, Root: publicKey(root)}, 0, [32]byte{}).Keyset(file)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(dir, keysetFile), err)
		}
		next.Version = before.GetVersion() + 1
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(next)
	if err != nil {
		return err
	}
	file, err := bundle.Sign(bundlev1.SignedKind_SIGNED_KIND_KEYSET, id, root, payload)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, keysetFile), file, 0o644)
}

func publicKey(key ed25519.PrivateKey) ed25519.PublicKey {
	public, _ := key.Public().(ed25519.PublicKey)
	return public
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
