package replica_test

import (
	"context"
	"testing"
)

// TestFollow goes through a chain's week: a first release, nothing new, changed customers, another programme, a restart without network.
func TestFollow(t *testing.T) {
	t.Parallel()
	c := newChain(t, 500)
	s := c.server("amsterdam-1").open()
	c.publish()
	s.apply()
	s.serves(c, 1, c.balances)
	if changed, err := s.Apply(context.Background()); changed || err != nil {
		t.Fatalf("nothing new: changed %v, %v", changed, err)
	}

	c.balances[3], c.balances[900] = 7, 11
	delete(c.balances, 4)
	report := c.publish()
	if report.Changes != 5 { // one changed, and two for the customer who came and the one who went
		t.Fatalf("%d changes, want 5", report.Changes)
	}
	s.apply()
	s.serves(c, 2, c.balances)

	c.programme.Chain = "second"
	c.publish()
	before := s.prepared
	s.apply()
	s.serves(c, 3, c.balances)
	if s.prepared != before+1 {
		t.Fatalf("programme prepared %d times", s.prepared-before)
	}

	s.stop()
	s.source = nil
	s.open()
	s.serves(c, 3, c.balances)
	s.stop()
}
