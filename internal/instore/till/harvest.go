package till

import (
	"errors"
	"fmt"
	"sync"
	"time"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
	"github.com/stamklant/stamklant/internal/identify"
)

// contactWindow is the time in which a till may look up Config.ContactLookups customers by phone, e-mail or address. Whoever types one phone number
// after another learns who shops here. A cashier who serves customers does not type so many.
const contactWindow = time.Minute

// errHarvest is returned to a till that looks up too many phone numbers, e-mail or postal addresses. It carries how long to wait.
var errHarvest = errors.New("too many lookups by phone, e-mail or address at this till")

// harvestError says when the till may try again.
type harvestError struct {
	after time.Duration
	most  int
}

// Error says so in words.
func (e *harvestError) Error() string {
	return fmt.Sprintf("%v: at most %d in a minute; ask for the card, or wait %s", errHarvest, e.most, e.after.Round(time.Second))
}

// Is makes it an errHarvest.
func (e *harvestError) Is(target error) bool { return target == errHarvest }

// harvest remembers, in memory alone, when tills last looked customers up by what others may know of them too.
type harvest struct {
	most int

	mu    sync.Mutex
	tills map[string][]time.Time // the last so many, the oldest first
}

func newHarvest(most int) *harvest { return &harvest{most: most, tills: map[string][]time.Time{}} }

// guess counts one lookup of a till, or says how long it has to wait. Tills beyond the number any store has share one allowance.
func (h *harvest) guess(till string, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tills[till] == nil {
		h.sweep(now)
		if len(h.tills) >= maxTills {
			till = ""
		}
		if h.tills[till] == nil {
			h.tills[till] = make([]time.Time, h.most)
		}
	}
	last := h.tills[till]
	if wait := contactWindow - now.Sub(last[0]); wait > 0 && !last[0].IsZero() && wait <= contactWindow {
		return &harvestError{after: wait, most: h.most}
	}
	copy(last, last[1:])
	last[h.most-1] = now
	return nil
}

// sweep forgets tills that were quiet, when there are many.
func (h *harvest) sweep(now time.Time) {
	if len(h.tills) < maxTills {
		return
	}
	for till, last := range h.tills {
		if now.Sub(last[h.most-1]) >= contactWindow {
			delete(h.tills, till)
		}
	}
}

// guard refuses a till that looks up one phone number after another. Cards are not guessed: their numbers are too many.
func (c *call) guard(caller *tillv1.Caller, i *tillv1.Identifier) error {
	if i == nil {
		return nil
	}
	reading := c.read(i)
	if reading.Outcome != identify.Card {
		return nil
	}
	switch reading.Kind {
	case programmev1.IdentifierKind_IDENTIFIER_KIND_PHONE, programmev1.IdentifierKind_IDENTIFIER_KIND_EMAIL,
		programmev1.IdentifierKind_IDENTIFIER_KIND_POSTCODE_AND_HOUSE_NUMBER:
		return c.service.harvest.guess(caller.GetTill(), c.now)
	default:
		return nil
	}
}
