package till

import (
	"errors"
	"slices"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	"github.com/stamklant/stamklant/internal/instore/generation"
	"github.com/stamklant/stamklant/internal/instore/journal"
)

// aliases are the cards that were new when their receipts were booked here, and that a release has given an account since: what was booked on
// them is that account's, whichever of its cards is shown.
type aliases struct {
	release [32]byte
	hashes  uint64 // how often cards had been added to the journal
	of      map[[16]byte][][16]byte
}

// aliasesOf are the identifiers of this kind that lead to an account. The whole index is made once per release, and again when a new card came.
func (c *call) aliasesOf(v *journal.View, account [16]byte) ([][16]byte, error) {
	known := c.service.aliases.Load()
	if known == nil || known.release != c.release.Digest || known.hashes != c.hashes {
		fresh := &aliases{release: c.release.Digest, hashes: c.hashes, of: map[[16]byte][][16]byte{}}
		err := v.IDHashes(func(hash [16]byte) error {
			owner, ok, err := c.ownerOf(hash)
			if ok {
				fresh.of[owner] = append(fresh.of[owner], hash)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		c.service.aliases.Store(fresh)
		known = fresh
	}
	return known.of[account], nil
}

// ownerOf is the one account a published identifier leads to.
func (c *call) ownerOf(hash [16]byte) (account [16]byte, ok bool, err error) {
	for range maxHops {
		identifier, err := c.release.Identifier(hash)
		if errors.Is(err, generation.ErrNotFound) {
			return account, false, nil
		}
		if err != nil {
			return account, false, err
		}
		if len(identifier.GetResolvesTo()) == len(hash) {
			hash = [16]byte(identifier.GetResolvesTo())
			continue
		}
		return theOnly(identifier)
	}
	return account, false, nil
}

func theOnly(identifier *customerv1.Identifier) (account [16]byte, ok bool, err error) {
	if ids := identifier.GetAccountIds(); len(ids) == 1 && len(ids[0]) == len(account) {
		return [16]byte(ids[0]), true, nil
	}
	return account, false, nil
}

// subjects are what the customer's local entries hang on: the account and those merged into it, every identifier on the way to it, and every
// other one that was new here and is its own by now. Each once.
func (c *call) subjects(w *who, v *journal.View) ([][16]byte, error) {
	var all [][16]byte
	if w.account != nil {
		all = append(append(all, w.id), w.merged...)
		for _, account := range all {
			owned, err := c.aliasesOf(v, account)
			if err != nil {
				return nil, err
			}
			all = append(all, owned...)
		}
	}
	for _, hash := range w.hashes {
		if !slices.Contains(all, hash) {
			all = append(all, hash)
		}
	}
	return all, nil
}
