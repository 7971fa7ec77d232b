package instore_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"google.golang.org/grpc"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/bundle"
)

// bareServer answers every lookup with the same answer, without any of our steps.
type bareServer struct {
	tillv1.UnimplementedCheckoutServiceServer
	answer *tillv1.LookupResponse
	reads  *bareReads // nil for one that reads nothing
}

func (s *bareServer) Lookup(_ context.Context, request *tillv1.LookupRequest) (*tillv1.LookupResponse, error) {
	if s.reads != nil {
		if err := s.reads.read(request.GetIdentifier().GetText()); err != nil {
			return nil, err
		}
	}
	return s.answer, nil
}

// startBare starts a bare server whose answer is one of ours.
func (s *benchStore) startBare(b *testing.B, reads *bareReads) *peer {
	b.Helper()
	client := s.ours.dial(b)
	answer, err := client.Lookup(b.Context(), s.request(0, 0))
	must(b, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	server := grpc.NewServer()
	tillv1.RegisterCheckoutServiceServer(server, &bareServer{answer: answer, reads: reads})
	go func() { _ = server.Serve(listener) }() // ends with Stop
	b.Cleanup(server.Stop)
	return &peer{addr: listener.Addr().String(), token: s.ours.token}
}

// bareReads is the least a lookup must do: from the store's own file, read the record of the card and the record of its owner, and open their
// seals. Which keys to read is known before.
type bareReads struct {
	db   *bbolt.DB
	aead cipher.AEAD
	salt []byte
	keys map[string][2][16]byte
}

func (s *benchStore) newBareReads(b *testing.B) *bareReads {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "store", "releases", "generations", "gen-*.db"))
	must(b, err)
	r := &bareReads{keys: make(map[string][2][16]byte, len(s.cards))}
	r.db, err = bbolt.Open(files[0], 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	must(b, err)
	b.Cleanup(func() { must(b, r.db.Close()) })
	must(b, r.db.View(func(tx *bbolt.Tx) error {
		r.salt = append(r.salt, tx.Bucket([]byte("meta")).Get([]byte("salt"))...)
		return nil
	}))
	dataKey := s.server.DataKey()
	key, err := hkdf.Key(sha256.New, dataKey[:], r.salt, "stamklant/generation/v1", 32)
	must(b, err)
	block, err := aes.NewCipher(key)
	must(b, err)
	r.aead, err = cipher.NewGCM(block)
	must(b, err)
	for _, card := range s.cards {
		r.keys[card] = [2][16]byte{s.hash(card), s.owners[card]}
	}
	return r
}

func (r *bareReads) read(card string) error {
	keys := r.keys[card]
	return r.db.View(func(tx *bbolt.Tx) error {
		if err := r.open(tx, "identifiers", bundle.KindIdentifier, keys[0][:]); err != nil {
			return err
		}
		return r.open(tx, "accounts", bundle.KindAccount, keys[1][:])
	})
}

func (r *bareReads) open(tx *bbolt.Tx, bucket string, kind bundle.Kind, key []byte) error {
	sealed := tx.Bucket([]byte(bucket)).Get(key)
	if len(sealed) < 8 {
		return errors.New("no record")
	}
	var nonce [12]byte
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(sealed))
	_, err := r.aead.Open(nil, nonce[:], sealed[8:], append(append(append(make([]byte, 0, 64), r.salt...), byte(kind)), key...))
	return err
}
