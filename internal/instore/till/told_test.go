package till_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// Points are doubled until 12:00. It is 11:15 when the world begins.
func TestPointsThatWereToldHold(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		asked  time.Duration // after 11:15; negative for never
		paid   time.Duration
		other  bool // somebody else's card is paid with
		points int64
	}{
		{"told and paid before noon", 43 * time.Minute, 44 * time.Minute, false, 40},
		{"told at 11:58, paid at 12:03", 43 * time.Minute, 48 * time.Minute, false, 40},
		{"paid at 12:03, and nothing told", -1, 48 * time.Minute, false, 20},
		{"told at 12:01", 46 * time.Minute, 48 * time.Minute, false, 20},
		{"told at 11:58, paid half an hour later", 43 * time.Minute, 74 * time.Minute, false, 20},
		{"told to somebody else", 43 * time.Minute, 48 * time.Minute, true, 20},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(p *programmev1.Programme) {
				p.Campaigns = nil
				p.Points.Earn = append(p.Points.Earn, &programmev1.EarnRule{Name: "ochtend", Times: 2, Hours: &programmev1.Hours{FromMinute: 540, UntilMinute: 720}})
			})
			goods := line(1, "4500001", 1, 2000)
			if tc.asked >= 0 {
				w.wait(tc.asked)
				card := cardRegular
				if tc.other {
					card = cardTrade
				}
				w.lookup(card, basket(goods))
			}
			w.wait(tc.paid - max(tc.asked, 0))
			sale := receipt("1", cardRegular, goods)
			sale.Receipt.EndedAt = timestamppb.New(w.clock())
			if got := w.record(sale); got.GetPoints() != tc.points {
				t.Errorf("%d points, want %d", got.GetPoints(), tc.points)
			}
		})
	}
}
