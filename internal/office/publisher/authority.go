package publisher

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/stamklant/stamklant/internal/certificate"
)

// authorityFile signs the certificates of stores. A chain made before there were any gets one when it is first needed.
const authorityFile = "authority.pem"

// Authority is the chain's certificate authority, and its certificate for those who trust it.
func (k *Keys) Authority(now time.Time) (*certificate.Signer, []byte, error) {
	path := filepath.Join(k.dir, authorityFile)
	pair, err := certificate.ReadOne(path)
	if errors.Is(err, fs.ErrNotExist) {
		if pair, err = certificate.NewChain(k.chainName(), now); err != nil {
			return nil, nil, err
		}
		err = pair.WriteOne(path)
	}
	if err != nil {
		return nil, nil, err
	}
	signer, err := certificate.OpenSigner(pair)
	return signer, pair.Certificate, err
}

// chainName is the chain as certificates name it.
func (k *Keys) chainName() string {
	id := k.Chain()
	return hex.EncodeToString(id[:])
}

// storeAuthority draws the authority a server signs its store's certificates with.
func (k *Keys) storeAuthority(store, server string, now time.Time) (chain, own []byte, serial string, err error) {
	signer, chain, err := k.Authority(now)
	if err != nil {
		return nil, nil, "", err
	}
	pair, err := signer.Store(store, server, now)
	if err != nil {
		return nil, nil, "", err
	}
	serial, err = pair.Serial()
	return chain, slices.Concat(pair.Certificate, pair.Key), serial, err
}
