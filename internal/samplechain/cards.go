package samplechain

import "fmt"

// Cards are EAN-13 codes that begin with 29001. The first half of the range was handed out; the rest of it does not exist.
const (
	cardPrefix = "29001"
	// CardNamespace is the namespace in which the chain's cards are recognised.
	CardNamespace = "card"
	// issuedSerials is how many cards were handed out: 2900100000000 to 2900149999999.
	issuedSerials = 5_000_000
)

// cardNumber returns the card with a serial number, its GS1 check digit included.
func cardNumber(serial int) string {
	return withCheckDigit(fmt.Sprintf("%s%07d", cardPrefix, serial))
}

// withCheckDigit appends the GS1 check digit: weights 3 and 1 in turn, from the right.
func withCheckDigit(digits string) string {
	sum, weight := 0, 3
	for i := len(digits) - 1; i >= 0; i-- {
		sum += int(digits[i]-'0') * weight
		weight = 4 - weight
	}
	return digits + string(rune('0'+(10-sum%10)%10))
}

// serials of customers' cards start here, two for each customer, and stay clear of the magic cards.
const firstSerial = 1

// masked is what may be shown of a card.
func masked(card string) string { return "…" + card[len(card)-4:] }
