//go:build !linux

package groupcommit

// lockInMemory does nothing here.
func lockInMemory(uintptr, int) {}
