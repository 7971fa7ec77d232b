package instore

// ownedLike does nothing: a file takes the rights of its folder.
func ownedLike(_, _ string) error { return nil }
