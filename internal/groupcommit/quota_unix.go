//go:build unix

package groupcommit

import "syscall"

// errQuota is what a disk says when the user's share of it is used up.
var errQuota error = syscall.EDQUOT
