package inbox_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/stamklant/stamklant/internal/office/inbox"
)

// BenchmarkRegister registers accounts with an external id and a card each, in batches, from an empty register.
func BenchmarkRegister(b *testing.B) {
	register(b, open(b, file(b)))
}

func register(b *testing.B, box *inbox.Inbox) {
	b.Helper()
	for from := 0; from < b.N; from += inbox.RegisterBatch {
		err := box.Register(b.Context(), func(r *inbox.Registrar) error {
			for i := from; i < min(from+inbox.RegisterBatch, b.N); i++ {
				id, err := r.Mint()
				err = errors.Join(err, r.AddExternal(id, fmt.Sprintf("C-%07d", i)),
					r.AddIdentifier(id, inbox.Identifier{Namespace: "card", Canonical: fmt.Sprintf("29%011d", uint32(i)*2654435761)}))
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCut reads every account of a register of b.N.
func BenchmarkCut(b *testing.B) {
	box := open(b, file(b))
	register(b, box)
	b.ResetTimer()
	n := len(cutAccounts(b, box))
	if n != b.N {
		b.Fatalf("%d accounts", n)
	}
}

// BenchmarkDeliver takes receipts of many accounts in batches of 500.
func BenchmarkDeliver(b *testing.B) {
	box := open(b, file(b))
	s := newServer("gent-1")
	for i := range b.N {
		r := sale(fmt.Sprint(i), account(i), 1)
		binary.BigEndian.PutUint32(r.AccountId, uint32(i)*2654435761)
		r.Entries[0].AccountId = r.AccountId
		s.receipt(b, r)
	}
	b.ResetTimer()
	for first := 1; first <= b.N; first += 500 {
		deliver(b, box, s.request(first, min(first+499, b.N)))
	}
}
