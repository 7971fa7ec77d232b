package inbox

import (
	"context"
	"fmt"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
)

// IssuedOrdinal stands in a coupon that a list brought, where those that servers give have their place in the server's share: none of them is that far.
const IssuedOrdinal = 1<<32 - 1

// Issue lets a server hold coupons that come from elsewhere, and returns how many of them were new. One that is known stays where it is, and used or
// withdrawn if it is; what it says becomes what is said now. Blocks until it is on disk.
func (b *Inbox) Issue(ctx context.Context, server string, coupons []*outcomev1.Coupon) (fresh int, err error) {
	err = b.update(ctx, func(t *transaction) error {
		fresh = 0
		for _, given := range coupons {
			if len(given.GetVoucherId()) != 16 {
				return fmt.Errorf("issue a coupon: its name has %d bytes, not 16", len(given.GetVoucherId()))
			}
			c, err := t.coupon(given.GetVoucherId())
			if err != nil {
				return err
			}
			if c == nil {
				c, fresh = &Coupon{ServerID: server}, fresh+1
			} else if c.Given.GetOrdinal() != IssuedOrdinal || c.Used || c.Withdrawn {
				continue
			}
			c.Given = given
			if err := t.putCoupon(c); err != nil {
				return err
			}
		}
		return nil
	})
	return fresh, err
}
