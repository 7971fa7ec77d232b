package tillclient

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// outbox is the file in which receipts wait, in the order in which they were given:
//
//	"STAMKLANT-OUTBOX-1\n"
//	then records, each:  kind (1) ‖ length u32 ‖ CRC-32C of kind, length and content u32 ‖ content
//	  'R'  a receipt: a marshalled RecordReceiptRequest
//	  'A'  the oldest receipt that waits was acknowledged, or refused for good; no content
//
// A receipt counts once it is flushed to the disk. Acknowledgements are not flushed: one that is lost has the receipt sent again, and
// servers recognise that. When nothing waits any more the file is cut back to its heading. A record that was being written when the
// power went is cut off at the next start; what is cut off is kept beside the file, under a name of its own, for whoever wants to look.
//
// Not safe for concurrent use.
type outbox struct {
	path    string
	file    *os.File
	end     int64 // where the next record goes
	waiting [][]byte
	bytes   int64 // of what waits
}

const outboxHeading = "STAMKLANT-OUTBOX-1\n"

// Kinds of records.
const (
	recordReceipt      = 'R'
	recordAcknowledged = 'A'
)

// Limits of an outbox: a till makes some 500 receipts of 1 to 4 KiB a day.
const (
	mostWaitingBytes = 256 << 20
	largestReceipt   = 1 << 20 // no server takes a larger message
	recordHeader     = 1 + 4 + 4
	largestFile      = 2 * mostWaitingBytes // receipts that wait, and those that did
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	// errNotAnOutbox is returned when the file is something else, which must not be overwritten.
	errNotAnOutbox = errors.New("is not an outbox: name another file")
	// errTooLarge is returned when the file is larger than an outbox becomes.
	errTooLarge = errors.New("is larger than an outbox becomes: move it away and have it looked at")
)

// openOutbox opens or makes the file, locks it, and reads what waits.
func openOutbox(path string) (*outbox, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("tillclient: outbox: %w", err)
	}
	o := &outbox{path: path, file: file}
	if err := lock(file); err != nil {
		return nil, errors.Join(fmt.Errorf("tillclient: %s: %w", path, err), file.Close())
	}
	if err := o.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("tillclient: %s: %w", path, err), file.Close())
	}
	return o, nil
}

// read reads the whole file, and cuts off a record that was not written to its end.
func (o *outbox) read() error {
	info, err := o.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > largestFile {
		return errTooLarge
	}
	content, err := io.ReadAll(o.file)
	if err != nil {
		return err
	}
	if len(content) < len(outboxHeading) {
		if string(content) != outboxHeading[:len(content)] {
			return errNotAnOutbox
		}
		return o.begin()
	}
	if string(content[:len(outboxHeading)]) != outboxHeading {
		return errNotAnOutbox
	}
	o.end = int64(len(outboxHeading))
	for rest := content[o.end:]; len(rest) > 0; rest = content[o.end:] {
		kind, receipt, ok := parseRecord(rest)
		if !ok || kind == recordAcknowledged && len(o.waiting) == 0 {
			return o.cutOff(rest)
		}
		o.end += int64(recordHeader + len(receipt))
		o.apply(kind, receipt)
	}
	return nil
}

// parseRecord reads the first record; false when it is not whole.
func parseRecord(b []byte) (kind byte, content []byte, ok bool) {
	if len(b) < recordHeader {
		return 0, nil, false
	}
	length := binary.BigEndian.Uint32(b[1:5])
	if length > largestReceipt || len(b) < recordHeader+int(length) {
		return 0, nil, false
	}
	content = b[recordHeader : recordHeader+int(length)]
	if binary.BigEndian.Uint32(b[5:9]) != checksum(b[:5], content) {
		return 0, nil, false
	}
	kind = b[0]
	return kind, content, kind == recordReceipt || kind == recordAcknowledged && length == 0
}

// checksum is the CRC-32C of a record's kind, length and content.
func checksum(kindAndLength, content []byte) uint32 {
	return crc32.Update(crc32.Checksum(kindAndLength, castagnoli), castagnoli, content)
}

// apply keeps in mind what a record says.
func (o *outbox) apply(kind byte, content []byte) {
	if kind == recordReceipt {
		o.waiting = append(o.waiting, content)
		o.bytes += int64(len(content))
		return
	}
	o.bytes -= int64(len(o.waiting[0]))
	o.waiting[0] = nil
	o.waiting = o.waiting[1:]
}

// begin writes the heading into an empty file and makes sure that the file is there after a power cut.
func (o *outbox) begin() error {
	if _, err := o.file.WriteAt([]byte(outboxHeading), 0); err != nil {
		return err
	}
	o.end = int64(len(outboxHeading))
	return errors.Join(o.file.Truncate(o.end), o.file.Sync(), syncFolder(filepath.Dir(o.path)))
}

// cutOff keeps what cannot be read in a file of its own and cuts it off.
func (o *outbox) cutOff(rest []byte) error {
	name := fmt.Sprintf("%s.cut-off-at-%d", o.path, o.end)
	if err := os.WriteFile(name, rest, 0o600); err != nil {
		return err
	}
	return errors.Join(o.file.Truncate(o.end), o.file.Sync())
}

// add keeps a receipt; it is on disk when add returns.
func (o *outbox) add(receipt []byte) error {
	if len(receipt) > largestReceipt {
		return fmt.Errorf("tillclient: a receipt of %d bytes: no server takes more than %d", len(receipt), largestReceipt)
	}
	if o.bytes+int64(len(receipt)) > mostWaitingBytes || o.end+int64(len(receipt)) > largestFile {
		return fmt.Errorf("tillclient: %s: %w: %d receipts wait", o.path, ErrOutboxFull, len(o.waiting))
	}
	before := o.end
	if err := o.write(recordReceipt, receipt); err != nil {
		o.end = before
		return fmt.Errorf("tillclient: outbox: %w", errors.Join(err, o.file.Truncate(before)))
	}
	if err := o.file.Sync(); err != nil {
		o.end = before
		return fmt.Errorf("tillclient: outbox: %w", errors.Join(err, o.file.Truncate(before)))
	}
	o.apply(recordReceipt, receipt)
	return nil
}

// oldest returns the receipt that waits longest, nil when none waits.
func (o *outbox) oldest() []byte {
	if len(o.waiting) == 0 {
		return nil
	}
	return o.waiting[0]
}

// done notes that the oldest receipt need not be sent any more.
func (o *outbox) done() error {
	o.apply(recordAcknowledged, nil)
	if len(o.waiting) > 0 {
		return o.write(recordAcknowledged, nil)
	}
	o.waiting = nil
	o.end = int64(len(outboxHeading))
	return o.file.Truncate(o.end)
}

// write appends a record.
func (o *outbox) write(kind byte, content []byte) error {
	record := make([]byte, recordHeader, recordHeader+len(content))
	record[0] = kind
	binary.BigEndian.PutUint32(record[1:5], uint32(len(content)))
	binary.BigEndian.PutUint32(record[5:9], checksum(record[:5], content))
	record = append(record, content...)
	if _, err := o.file.WriteAt(record, o.end); err != nil {
		return err
	}
	o.end += int64(len(record))
	return nil
}

// putAside keeps a receipt that no server will take in a file beside the outbox: a receipt record each, without heading.
func (o *outbox) putAside(receipt []byte) error {
	file, err := os.OpenFile(o.path+".refused", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	record := make([]byte, recordHeader, recordHeader+len(receipt))
	record[0] = recordReceipt
	binary.BigEndian.PutUint32(record[1:5], uint32(len(receipt)))
	binary.BigEndian.PutUint32(record[5:9], checksum(record[:5], receipt))
	_, err = file.Write(append(record, receipt...))
	return errors.Join(err, file.Sync(), file.Close())
}

// close closes the file; what waits stays in it.
func (o *outbox) close() error { return errors.Join(o.file.Sync(), o.file.Close()) }
