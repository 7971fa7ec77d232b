//go:build unix

package groupcommit

import (
	"os"
	"syscall"
)

// errQuota is what a disk says when the user's share of it is used up.
var errQuota error = syscall.EDQUOT

// unlock gives up bbolt's lock on a file that bbolt itself can no longer close.
func unlock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
