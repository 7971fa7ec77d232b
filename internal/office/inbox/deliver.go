package inbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
)

// A stream is what is held of one incarnation.
type stream struct {
	number  uint32
	through uint64
	chain   [32]byte
	first   int64 // Unix seconds of the first delivery
	last    int64 // and of the last
}

const streamLength = 4 + 8 + 32 + 8 + 8

func (s stream) encode() []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, streamLength), s.number)
	b = append(binary.BigEndian.AppendUint64(b, s.through), s.chain[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.first))
	return binary.BigEndian.AppendUint64(b, uint64(s.last))
}

func decodeStream(b []byte) (stream, error) {
	if len(b) != streamLength {
		return stream{}, errLayout
	}
	return stream{
		number:  binary.BigEndian.Uint32(b),
		through: binary.BigEndian.Uint64(b[4:]),
		chain:   [32]byte(b[12:]),
		first:   int64(binary.BigEndian.Uint64(b[44:])),
		last:    int64(binary.BigEndian.Uint64(b[52:])),
	}, nil
}

// A row is one delivered row, read.
type row struct {
	raw     []byte
	message *outcomev1.OutboxRow
}

// Deliver takes consecutive rows of one incarnation and returns what is then held of it, once that is on disk. Rows that are held already
// are acknowledged and not taken again. A *ForkedError or a *GapError refuses all of them. Of rows that cannot be read (ErrMalformed) or
// that only a newer version knows (ErrUnknownRow), those before the first such row are taken, and it is refused when it comes first.
func (b *Inbox) Deliver(ctx context.Context, req *syncv1.DeliverRequest) (*syncv1.DeliverResponse, error) {
	rows, err := readRows(req)
	if len(rows) == 0 {
		return nil, err
	}
	var held stream
	var refused error
	err = b.update(ctx, func(t *transaction) (err error) {
		held, refused, err = t.deliver(req, rows)
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	return &syncv1.DeliverResponse{Through: held.through, Chain: held.chain[:]}, nil
}

// readRows reads the rows of a delivery up to the first that cannot be taken, and says why that one cannot.
func readRows(req *syncv1.DeliverRequest) ([]row, error) {
	if len(req.GetIncarnation()) != 16 || len(req.GetChainBefore()) != sha256.Size || req.GetFirst() == 0 || len(req.GetRows()) == 0 {
		return nil, fmt.Errorf("%w: the delivery has no incarnation, chain, first sequence or rows", ErrMalformed)
	}
	rows := make([]row, 0, len(req.GetRows()))
	for i, raw := range req.GetRows() {
		sequence := req.GetFirst() + uint64(i)
		message := &outcomev1.OutboxRow{}
		if err := proto.Unmarshal(raw, message); err != nil {
			return rows, fmt.Errorf("%w: sequence %d: %w", ErrMalformed, sequence, err)
		}
		if err := sound(message, sequence); err != nil {
			return rows, err
		}
		rows = append(rows, row{raw, message})
	}
	return rows, nil
}

// sound says whether a row is one that can be taken.
func sound(message *outcomev1.OutboxRow, sequence uint64) error {
	if message.GetSequence() != sequence {
		return fmt.Errorf("%w: sequence %d says it is %d", ErrMalformed, sequence, message.GetSequence())
	}
	switch message.GetRow().(type) {
	case *outcomev1.OutboxRow_Receipt:
		for _, e := range slices.Concat(message.GetReceipt().GetEntries(), message.GetReceipt().GetParked()) {
			if len(e.GetEntryId()) != 16 {
				return fmt.Errorf("%w: an entry of sequence %d has an id of %d bytes", ErrMalformed, sequence, len(e.GetEntryId()))
			}
		}
		return nil
	case *outcomev1.OutboxRow_Outcome:
		for _, e := range message.GetOutcome().GetEntries() {
			if len(e.GetEntryId()) != 16 {
				return fmt.Errorf("%w: an entry of sequence %d has an id of %d bytes", ErrMalformed, sequence, len(e.GetEntryId()))
			}
		}
		return nil
	case *outcomev1.OutboxRow_Conflict, *outcomev1.OutboxRow_Exposure, *outcomev1.OutboxRow_Preference, *outcomev1.OutboxRow_Erasure,
		*outcomev1.OutboxRow_Details:
		return nil
	}
	return fmt.Errorf("%w: sequence %d; bring head office to the store's version first", ErrUnknownRow, sequence)
}

// deliver takes what is new. A refusal is a result: it changes nothing and spoils no other delivery.
func (t *transaction) deliver(req *syncv1.DeliverRequest, rows []row) (held stream, refused, err error) {
	key := streamKey(req.GetServerId(), [16]byte(req.GetIncarnation()))
	if held, err = t.stream(key); err != nil {
		return held, nil, err
	}
	if req.GetFirst() > held.through+1 {
		return held, &GapError{Through: held.through}, nil
	}
	sum, err := t.chainAt(held, req.GetFirst()-1)
	if err != nil {
		return held, nil, err
	}
	if !bytes.Equal(sum[:], req.GetChainBefore()) {
		return held, &ForkedError{}, nil
	}
	for i, r := range rows {
		sequence := req.GetFirst() + uint64(i)
		before := sum
		sum = chain(sum, r.raw)
		if sequence <= held.through {
			known, err := t.chainAt(held, sequence)
			if err != nil {
				return held, nil, err
			}
			if known != sum {
				return held, &ForkedError{Agreed: sequence - 1, Chain: before}, nil
			}
			continue
		}
		if err := t.take(req.GetServerId(), place{held.number, sequence}, r, sum); err != nil {
			return held, nil, err
		}
		held.through, held.chain = sequence, sum
	}
	held.last = t.box.cfg.Now().Unix()
	return held, nil, t.put(inStreams, key, held.encode())
}

// stream reads what is held of an incarnation; a new one gets the next number.
func (t *transaction) stream(key []byte) (stream, error) {
	b, err := t.get(inStreams, key)
	if err != nil {
		return stream{}, err
	}
	if b == nil {
		n, err := t.number(inStreams)
		return stream{number: uint32(n), first: t.box.cfg.Now().Unix()}, err
	}
	s, err := decodeStream(b)
	if err != nil {
		return s, fmt.Errorf("%w: streams %x: %w", ErrDamaged, key, err)
	}
	return s, nil
}

// chainAt is the chain held after a sequence: 32 zero bytes before the first.
func (t *transaction) chainAt(held stream, sequence uint64) ([32]byte, error) {
	switch sequence {
	case 0:
		return [32]byte{}, nil
	case held.through:
		return held.chain, nil
	}
	b, err := t.get(inRows, place{held.number, sequence}.key())
	if err != nil {
		return [32]byte{}, err
	}
	if len(b) < sha256.Size {
		return [32]byte{}, fmt.Errorf("%w: row %d of stream %d is missing", ErrDamaged, sequence, held.number)
	}
	return [32]byte(b), nil
}

// chain is the chain after one more row.
func chain(before [32]byte, raw []byte) [32]byte {
	h := sha256.New()
	h.Write(before[:])
	h.Write(raw)
	return [32]byte(h.Sum(nil))
}

// take keeps one new row and works it in. A row that points to somebody who was erased is kept as anybody's.
func (t *transaction) take(server string, at place, r row, sum [32]byte) error {
	gone, err := t.ofErased(r.message)
	if err != nil {
		return err
	}
	if gone {
		if r.raw, err = anonymous(r.message); err != nil {
			return err
		}
	}
	if err := t.put(inRows, at.key(), append(sum[:], r.raw...)); err != nil {
		return err
	}
	switch message := r.message.GetRow().(type) {
	case *outcomev1.OutboxRow_Receipt:
		if err := t.takeCoupons(server, message.Receipt); err != nil {
			return err
		}
		return t.takeReceipt(at, message.Receipt)
	case *outcomev1.OutboxRow_Conflict:
		return t.conflict(at)
	case *outcomev1.OutboxRow_Exposure:
		return t.heard(message.Exposure.GetAccountId(), int32(message.Exposure.GetShownAt().GetSeconds()/secondsADay), message.Exposure.GetExposure())
	case *outcomev1.OutboxRow_Preference:
		return t.takePreference(server, message.Preference)
	case *outcomev1.OutboxRow_Erasure:
		return t.erasureReceipt(server, message.Erasure)
	case *outcomev1.OutboxRow_Details:
		return t.takeDetails(at, message.Details)
	case *outcomev1.OutboxRow_Outcome:
		return t.takeOutcome(at, message.Outcome)
	}
	return nil
}

// takePreference has what a customer said in one store hold in all. What is said of an account nobody knows, or of no purpose, changes nothing.
func (t *transaction) takePreference(server string, p *outcomev1.Preference) error {
	if len(p.GetAccountId()) != 16 || p.GetOccurredAt() == nil || p.GetPurpose() <= 0 {
		return nil
	}
	account, err := t.alive([16]byte(p.GetAccountId()))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	said := Said{By: "server " + server}
	switch card := p.GetCard(); {
	case p.GetPurpose() == outcomev1.Purpose_PURPOSE_LANGUAGE:
		return t.speakTo(account, p)
	case p.GetPurpose() == outcomev1.Purpose_PURPOSE_CARD_LOST:
		if _, err = t.blockCard(card.GetNamespace(), card.GetCanonical(), !p.GetAgreed(), said); errors.Is(err, ErrNotFound) || errors.Is(err, ErrNoSuppression) {
			return nil
		}
	case int(p.GetPurpose()) < purposes:
		_, err = t.prefer(account, p, said)
	}
	return err
}

// conflict marks a row for a person to look at.
func (t *transaction) conflict(at place) error {
	n, err := t.number(inConflicts)
	if err != nil {
		return err
	}
	return t.put(inConflicts, binary.BigEndian.AppendUint64(nil, n), at.key())
}
