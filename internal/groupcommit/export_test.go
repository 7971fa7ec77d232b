package groupcommit

// Queued is how many functions wait to be taken.
func (c *Committer) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting)
}
