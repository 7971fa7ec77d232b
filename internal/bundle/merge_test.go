package bundle_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/stamklant/stamklant/internal/bundle"
)

// recordsOf draws a state: few keys, so that states share many of them.
func recordsOf(t *rapid.T, label string) []bundle.Record {
	drawn := rapid.MapOfN(rapid.IntRange(0, 40), rapid.SliceOfN(rapid.Byte(), 0, 3), 0, 40).Draw(t, label)
	var list []bundle.Record
	for n, value := range drawn {
		list = append(list, bundle.Record{Kind: bundle.Kind(1 + n%3), Key: []byte{byte(n / 3)}, Value: value})
	}
	slices.SortFunc(list, bundle.Compare)
	return list
}

func digestOf(t *rapid.T, records bundle.Records) [32]byte {
	d, err := bundle.StateDigest(records)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestMergeOfDiff says that the change between two states leads from one to the other.
func TestMergeOfDiff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := recordsOf(t, "a"), recordsOf(t, "b")
		changes, err := collect(bundle.Diff(stream(a), stream(b)))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := digestOf(t, bundle.Merge(stream(a), stream(changes))), digestOf(t, stream(b)); got != want {
			t.Fatal("merge of the difference is another state")
		}
		for _, r := range changes {
			same := func(o bundle.Record) bool { return bundle.Compare(r, o) == 0 && bytes.Equal(r.Value, o.Value) }
			if slices.ContainsFunc(b, same) && slices.ContainsFunc(a, same) || r.Tombstone && slices.ContainsFunc(b, func(o bundle.Record) bool { return bundle.Compare(r, o) == 0 }) {
				t.Fatal("the change holds what did not change")
			}
		}
	})
}

// TestMergeOfChain says that a chain of changes, merged in one pass or step by step, with parts written and read between, leads to the last state.
func TestMergeOfChain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		states := make([][]bundle.Record, rapid.IntRange(2, 6).Draw(t, "states"))
		for i := range states {
			states[i] = recordsOf(t, "state")
		}
		var all []bundle.Records
		step := states[0]
		for i := 1; i < len(states); i++ {
			changes, err := collect(bundle.Diff(stream(states[i-1]), stream(states[i])))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, stream(changes))
			if step, err = collect(bundle.Merge(stream(step), stream(changes))); err != nil {
				t.Fatal(err)
			}
		}
		last := states[len(states)-1]
		if !same(step, last) {
			t.Fatal("step by step leads elsewhere")
		}
		if got, want := digestOf(t, bundle.Merge(stream(states[0]), all...)), digestOf(t, stream(last)); got != want {
			t.Fatal("in one pass leads elsewhere")
		}
	})
}

// TestMergeOfNothing leaves a state as it is.
func TestMergeOfNothing(t *testing.T) {
	t.Parallel()
	a := many(10, 10)
	for _, changes := range [][]bundle.Records{nil, {stream(nil)}, {stream(nil), stream(nil)}} {
		if got, err := collect(bundle.Merge(stream(a), changes...)); err != nil || !same(got, a) {
			t.Errorf("%d changes: %d records, %v", len(changes), len(got), err)
		}
	}
}

// TestStreamsFail hands an error on, wherever it comes from, and nothing after it.
func TestStreamsFail(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	a, b := many(20, 4), many(10, 5)
	for _, tc := range []struct {
		name    string
		records bundle.Records
	}{
		{"base", bundle.Merge(failing(a, broken), stream(b))},
		{"change", bundle.Merge(stream(a), failing(b, broken))},
		{"first of two changes", bundle.Merge(stream(a), failing(b[:3], broken), stream(b))},
		{"second of two changes", bundle.Merge(stream(a), stream(b), failing(b[:3], broken))},
		{"from", bundle.Diff(failing(b, broken), stream(a))},
		{"to", bundle.Diff(stream(a), failing(b, broken))},
	} {
		if _, err := collect(tc.records); !errors.Is(err, broken) {
			t.Errorf("%s: %v", tc.name, err)
		}
		for range tc.records {
			break // whoever stops early leaves nothing running
		}
	}
}

// TestState counts, and refuses what is no state.
func TestState(t *testing.T) {
	t.Parallel()
	list := []bundle.Record{
		{Kind: bundle.KindAccount, Key: []byte("a"), Value: []byte("1")},
		{Kind: bundle.KindAccount, Key: []byte("b")},
		{Kind: bundle.KindIdentifier, Key: []byte("a")},
		{Kind: bundle.KindErased, Key: []byte("a")},
	}
	s := bundle.NewState()
	if _, err := collect(s.Pass(stream(list))); err != nil || s.Accounts != 2 || s.Identifiers != 1 || s.Erased != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	for _, tc := range []struct {
		name string
		list []bundle.Record
		want error
	}{
		{"twice", []bundle.Record{list[0], list[0]}, bundle.ErrOrder},
		{"backwards", []bundle.Record{list[2], list[1]}, bundle.ErrOrder},
		{"tombstone", []bundle.Record{{Kind: bundle.KindAccount, Key: []byte("a"), Tombstone: true}}, bundle.ErrRecord},
	} {
		if _, err := bundle.StateDigest(stream(tc.list)); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
	// Where one field ends is part of the digest.
	x, _ := bundle.StateDigest(stream([]bundle.Record{{Kind: bundle.KindAccount, Key: []byte("ab"), Value: []byte("c")}}))
	y, _ := bundle.StateDigest(stream([]bundle.Record{{Kind: bundle.KindAccount, Key: []byte("a"), Value: []byte("bc")}}))
	if x == y {
		t.Error("two states, one digest")
	}
}
