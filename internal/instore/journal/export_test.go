package journal

// Layouts is how many layouts a journal has been through.
func Layouts() int { return len(migrations) }
