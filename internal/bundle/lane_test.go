package bundle

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

var (
	laneContentKey = bytes.Repeat([]byte{5}, 32)
	someAccount    = bytes.Repeat([]byte{0xa1}, 16)
	otherAccount   = bytes.Repeat([]byte{0xb2}, 16)
)

// laneRecords is one of each word.
func laneRecords() []*bundlev1.LaneRecord {
	at := timestamppb.New(time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC))
	return []*bundlev1.LaneRecord{
		{Number: 1, IssuedAt: at, Word: &bundlev1.LaneRecord_Preference{Preference: &outcomev1.Preference{
			AccountId: someAccount, Purpose: outcomev1.Purpose_PURPOSE_ALL, OccurredAt: at,
		}}},
		{Number: 2, IssuedAt: at, Word: &bundlev1.LaneRecord_Block{Block: &bundlev1.LaneBlock{
			Thing: &bundlev1.LaneBlock_Identifier{Identifier: otherAccount}, Blocked: true,
		}}},
		{Number: 3, IssuedAt: at, Word: &bundlev1.LaneRecord_Erasure{Erasure: &bundlev1.LaneErasure{
			AccountId: someAccount, Identifiers: [][]byte{otherAccount}, IdHashes: [][]byte{otherAccount},
		}}},
		{Number: 4, IssuedAt: at, Word: &bundlev1.LaneRecord_Merge{Merge: &bundlev1.LaneMerge{Merged: someAccount, Survivor: otherAccount}}},
	}
}

func TestLaneRecords(t *testing.T) {
	t.Parallel()
	chain := ChainOf(rootPublic())
	for _, record := range laneRecords() {
		payload, err := SealLane(chain, laneContentKey, record)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := SealLane(chain, laneContentKey, record); err != nil || !bytes.Equal(again, payload) {
			t.Errorf("record %d has other bytes the second time, %v", record.GetNumber(), err)
		}
		if bytes.Contains(payload, someAccount) || bytes.Contains(payload, otherAccount) {
			t.Errorf("record %d shows whom it is about", record.GetNumber())
		}
		got, err := OpenLane(chain, laneContentKey, record.GetNumber(), payload)
		if err != nil || !proto.Equal(got, record) {
			t.Errorf("record %d: %v, %v", record.GetNumber(), got, err)
		}
		other := chain
		other[0]++
		for _, c := range []struct {
			name   string
			chain  ChainID
			key    []byte
			number uint64
			want   error
		}{
			{"another chain", other, laneContentKey, record.GetNumber(), ErrWrongChain},
			{"another number", chain, laneContentKey, record.GetNumber() + 1, ErrDoesNotFit},
			{"no number", chain, laneContentKey, 0, ErrDoesNotFit},
			{"another key", chain, otherAccount, record.GetNumber(), ErrWrongKey},
		} {
			if got, err := OpenLane(c.chain, c.key, c.number, payload); !errors.Is(err, c.want) || got != nil {
				t.Errorf("record %d as %s: %v, %v", record.GetNumber(), c.name, got, err)
			}
		}
		for i := range payload {
			spoilt := bytes.Clone(payload)
			spoilt[i] ^= 1
			if got, err := OpenLane(chain, laneContentKey, record.GetNumber(), spoilt); err == nil && !proto.Equal(got, record) {
				t.Fatalf("record %d with byte %d changed reads %v", record.GetNumber(), i, got)
			}
		}
	}
}

func TestLaneRefusesWhatNobodyCanActOn(t *testing.T) {
	t.Parallel()
	chain := ChainOf(rootPublic())
	for name, spoil := range map[string]func(all []*bundlev1.LaneRecord) *bundlev1.LaneRecord{
		"no number": func(all []*bundlev1.LaneRecord) *bundlev1.LaneRecord { all[0].Number = 0; return all[0] },
		"no time":   func(all []*bundlev1.LaneRecord) *bundlev1.LaneRecord { all[0].IssuedAt = nil; return all[0] },
		"no purpose": func(all []*bundlev1.LaneRecord) *bundlev1.LaneRecord {
			all[0].GetPreference().Purpose = 0
			return all[0]
		},
		"a short account": func(all []*bundlev1.LaneRecord) *bundlev1.LaneRecord {
			all[0].GetPreference().AccountId = []byte{1}
			return all[0]
		},
		"nothing to block": func(all []*bundlev1.LaneRecord) *bundlev1.LaneRecord { all[1].GetBlock().Thing = nil; return all[1] },
		"a short identifier": func(all []*bundlev1.LaneRecord) *bundlev1.LaneRecord {
			all[2].GetErasure().Identifiers[0] = []byte{1}
			return all[2]
		},
		"merged into itself": func(all []*bundlev1.LaneRecord) *bundlev1.LaneRecord {
			all[3].GetMerge().Survivor = someAccount
			return all[3]
		},
		"too many identifier": func(all []*bundlev1.LaneRecord) *bundlev1.LaneRecord {
			all[2].GetErasure().Identifiers = make([][]byte, 1001)
			return all[2]
		},
	} {
		if _, err := SealLane(chain, laneContentKey, spoil(laneRecords())); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzLaneRecord seals and signs anything as a lane record: what is accepted can be acted on.
func FuzzLaneRecord(f *testing.F) {
	chain := ChainOf(rootPublic())
	for _, record := range laneRecords() {
		payload, err := SealLane(chain, laneContentKey, record)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(record.GetNumber(), payload, mustMarshal(f, record))
	}
	f.Fuzz(func(t *testing.T, number uint64, payload, plain []byte) {
		if _, err := OpenLane(chain, laneContentKey, number, payload); !ownErrors(err) {
			t.Fatal(err)
		}
		// The same with a seal that holds, so that what is behind it is tried too.
		record := new(bundlev1.LaneRecord)
		if proto.Unmarshal(plain, record) != nil {
			return
		}
		sealed, err := SealLane(chain, laneContentKey, record)
		if !ownErrors(err) || err != nil {
			if !ownErrors(err) {
				t.Fatal(err)
			}
			return
		}
		got, err := OpenLane(chain, laneContentKey, record.GetNumber(), sealed)
		if err != nil {
			t.Fatalf("sealed and not opened: %v", err)
		}
		if e := got.GetErasure(); e != nil && (len(e.GetAccountId()) != 16 || len(e.GetIdentifiers()) > maxErasedIdentifiers) {
			t.Fatalf("%v", got)
		}
	})
}
