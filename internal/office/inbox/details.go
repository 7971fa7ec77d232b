package inbox

import (
	"encoding/binary"
	"fmt"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// Details are contact details a customer gave at a till, as they were delivered: sealed.
type Details struct {
	// ServerID is who delivered them: they were sealed in its name.
	ServerID string
	// Account is whose they are by now; zero while nobody knows.
	Account [16]byte
	// Externals are the account's external ids.
	Externals []string
	// Given is what was delivered.
	Given *outcomev1.SubmittedDetails
}

// detailsKey is what makes details the same wherever they arrive: whose, of what kind, when.
func detailsKey(d *outcomev1.SubmittedDetails) []byte {
	whose := d.GetAccountId()
	if len(whose) == 0 {
		whose = d.GetIdHash()
	}
	key := append(append(make([]byte, 0, 25), whose...), byte(d.GetKind()))
	return binary.BigEndian.AppendUint64(key, uint64(d.GetOccurredAt().AsTime().UnixNano()))
}

// takeDetails notes where sealed details lie, once.
func (t *transaction) takeDetails(at place, d *outcomev1.SubmittedDetails) error {
	if len(d.GetSealed()) == 0 { // of somebody who was erased meanwhile
		return nil
	}
	key := detailsKey(d)
	if known, err := t.get(inDetails, key); known != nil || err != nil {
		return err
	}
	return t.put(inDetails, key, at.key())
}

// Details returns all contact details that were delivered and whose customers were not erased since, by customer, kind and time.
func (b *Inbox) Details() ([]Details, error) {
	var found []Details
	err := b.view(func(t *transaction) error {
		found = nil
		from, err := t.origins()
		if err != nil {
			return err
		}
		return t.each(inDetails, nil, nil, func(_, value []byte) (bool, error) {
			d, err := t.detailsAt(from, value)
			if err == nil && len(d.Given.GetSealed()) > 0 {
				found = append(found, d)
			}
			return true, err
		})
	})
	return found, err
}

// detailsAt reads what a value of details points to.
func (t *transaction) detailsAt(from map[uint32]cutStream, value []byte) (d Details, err error) {
	at, err := decodePlace(value)
	if err != nil {
		return d, fmt.Errorf("%w: details: %w", ErrDamaged, err)
	}
	message, err := t.row(at)
	if err != nil {
		return d, err
	}
	d = Details{ServerID: from[at.stream].server, Given: message.GetDetails()}
	if len(d.Given.GetAccountId()) == 16 {
		d.Account, err = t.survivor([16]byte(d.Given.GetAccountId()))
	} else if card := d.Given.GetIdentifier(); card.GetCanonical() != "" {
		known, lookErr := t.identifier(identifierKey(card.GetNamespace(), card.GetCanonical()))
		err = lookErr
		d.Account, _ = leadsTo(known)
	}
	if err != nil || d.Account == ([16]byte{}) {
		return d, err
	}
	known, err := t.account(d.Account)
	if known != nil {
		d.Externals = known.externals
	}
	return d, err
}

// spoken is the language a customer wants to be spoken to in, and since when.
func (t *transaction) spoken(account [16]byte) (language string, since int64, err error) {
	v, err := t.get(inLanguages, account[:])
	if err != nil || v == nil {
		return "", 0, err
	}
	if len(v) < 8 {
		return "", 0, fmt.Errorf("%w: the language of %x", ErrDamaged, account)
	}
	return string(v[8:]), int64(binary.BigEndian.Uint64(v)), nil
}

// speakTo keeps the language a customer wants to be spoken to in, unless a newer wish is known.
func (t *transaction) speakTo(account [16]byte, p *outcomev1.Preference) error {
	_, since, err := t.spoken(account)
	at := p.GetOccurredAt().AsTime().UnixNano()
	if err != nil || at < since {
		return err
	}
	return t.put(inLanguages, account[:], append(binary.BigEndian.AppendUint64(nil, uint64(at)), p.GetLanguage()...))
}
