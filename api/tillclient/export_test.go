package tillclient

import "errors"

// AddToOutbox opens a file as outbox, as Open does, adds a receipt, and returns how many waited before.
func AddToOutbox(path string, receipt []byte) (waited int, err error) {
	o, err := openOutbox(path)
	if err != nil {
		return 0, err
	}
	waited = len(o.waiting)
	return waited, errors.Join(o.add(receipt), o.close())
}
