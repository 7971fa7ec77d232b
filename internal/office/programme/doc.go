// Package programme reads what a retailer has written: programme.yaml, or a folder of such files, and says what is wrong with it in words that
// a person without a developer can act on.
//
// Reading is a walk over the YAML nodes that fills a programmev1.Programme by its descriptors; the field options in options.proto say how a
// value is written (money as "25.00", percentages, dates, hours, ranges of digits, short lower-case words). Ready-made parts (presets) are read
// first and the document over them, field by field. Nothing is guessed: a key written twice, an anchor, an alias, a tag, an unknown key or word
// is refused.
//
// The package owns the presets, the checks that need the whole document (segments prove to be a partition, names are declared, texts fit the
// till, discounts stay within the law's bounds) and the JSON schema that editors complete from.
//
// It promises that every finding names file, line, column, field and the way out, that all findings are reported at once in the order of the
// lines, and that no input makes it panic. It does not compile a programme for use (the packages decision, loyalty, identify and segment do) and
// knows neither customers nor receipts.
//
// It starts no goroutine, keeps no state, and all its functions may be called at the same time.
package programme
