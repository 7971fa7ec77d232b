//go:build !unix

package groupcommit

import (
	"os"
	"syscall"
)

// errQuota is what a disk says when it is full; windows has one word for it, ERROR_DISK_FULL.
var errQuota error = syscall.Errno(112)

// unlock gives up bbolt's lock on a file that bbolt itself can no longer close. Here the lock ends with the handle.
func unlock(*os.File) error { return nil }
