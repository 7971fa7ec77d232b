package publisher

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/identify"
)

// marshal is how all that is published is written, so that what did not change has the same bytes the next day.
var marshal = proto.MarshalOptions{Deterministic: true}

// customerRecords is the state to publish, in published order.
func customerRecords(in Inputs, key []byte) bundle.Records {
	return func(yield func(bundle.Record, error) bool) {
		for _, records := range []bundle.Records{accountRecords(in.Accounts), identifierRecords(in.Identifiers, key), erasedRecords(in.Erased)} {
			for r, err := range records {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

func accountRecords(accounts iter.Seq2[Account, error]) bundle.Records {
	return func(yield func(bundle.Record, error) bool) {
		if accounts == nil {
			return
		}
		var last []byte
		var value []byte
		for a, err := range accounts {
			if err == nil && last != nil && bytes.Compare(a.ID[:], last) <= 0 {
				err = fmt.Errorf("account %x after %x: %w", a.ID, last, ErrOrder)
			}
			if err == nil {
				value, err = marshal.MarshalAppend(value[:0], a.Account)
			}
			if !yield(bundle.Record{Kind: bundle.KindAccount, Key: a.ID[:], Value: value}, err) || err != nil {
				return
			}
			last = append(last[:0], a.ID[:]...)
		}
	}
}

// hashed is an identifier waiting to be sorted; its record stands in one buffer with all others.
type hashed struct {
	hash   [16]byte
	offset int64
	length int32
}

func identifierRecords(identifiers iter.Seq2[Identifier, error], key []byte) bundle.Records {
	return func(yield func(bundle.Record, error) bool) {
		if identifiers == nil {
			return
		}
		var entries []hashed
		var buffer []byte
		for i, err := range identifiers {
			offset := len(buffer)
			if err == nil {
				buffer, err = marshal.MarshalAppend(buffer, i.Identifier)
			}
			if err != nil {
				yield(bundle.Record{}, err)
				return
			}
			entries = append(entries, hashed{identify.Hash(key, i.Namespace, i.Canonical), int64(offset), int32(len(buffer) - offset)})
		}
		slices.SortStableFunc(entries, func(a, b hashed) int { return bytes.Compare(a.hash[:], b.hash[:]) })
		for len(entries) > 0 {
			same := 1
			for same < len(entries) && entries[same].hash == entries[0].hash {
				same++
			}
			value, err := joined(buffer, entries[:same])
			if !yield(bundle.Record{Kind: bundle.KindIdentifier, Key: entries[0].hash[:], Value: value}, err) || err != nil {
				return
			}
			entries = entries[same:]
		}
	}
}

// maxAccounts is how many accounts an identifier may lead to, as the contract says.
const maxAccounts = 8

// joined is the one record of all with the same hash.
func joined(buffer []byte, same []hashed) ([]byte, error) {
	first := buffer[same[0].offset:][:same[0].length]
	if len(same) == 1 {
		return first, nil
	}
	all := new(customerv1.Identifier)
	if err := proto.Unmarshal(first, all); err != nil {
		return nil, err
	}
	for _, h := range same[1:] {
		other := new(customerv1.Identifier)
		if err := proto.Unmarshal(buffer[h.offset:][:h.length], other); err != nil {
			return nil, err
		}
		for _, id := range other.GetAccountIds() {
			known := slices.ContainsFunc(all.GetAccountIds(), func(have []byte) bool { return bytes.Equal(have, id) })
			if !known && len(all.GetAccountIds()) < maxAccounts {
				all.AccountIds = append(all.AccountIds, id)
			}
		}
	}
	return marshal.Marshal(all)
}

func erasedRecords(erased iter.Seq2[[16]byte, error]) bundle.Records {
	return func(yield func(bundle.Record, error) bool) {
		if erased == nil {
			return
		}
		var hashes [][16]byte
		for hash, err := range erased {
			if err != nil {
				yield(bundle.Record{}, err)
				return
			}
			hashes = append(hashes, hash)
		}
		slices.SortFunc(hashes, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
		for _, hash := range slices.Compact(hashes) {
			if !yield(bundle.Record{Kind: bundle.KindErased, Key: hash[:]}, nil) {
				return
			}
		}
	}
}
