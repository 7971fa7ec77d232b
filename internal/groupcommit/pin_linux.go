package groupcommit

import "syscall"

// lockInMemory has the system keep this memory, whatever else wants room.
func lockInMemory(address uintptr, length int) {
	_, _, _ = syscall.Syscall(syscall.SYS_MLOCK, address, uintptr(length), 0)
}
