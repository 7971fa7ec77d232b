package tillclient

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock takes the file for this process until it is closed; ErrOutboxInUse when another has it. A byte far beyond any content is locked, so
// that the file can still be looked at.
func lock(file *os.File) error {
	at := windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrOutboxInUse
	}
	return err
}

// syncFolder does nothing: NTFS keeps its own journal of names.
func syncFolder(string) error { return nil }
