package rpc

import (
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// A customer waits for a lookup, and each line of the basket has five rules. Asking the validator about them costs more than anything else on
// the call's way; what tills really send is seen to be sound at a glance. The glance only ever lets pass: whatever it is not certain of goes
// to the validator, which alone refuses, and says why. The proto remains the one place where rules are written: a test holds what is looked
// at here against it, field by field.

// sound reports whether a lookup certainly keeps all rules of its fields. False says nothing about it.
func sound(r *tillv1.LookupRequest) bool {
	return soundCaller(r.GetCaller()) && soundCustomer(r) && len(r.GetReceiptRef()) <= 64 && soundBasket(r.GetBasket()) &&
		soundAbilities(r.GetAbilities()) && tillv1.Stage_name[int32(r.GetStage())] != "" &&
		(r.GetStaffLanguage() == "" || made(r.GetStaffLanguage(), 2, lower)) && (r.NarrowedBy == nil || soundIdentifier(r.GetNarrowedBy()))
}

func soundCaller(c *tillv1.Caller) bool {
	return c != nil && len(c.GetTill()) >= 1 && len(c.GetTill()) <= 32 && made(c.GetTill(), len(c.GetTill()), lower|upper|digit|mark) &&
		len(c.GetOperator()) <= 32 && len(c.GetRequestId()) <= 64 && len(c.GetStore()) <= 32
}

// soundCustomer looks at whom a lookup is about. That one is named at all is a rule, too.
func soundCustomer(r *tillv1.LookupRequest) bool {
	switch customer := r.GetCustomer().(type) {
	case *tillv1.LookupRequest_Identifier:
		return customer.Identifier != nil && soundIdentifier(customer.Identifier)
	case *tillv1.LookupRequest_AccountRef:
		return made(customer.AccountRef, 26, upper|base32digit)
	case *tillv1.LookupRequest_Presented:
		return customer.Presented
	default:
		return false
	}
}

func soundIdentifier(i *tillv1.Identifier) bool {
	length := 0
	switch value := i.GetValue().(type) {
	case *tillv1.Identifier_Raw:
		length = len(value.Raw)
	case *tillv1.Identifier_Text:
		length = len(value.Text)
	}
	return length >= 1 && length <= 512 && tillv1.EntryMode_name[int32(i.GetEntryMode())] != ""
}

func soundBasket(b *tillv1.Basket) bool {
	if len(b.GetLines()) > 1000 || b.GetCurrency() != "" && !made(b.GetCurrency(), 3, upper) {
		return false
	}
	for _, line := range b.GetLines() {
		if line == nil || !soundLine(line) {
			return false
		}
	}
	return true
}

func soundLine(l *outcomev1.Line) bool {
	return l.No >= 1 && l.No <= 100000 && len(l.Sku) >= 1 && len(l.Sku) <= 64 && len(l.Group) <= 64 && l.DiscountMinor >= 0 && l.OriginalLine >= 0
}

func soundAbilities(a *tillv1.Abilities) bool {
	return within0(a.GetDisplayLines(), 20) && within0(a.GetDisplayColumns(), 200) && within0(a.GetPrinterColumns(), 200)
}

func within0(n, most int32) bool { return n >= 0 && n <= most }

// alphabet is a set of kinds of characters.
type alphabet uint8

const (
	lower       alphabet = 1 << iota // a to z
	upper                            // A to Z
	digit                            // 0 to 9
	base32digit                      // 2 to 7
	mark                             // _ . : -
)

// made reports whether a text has so many characters, all of the alphabet.
func made(text string, length int, of alphabet) bool {
	if len(text) != length {
		return false
	}
	for i := range len(text) {
		if kinds[text[i]]&of == 0 {
			return false
		}
	}
	return true
}

// kinds are the kinds each character is of.
var kinds = func() (kinds [256]alphabet) {
	for c := 'a'; c <= 'z'; c++ {
		kinds[c] |= lower
	}
	for c := 'A'; c <= 'Z'; c++ {
		kinds[c] |= upper
	}
	for c := '0'; c <= '9'; c++ {
		kinds[c] |= digit
	}
	for c := '2'; c <= '7'; c++ {
		kinds[c] |= base32digit
	}
	for _, c := range "_.:-" {
		kinds[c] |= mark
	}
	return kinds
}()
