//go:build unix

package instore

import (
	"os"
	"syscall"
)

// ownedLike gives a file that root made to whom the folder belongs: the server, which is not root, must read it.
func ownedLike(file, folder string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Chown(file, int(owner.Uid), int(owner.Gid))
}
