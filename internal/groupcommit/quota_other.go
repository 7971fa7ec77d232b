//go:build !unix

package groupcommit

import "syscall"

// errQuota is what a disk says when it is full; windows has one word for it, ERROR_DISK_FULL.
var errQuota error = syscall.Errno(112)
