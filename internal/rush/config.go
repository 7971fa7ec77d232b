package rush

import (
	"errors"
	"fmt"
	"time"
)

// Config says what is played, and where.
type Config struct {
	// Shops are where it is played. Tills are shared out over them evenly, the first gets one more. With two or more, goods also come back elsewhere.
	Shops []Shop
	// Tills is how many tills there are in all, at least one for every shop.
	Tills int
	// Lasts is for how long they sell.
	Lasts time.Duration
	// Pace is how long a till takes from one sale to the next, on average; 0 is a second.
	Pace time.Duration
	// Seed decides every choice.
	Seed uint64
	// PointsPerEuro is what the programme gives: so many points for every euro, and nothing else.
	PointsPerEuro int64
	// Currency is what is paid in; two decimals.
	Currency string
	// Cards are known to every shop.
	Cards []string
	// NewCards were handed out and not registered.
	NewCards []string
	// StrangeCards look like the chain's, and were never handed out.
	StrangeCards []string
	// Calm leaves cables alone.
	Calm bool
	// Dir is where tills keep their outboxes: a folder that is empty.
	Dir string
	// Progress is told every second how it goes. Nil: nobody asks.
	Progress func(Progress)
}

// Shop is one shop: its server, and its standby if there is one.
type Shop struct {
	// Store is its code.
	Store string
	// Servers are host:port, the first asked first. One or two.
	Servers []string
	// Token is its tills'.
	Token string
}

// Progress is how it goes.
type Progress struct {
	// Since is for how long it has been going on.
	Since time.Duration
	// Sales were closed; Waiting of all receipts have not been acknowledged yet.
	Sales, Waiting int
	// Offline lookups were answered by nobody in time.
	Offline int
	// Cables are what is wrong with which; empty when all are sound.
	Cables string
	// Ending tells that the tills have closed, and what waits is being sent.
	Ending bool
}

func (c *Config) validate() error {
	switch {
	case len(c.Shops) == 0:
		return errors.New("name a shop")
	case c.Tills < len(c.Shops):
		return fmt.Errorf("%d tills for %d shops: every shop needs one", c.Tills, len(c.Shops))
	case len(c.Cards) == 0:
		return errors.New("name cards that the shops know")
	case c.PointsPerEuro < 1:
		return errors.New("say how many points a euro gives")
	}
	if c.Pace <= 0 {
		c.Pace = time.Second
	}
	if c.Currency == "" {
		c.Currency = "EUR"
	}
	return nil
}
