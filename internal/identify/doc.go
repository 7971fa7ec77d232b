// Package identify tells what was scanned, swiped or typed at a till: a customer's card in one of its many guises, a phone number, an
// e-mail address, a voucher, or no card at all.
//
// It owns the way from raw bytes to a canonical form within a namespace, and the keyed hash under which an identifier is published. It
// promises that the same card gives the same canonical form however it was entered, that nothing it returns for showing holds more than
// the last four characters, and that hostile input costs little: at most 512 bytes are looked at and at most 64 KiB are allocated.
//
// It does not know any customer, and never sees a national identity number. It is pure: no clock, no files, no goroutines.
package identify
