package inbox

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
)

// Posting is one counted entry of an account's statement.
type Posting struct {
	// ServerID and Incarnation are who booked it, Sequence in which row.
	ServerID    string
	Incarnation [16]byte
	Sequence    uint64
	// Entry is what was booked.
	Entry *outcomev1.LedgerEntry
}

// Statement returns the counted entries of an account in the order in which they came. An account without any has none.
func (b *Inbox) Statement(account [16]byte) ([]Posting, error) {
	var postings []Posting
	err := b.view(func(t *transaction) error {
		postings = nil
		from, err := t.origins()
		if err != nil {
			return err
		}
		return t.each(inLedger, account[:], account[:], func(key, value []byte) (bool, error) {
			p, err := posting(from, value)
			if err != nil {
				return false, fmt.Errorf("%w: ledger %x: %w", ErrDamaged, key, err)
			}
			postings = append(postings, p)
			return true, nil
		})
	})
	return postings, err
}

// posting reads a value of ledger.
func posting(from map[uint32]cutStream, value []byte) (p Posting, err error) {
	at, err := decodePlace(value)
	if err != nil {
		return p, err
	}
	s := from[at.stream]
	p = Posting{ServerID: s.server, Incarnation: s.incarnation, Sequence: at.sequence, Entry: &outcomev1.LedgerEntry{}}
	return p, proto.Unmarshal(value[placeLength:], p.Entry)
}

// origins are the streams by number.
func (t *transaction) origins() (map[uint32]cutStream, error) {
	from := map[uint32]cutStream{}
	err := t.streams(func(s cutStream) error {
		from[s.held.number] = s
		return nil
	})
	return from, err
}

// AccountByExternal finds the account of an external id.
func (b *Inbox) AccountByExternal(id string) (found [16]byte, ok bool, err error) {
	err = b.view(func(t *transaction) error {
		found, ok, err = t.external(id)
		return err
	})
	return found, ok, err
}

// AccountByIdentifier finds the one account of an identifier.
func (b *Inbox) AccountByIdentifier(namespace, canonical string) (found [16]byte, ok bool, err error) {
	err = b.view(func(t *transaction) error {
		found, ok, err = (&Registrar{t: t}).AccountByIdentifier(namespace, canonical)
		return err
	})
	return found, ok, err
}

// Conflict is something a person should look at: a receipt key under which a server was sent other content (Refused is set), or under which
// two servers, or two lives of one, delivered different receipts (Other is set).
type Conflict struct {
	// ServerID and Incarnation are who delivered it, Sequence in which row.
	ServerID    string
	Incarnation [16]byte
	Sequence    uint64
	// Refused is what a server refused.
	Refused *outcomev1.ReceiptConflict
	// Other is what came second; its entries do not count.
	Other *outcomev1.RecordedReceipt
	// Standing is the receipt that stands; nil while it has not been delivered.
	Standing *outcomev1.RecordedReceipt
}

// Conflicts returns all conflicts in the order in which they came.
func (b *Inbox) Conflicts() ([]Conflict, error) {
	var found []Conflict
	err := b.view(func(t *transaction) error {
		found = nil
		from, err := t.origins()
		if err != nil {
			return err
		}
		return t.each(inConflicts, nil, nil, func(_, value []byte) (bool, error) {
			c, err := t.conflictAt(from, value)
			found = append(found, c)
			return true, err
		})
	})
	return found, err
}

// conflictAt reads what a value of conflicts points to.
func (t *transaction) conflictAt(from map[uint32]cutStream, value []byte) (c Conflict, err error) {
	at, err := decodePlace(value)
	if err != nil {
		return c, fmt.Errorf("%w: a conflict: %w", ErrDamaged, err)
	}
	message, err := t.row(at)
	if err != nil {
		return c, err
	}
	s := from[at.stream]
	c = Conflict{
		ServerID: s.server, Incarnation: s.incarnation, Sequence: at.sequence,
		Refused: message.GetConflict(), Other: message.GetReceipt(),
	}
	c.Standing, err = t.first(cmp.Or(c.Refused.GetKey(), c.Other.GetReceipt().GetKey()), c.Other.GetFork())
	return c, err
}

// first is the receipt that stands under a key; nil when none was delivered.
func (t *transaction) first(key *outcomev1.ReceiptKey, fork uint32) (*outcomev1.RecordedReceipt, error) {
	known, err := t.get(inReceipts, receiptKey(key, fork))
	if err != nil || len(known) < deliveryLength {
		return nil, err
	}
	at, err := decodePlace(known)
	if err != nil {
		return nil, err
	}
	message, err := t.row(at)
	return message.GetReceipt(), err
}

// Server is what head office knows of a store's server.
type Server struct {
	// ID is the server.
	ID string
	// ReportedAt is when it last reported, by head office's clock; zero when it never did.
	ReportedAt time.Time
	// Report is what it said; nil when it never did.
	Report *syncv1.ReportRequest
	// DeliveredAt is when it last delivered; zero when it never did.
	DeliveredAt time.Time
	// Rows is how many rows it delivered, in all its incarnations.
	Rows uint64
	// Incarnations is how many lives of its journal have delivered.
	Incarnations int
}

// Report keeps what a server says of itself.
func (b *Inbox) Report(ctx context.Context, req *syncv1.ReportRequest) error {
	report, err := proto.Marshal(req)
	if err != nil {
		return err
	}
	value := append(binary.BigEndian.AppendUint64(nil, uint64(b.cfg.Now().Unix())), report...)
	return b.update(ctx, func(t *transaction) error { return t.put(inServers, []byte(req.GetServerId()), value) })
}

// Servers returns every server that ever reported or delivered, by id.
func (b *Inbox) Servers() ([]Server, error) {
	known := map[string]*Server{}
	err := b.view(func(t *transaction) error {
		clear(known)
		err := t.each(inServers, nil, nil, func(key, value []byte) (bool, error) {
			s, err := readServer(key, value)
			if err == nil {
				known[s.ID] = s
			}
			return true, err
		})
		if err != nil {
			return err
		}
		return t.streams(func(one cutStream) error {
			s := known[one.server]
			if s == nil {
				s = &Server{ID: one.server}
				known[one.server] = s
			}
			s.Incarnations++
			s.Rows += one.held.through
			if at := time.Unix(one.held.last, 0).UTC(); at.After(s.DeliveredAt) {
				s.DeliveredAt = at
			}
			return nil
		})
	})
	return sortedServers(known), err
}

func sortedServers(known map[string]*Server) []Server {
	all := make([]Server, 0, len(known))
	for _, id := range slices.Sorted(maps.Keys(known)) {
		all = append(all, *known[id])
	}
	return all
}

func readServer(key, v []byte) (*Server, error) {
	s := &Server{ID: string(key), Report: &syncv1.ReportRequest{}}
	if len(v) < 8 || proto.Unmarshal(v[8:], s.Report) != nil {
		return nil, fmt.Errorf("%w: server %s", ErrDamaged, key)
	}
	s.ReportedAt = time.Unix(int64(binary.BigEndian.Uint64(v)), 0).UTC()
	return s, nil
}
