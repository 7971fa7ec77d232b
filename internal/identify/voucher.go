package identify

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// VoucherID names a voucher or coupon everywhere but on paper: SHA-256("stamklant/voucher/v1" ‖ namespace ‖ canonical), the first 16 bytes, each
// part behind its length as a uvarint. Codes are drawn from so many that who knows the name does not find the code.
func VoucherID(namespace, canonical string) [HashSize]byte {
	message := make([]byte, 0, 96)
	for _, part := range []string{"stamklant/voucher/v1", namespace, canonical} {
		message = binary.AppendUvarint(message, uint64(len(part)))
		message = append(message, part...)
	}
	sum := sha256.Sum256(message)
	return [HashSize]byte(sum[:HashSize])
}

// mostFree is how many digits of a code are drawn at most, so that they fit into a uint64.
const mostFree = 18

// Form is how codes of a programme's own coupons are written: the digits a rule asks for, digits that are drawn, a check digit.
type Form struct {
	rules *Rules
	rule  *rule
	free  int
}

// CouponForm is the form of the programme's own coupons: that of its first voucher rule which has starts_with and length. False when there is none
// that leaves room for anything.
func (r *Rules) CouponForm() (Form, bool) {
	for i := range r.rules {
		rule := &r.rules[i]
		if rule.kind != programmev1.IdentifierKind_IDENTIFIER_KIND_VOUCHER || rule.link != "" || rule.pattern != nil || !isDigits(rule.startsWith) {
			continue
		}
		free := rule.length - len(rule.startsWith)
		if rule.checks() {
			free--
		}
		if free > 0 {
			return Form{rules: r, rule: rule, free: min(free, mostFree)}, true
		}
	}
	return Form{}, false
}

// Namespace is the namespace of the codes.
func (f Form) Namespace() string { return f.rule.namespace }

// Codes is how many codes there are.
func (f Form) Codes() uint64 { return uint64(math.Pow10(f.free)) }

// Code is the n-th code, check digit included; n counts on from 0 behind the last.
func (f Form) Code(n uint64) string {
	length := f.rule.length
	if f.rule.checks() {
		length--
	}
	digits := fmt.Sprintf("%s%0*d", f.rule.startsWith, length-len(f.rule.startsWith), n%f.Codes())
	if !f.rule.checks() {
		return digits
	}
	for check := byte('0'); check < '9'; check++ {
		if code := digits + string(check); f.rule.holds(code) {
			return code
		}
	}
	return digits + "9"
}

// Reads reports whether a code of this form is read as a coupon of it, whatever other rules the programme has.
func (f Form) Reads() bool {
	for _, n := range []uint64{0, 1, 123456789, f.Codes() - 1} {
		code := f.Code(n)
		reading := f.rules.Read([]byte(code))
		if reading.Outcome != Voucher || reading.Namespace != f.Namespace() || reading.Canonical != code {
			return false
		}
	}
	return true
}

// IsEAN13 reports whether a code can be printed as an EAN-13.
func IsEAN13(code string) bool { return len(code) == 13 && isDigits(code) && holdsGS1(code) }
