package publisher

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	bundlev1 "github.com/stamklant/stamklant/gen/stamklant/bundle/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/identify"
)

// couponFile holds what coupon codes are drawn with. Who has it knows every code.
const couponFile = "coupons.json"

// couponSecret is coupons.json.
type couponSecret struct {
	Comment string `json:"comment"`
	Key     []byte `json:"key"`
}

// couponKey is what coupon codes are drawn with. A chain that has none yet gets one.
func (k *Keys) couponKey() ([]byte, error) {
	path := filepath.Join(k.dir, couponFile)
	var secret couponSecret
	err := readJSON(path, &secret)
	if errors.Is(err, fs.ErrNotExist) {
		secret = couponSecret{Comment: "Draws the codes of coupons. It never changes: codes would be drawn a second time.", Key: random(32)}
		err = writeJSON(path, secret, 0o600)
	}
	if err == nil && len(secret.Key) != 32 {
		err = fmt.Errorf("%s: %w", path, ErrKeyFile)
	}
	return secret.Key, err
}

// GivenCoupon is a coupon that a server was heard to give.
type GivenCoupon struct {
	// ServerID is who gave it.
	ServerID string
	// Known is the coupon, and how it stands.
	Known *bundlev1.KnownCoupon
}

// shares are the codes that each server may still give, by server, and the coupons it is known to have given and that may still be used.
type shares struct {
	codes map[string][]*bundlev1.CouponShare
	known map[string][]*bundlev1.KnownCoupon
}

// drawn names one code of a server's share.
type drawn struct {
	server, campaign string
	ordinal          uint32
}

// coupons draws the codes of all servers. A server's n-th code for a campaign is always the same one, so that publishing again gives nothing twice;
// a code that would be drawn for two is given by none. What a server was heard to have given is left out of its share.
func (p *publication) coupons() (*shares, error) {
	out := &shares{codes: map[string][]*bundlev1.CouponShare{}, known: map[string][]*bundlev1.KnownCoupon{}}
	given := map[drawn]bool{}
	today := int32(p.to.Now.Unix() / 86400)
	for _, c := range p.in.Coupons {
		of := c.Known.GetCoupon()
		given[drawn{c.ServerID, of.GetCampaign(), of.GetOrdinal()}] = true
		if of.GetValidUntil() >= today-1 { // somewhere it is still yesterday
			out.known[c.ServerID] = append(out.known[c.ServerID], c.Known)
		}
	}
	rules, err := identify.Compile(p.in.Programme.GetIdentifiers())
	if err != nil {
		return nil, err
	}
	form, ok := rules.CouponForm()
	if !ok || !slices.ContainsFunc(p.in.Programme.GetCampaigns(), func(c *programmev1.Campaign) bool { return c.GetCoupon() != nil }) {
		return out, nil
	}
	key, err := p.to.Keys.couponKey()
	if err != nil {
		return nil, err
	}
	codes := map[string]drawn{}
	twice := map[string]bool{}
	each := func(visit func(server Server, campaign *programmev1.Campaign, ordinal uint32, code string)) {
		for _, server := range p.to.Keys.Servers() {
			for _, campaign := range p.in.Programme.GetCampaigns() {
				if !gives(server, campaign, today) {
					continue
				}
				for ordinal := range uint32(campaign.GetCoupon().GetPerStore()) {
					visit(server, campaign, ordinal, form.Code(draw(key, server.ID, campaign.GetCode(), ordinal)))
				}
			}
		}
	}
	each(func(server Server, campaign *programmev1.Campaign, ordinal uint32, code string) {
		if _, again := codes[code]; again {
			twice[code] = true
		}
		codes[code] = drawn{server.ID, campaign.GetCode(), ordinal}
	})
	each(func(server Server, campaign *programmev1.Campaign, ordinal uint32, code string) {
		if twice[code] || given[drawn{server.ID, campaign.GetCode(), ordinal}] {
			return
		}
		of := out.codes[server.ID]
		if len(of) == 0 || of[len(of)-1].GetCampaign() != campaign.GetCode() {
			of = append(of, &bundlev1.CouponShare{Campaign: campaign.GetCode(), Namespace: form.Namespace()})
		}
		share := of[len(of)-1]
		share.Codes = append(share.Codes, &bundlev1.CouponCode{Code: code, Ordinal: ordinal})
		out.codes[server.ID] = of
	})
	return out, nil
}

// gives reports whether a server gives a campaign's coupons. A standby gives none: while the primary is away receipts end without one.
func gives(server Server, campaign *programmev1.Campaign, today int32) bool {
	stores, until := campaign.GetWhen().GetStores(), campaign.GetRuns().GetUntil()
	return campaign.GetCoupon() != nil && !server.Standby && (len(stores) == 0 || slices.Contains(stores, server.Store)) &&
		(until == 0 || until >= today-1)
}

// draw is the number behind a code: the first 8 bytes of HMAC-SHA-256(key, "stamklant/coupon/v1" ‖ server ‖ campaign ‖ ordinal), big endian.
func draw(key []byte, server, campaign string, ordinal uint32) uint64 {
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{"stamklant/coupon/v1", server, campaign} {
		mac.Write(binary.AppendUvarint(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	mac.Write(binary.BigEndian.AppendUint64([]byte{8}, uint64(ordinal)))
	return binary.BigEndian.Uint64(mac.Sum(nil))
}
