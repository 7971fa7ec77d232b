package warehouse

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// ErrMapping is returned when a mapping file does not say clearly how to read a list.
var ErrMapping = errors.New("the mapping is not clear")

// List is what files hold.
type List string

const (
	// Receipts is a list of receipt lines.
	Receipts List = "receipts"
	// Customers is a list of customers.
	Customers List = "customers"
	// Articles is a list of articles.
	Articles List = "articles"
	// Stores is a list of stores.
	Stores List = "stores"
	// Vouchers is a list of vouchers that are still open.
	Vouchers List = "vouchers"
)

// Mapping says what the columns of a shop's own export mean. It is read once from a file that a person wrote, never changes after, and is
// safe for use by many goroutines.
type Mapping struct {
	list     List
	dialect  dialect
	zone     string          // IANA, of the shops; empty when no time has to be moved
	receipt  receiptIdentity // what a receipt is
	customer customerColumn
	cards    []identifierColumn // what else leads to a customer, in a list of customers
	fields   map[string]field   // by the name of what they fill
	traits   map[string]string  // columns of a list of customers, by the name of the trait
	rules    map[string][]rule  // by what follows when a rule holds
	skips    []skip
	words    words
}

// dialect is how a file is written.
type dialect struct {
	delimiter string
	quote     string // empty for none
	encoding  string // utf-8, windows-1252
	decimals  string // ".", ","
	thousands string // empty for none
}

// receiptIdentity says which rows together are one receipt.
type receiptIdentity struct {
	row     bool // each row is one
	columns []string
}

// customerColumn says which column names the customer.
type customerColumn struct {
	column    string // empty when the list names none
	external  bool   // the shop's own number; else an identifier
	namespace string // of the identifier
	shown     string // namespace under which the shop's own number is also shown at the till; empty when it is not
	anonymous []string
}

// identifierColumn is a column with cards, phones or the like.
type identifierColumn struct {
	column    string
	namespace string
}

// field is where the value of one field comes from.
type field struct {
	columns   []string // joined by a space when there are several
	constant  string   // used when there is no column
	format    string   // of a time or date, as the person wrote it
	zone      string   // in which the time is written
	separator string   // between several values in one column
	line      int
}

// words are how yes and no are written.
type words struct{ yes, no []string }

// rule is a number of tests that must all hold.
type rule []columnTest

// columnTest looks at one column.
type columnTest struct {
	column string
	tests  []test
}

// test is one thing to look for: an operator and what it is compared with.
type test struct {
	operator string
	values   []string
	not      []test // of operator "not": holds when these do not all hold
}

// skip leaves rows out for a reason.
type skip struct {
	reason string
	where  rule
}

// List is what the mapping reads.
func (m *Mapping) List() List { return m.list }

// MappingProblem is one thing wrong with a mapping.
type MappingProblem struct {
	// File, Line and Column say where; Line is 0 for the file as a whole.
	File         string
	Line, Column int
	// Message says what is wrong and what to write instead.
	Message string
}

// String is the problem as one line: file:line:column: message.
func (p MappingProblem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// MappingError is ErrMapping with all that is wrong.
type MappingError struct {
	// Problems are in the order of the file; there is at least one.
	Problems []MappingProblem
}

// Error lists the problems, one on a line.
func (e *MappingError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Is says that it is an ErrMapping.
func (e *MappingError) Is(target error) bool { return target == ErrMapping }

// ReadMapping reads the mapping file at path. It returns a *MappingError when the file says something it cannot mean.
func ReadMapping(path string) (*Mapping, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	return ParseMapping(path, text)
}

// zones and such that a mapping leaves out.
const (
	defaultDelimiter = ","
	defaultQuote     = `"`
	utf8Encoding     = "utf-8"
	windows1252      = "windows-1252"
)

// defaultWords are yes and no in the languages of the shops; a mapping may say its own.
var defaultWords = words{
	yes: []string{"1", "y", "yes", "true", "t", "j", "ja", "o", "oui", "x", "waar", "wahr", "vrai"},
	no:  []string{"0", "n", "no", "false", "f", "nee", "non", "nein", "onwaar", "falsch", "faux"},
}
