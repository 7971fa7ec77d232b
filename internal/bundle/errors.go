package bundle

import "errors"

var (
	// ErrSignature is returned when a signed file was not signed by a key that may sign it, or was changed since.
	ErrSignature = errors.New("signature does not hold")
	// ErrWrongChain is returned when a file belongs to another chain of stores.
	ErrWrongChain = errors.New("made by another chain")
	// ErrWrongServer is returned when a manifest was made for another server or another store.
	ErrWrongServer = errors.New("made for another server")
	// ErrOlder is returned when a keyset or manifest is older than one that was trusted before.
	ErrOlder = errors.New("older than what was trusted before")
	// ErrSameVersion is returned when two different files claim the same version.
	ErrSameVersion = errors.New("another file with this version was trusted before")
	// ErrTooFar is returned when a version is so far ahead that accepting it would use up the versions to come.
	ErrTooFar = errors.New("version is too far ahead")
	// ErrFormat is returned when a file was made for a newer Stamklant.
	ErrFormat = errors.New("made for a newer version of Stamklant: update this server")
	// ErrTooLarge is returned when a file, or a length it states, is beyond its limit.
	ErrTooLarge = errors.New("larger than allowed")
	// ErrDamaged is returned when bytes are not what was written: truncated, changed, or not in this format at all.
	ErrDamaged = errors.New("damaged")
	// ErrDoesNotFit is returned when a change does not start from the state at hand, or does not lead to the state it promised. A snapshot does.
	ErrDoesNotFit = errors.New("change does not fit the state at hand")
	// ErrWrongKey is returned when something sealed was sealed to another key, or for another purpose.
	ErrWrongKey = errors.New("sealed to another key")
	// ErrOrder is returned when records do not ascend, or come twice.
	ErrOrder = errors.New("records out of order")
	// ErrRecord is returned when a record cannot be published: unknown kind, no key, or a key or value beyond its limit.
	ErrRecord = errors.New("not a record")
)
