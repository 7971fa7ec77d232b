package journal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// A shown is what the seal file says: which machine, which lives, and how much of them head office may have seen. It is written before rows
// go up, so a journal that is behind its seal has been put back.
type shown struct {
	machine [32]byte // SHA-256 of the machine's id
	last    uint64   // the newest row that may have been delivered
	lives   lives
	trust   trust
}

const sealMagic = "SKJ1"

func (s shown) encode() []byte {
	b := append([]byte(sealMagic), s.machine[:]...)
	b = binary.BigEndian.AppendUint64(b, s.last)
	b = append(b, s.trust.encode()...)
	return append(b, s.lives.encode()...)
}

func decodeShown(b []byte) (shown, error) {
	r := reader{b: b}
	if string(r.take(len(sealMagic))) != sealMagic {
		r.fail()
	}
	s := shown{machine: r.digest(), last: r.uint64(), trust: trust{version: r.uint64(), digest: r.digest()}}
	if r.err != nil {
		return shown{}, r.err
	}
	var err error
	s.lives, err = decodeLives(r.b)
	return s, err
}

// sealFile is the file beside the journal. It is safe for use by many goroutines.
type sealFile struct {
	mu    sync.Mutex
	path  string
	key   []byte
	shown shown
}

// read returns what the file says, or false when there is none that this data key vouches for.
func (f *sealFile) read() (shown, bool) {
	b, err := os.ReadFile(f.path)
	if err != nil {
		return shown{}, false
	}
	return f.parse(b)
}

// parse reads what stands in a seal file, or says false when this data key does not vouch for it.
func (f *sealFile) parse(b []byte) (shown, bool) {
	if len(b) < sha256.Size {
		return shown{}, false
	}
	body, mac := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if !hmac.Equal(mac, f.mac(body)) {
		return shown{}, false
	}
	s, err := decodeShown(body)
	return s, err == nil
}

func (f *sealFile) mac(body []byte) []byte {
	h := hmac.New(sha256.New, f.key)
	h.Write(body)
	return h.Sum(nil)
}

// change alters what the file says and returns when that is on disk. change reports whether there is anything to write.
func (f *sealFile) change(change func(s *shown) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := f.shown
	if !change(&next) {
		return nil
	}
	body := next.encode()
	if err := replaceFile(f.path, append(body, f.mac(body)...)); err != nil {
		return err
	}
	f.shown = next
	return nil
}

// replaceFile puts new content in the place of a file, whole or not at all.
func replaceFile(path string, content []byte) error {
	draft, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = draft.Write(content)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// checkSeal compares the journal with what this machine last knew of it. Where they differ, or nothing is known, a new incarnation begins:
// one too many costs a few rows sent again, one too few loses receipts.
func (j *Journal) checkSeal(created bool) error {
	key, err := hkdf.Key(sha256.New, j.cfg.DataKey[:], nil, infoSeal, 32)
	if err != nil {
		return err
	}
	j.seal.path, j.seal.key = j.path+".seal", key
	machine := sha256.Sum256([]byte(j.cfg.MachineID))
	known, found := j.seal.read()
	m, err := j.marks()
	if err != nil {
		return err
	}
	now := j.lives.Load().now()
	restored := j.cfg.Restored || !found || known.machine != machine || known.lives.now().id != now.id || known.last > m.last
	if restored && !created {
		if err := j.begin(Restored, known.lives); err != nil {
			return err
		}
	}
	if found && known.trust.version > j.trust.Load().version {
		if err := j.keepTrust(known.trust); err != nil {
			return err
		}
	}
	present := shown{machine: machine, last: m.last, lives: j.lives.Load().lives, trust: *j.trust.Load()}
	j.seal.shown = known
	return j.seal.change(func(s *shown) bool {
		if found && bytes.Equal(known.encode(), present.encode()) {
			return false
		}
		*s = present
		return true
	})
}
