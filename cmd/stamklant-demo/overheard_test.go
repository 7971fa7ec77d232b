package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

// No log may hold what a customer is known by. So whatever any test of this package tells a server of customers is kept here, with every log that any
// server writes, and when all tests are done TestMain holds each log against all of it.

// overheard is shared by all tests of the package.
var overheard = &listener{}

// listener keeps what was told and what was logged.
type listener struct {
	mu   sync.Mutex
	told secrets
	logs []*serverLog
}

// serverLog is what one server wrote to its log.
type serverLog struct {
	test string
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps a piece of the log.
func (l *serverLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// log is where one more server's log goes.
func (l *listener) log(t *testing.T) io.Writer {
	t.Helper()
	one := &serverLog{test: t.Name()}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logs = append(l.logs, one)
	return one
}

// tell keeps what a request says of a customer.
func (l *listener) tell(request proto.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told.of(request.ProtoReflect())
}

// secret keeps a text that no log may hold.
func (l *listener) secret(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told.add(text)
}

// leaks are the lines of all logs that hold what was told, each with the test whose server wrote it.
func (l *listener) leaks() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, one := range l.logs {
		one.mu.Lock()
		text := one.text.String()
		one.mu.Unlock()
		for line := range strings.Lines(text) {
			if what := l.told.in(line); what != "" {
				found = append(found, fmt.Sprintf("%s: the log holds %s: %s", one.test, what, strings.TrimSpace(line)))
			}
		}
	}
	return found
}

// A log may hold the last four characters of an identifier. Eight digits in a row of one are a leak, however it was written.
const tellingDigits = 8

// shortest is the shortest text that is looked for as it stands.
const shortest = 6

// secrets are texts that may not be seen, in the forms they could be seen in.
type secrets struct {
	texts  map[string]bool // in capitals, without what people and logs break them up with
	digits map[string]bool // the last digits
}

var broken = strings.NewReplacer(" ", "", "-", "", ".", "", "/", "", "(", "", ")", "", ":", "", `"`, "", `\`, "")

// form brings a text and a log into one form.
func form(text string) string { return strings.ToUpper(broken.Replace(text)) }

// of keeps what a message says of a customer: identifiers, and details that were typed.
func (s *secrets) of(m protoreflect.Message) {
	switch m := m.Interface().(type) {
	case *tillv1.Identifier:
		s.add(m.GetText())
		s.add(string(m.GetRaw()))
	case *tillv1.SubmitDetailsRequest:
		s.add(m.GetEmail())
		s.add(m.GetPhone())
		s.add(m.GetAddress().GetPostcode())
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Message() == nil || fd.IsMap():
		case fd.IsList():
			for i := range v.List().Len() {
				s.of(v.List().Get(i).Message())
			}
		default:
			s.of(v.Message())
		}
		return true
	})
}

// add keeps a text, its digits, and both as machines write them.
func (s *secrets) add(text string) {
	text = strings.TrimSpace(text)
	if len(text) < shortest {
		return
	}
	if s.texts == nil {
		s.texts, s.digits = map[string]bool{}, map[string]bool{}
	}
	digits := strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, text)
	if len(digits) >= tellingDigits {
		s.digits[digits[len(digits)-tellingDigits:]] = true
	}
	if digits != broken.Replace(text) { // else its digits say it all
		s.texts[form(text)] = true
	}
	if len(s.texts) < 1000 { // a day of tests tells a hundred texts, and ten thousand numbers
		s.texts[form(hex.EncodeToString([]byte(text)))] = true
		s.texts[form(base64.StdEncoding.EncodeToString([]byte(text)))] = true
	}
}

// What looks like an identifier is one, told or not: head office reads lists of customers that no test looks into.
var (
	ownModule   = regexp.MustCompile(`@v[0-9]+\.[0-9]+\.[0-9]+`)                            // where a process was when it ended: no mail address
	ownNumber   = regexp.MustCompile(`\b0x[0-9a-f]+|\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+`) // an address in memory, the time of a line: no digits of a card
	digitRun    = regexp.MustCompile(`[0-9]+`)
	mailAddress = regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.]+`)
	phoneNumber = regexp.MustCompile(`\+[0-9]{9,15}`)
	cardNumber  = regexp.MustCompile(`\b(?:2[0-9]{12}|9528[0-9]{12}|636412[0-9]{10}|8712345[0-9]{11})\b`)
)

// in says what of a customer a line of a log holds; empty for nothing. The line is not to be kept.
func (s *secrets) in(line string) string {
	line = ownNumber.ReplaceAllString(ownModule.ReplaceAllString(line, ""), "")
	for _, looks := range []*regexp.Regexp{mailAddress, phoneNumber, cardNumber} {
		if found := looks.FindString(line); found != "" {
			return "what looks like an identifier"
		}
	}
	whole := form(line)
	for _, text := range []string{line, whole} {
		for _, run := range digitRun.FindAllString(text, -1) {
			for i := 0; i+tellingDigits <= len(run); i++ {
				if s.digits[run[i:i+tellingDigits]] {
					return "an identifier's digits"
				}
			}
		}
	}
	for text := range s.texts {
		if strings.Contains(whole, text) {
			return "what was told of a customer"
		}
	}
	return ""
}

// TestOverheardNotices plants identifiers in lines of logs, in every form they could be seen in, and lines that only look a little like it.
func TestOverheardNotices(t *testing.T) {
	t.Parallel()
	var s secrets
	for _, request := range []proto.Message{
		&tillv1.LookupRequest{Customer: &tillv1.LookupRequest_Identifier{Identifier: scanned("06-12345678")}},
		&tillv1.LookupRequest{Customer: &tillv1.LookupRequest_Identifier{Identifier: &tillv1.Identifier{Value: &tillv1.Identifier_Raw{Raw: []byte("]E00421000000003\r\n")}}}},
		&tillv1.RecordReceiptRequest{Customer: &tillv1.RecordReceiptRequest_Identifier{Identifier: scanned("3511 ab 12-a")}},
		&tillv1.SubmitDetailsRequest{Detail: &tillv1.SubmitDetailsRequest_Email{Email: "Jan.Jansen@example.nl"}},
		&tillv1.LookupRequest{Customer: &tillv1.LookupRequest_Identifier{Identifier: scanned(`éçàà&é"'(-è_(`)}},
	} {
		s.of(request.ProtoReflect())
	}
	s.add("a-token-that-is-secret")
	for _, line := range []string{
		`msg=call card=0421000000003`, `canonical="+31612345678"`, `phone="06 12 34 56 78"`, `raw="]E00421000000003\r\n"`, `addr=NL:3511AB:12-A`,
		`e="jan.jansen@example.nl"`, `e="piet@elders.example"`, `scan="éçàà&é\"'(-è_("`, `hex=` + hex.EncodeToString([]byte("06-12345678")),
		`authorization="Bearer a-token-that-is-secret"`, `card=2900123456785`, `path=/k/2900123456785?x`, "b64=" + base64.StdEncoding.EncodeToString([]byte("3511 ab 12-a")),
	} {
		if s.in(line) == "" {
			t.Errorf("not noticed: %s", line)
		}
	}
	for _, line := range []string{
		`time=2026-11-21T23:10:23.187654321Z level=INFO msg=listening address=127.0.0.1:40123`, `namespace=phone masked=…5678`,
		`digest=` + hex.EncodeToString(bytes.Repeat([]byte{0x35, 0x11}, 16)), `took=150ms release=42 bytes=187654321`,
	} {
		if what := s.in(line); what != "" {
			t.Errorf("%s: taken for %s", line, what)
		}
	}
}
