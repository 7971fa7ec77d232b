package identify

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/nyaruka/phonenumbers"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// ErrRule is returned when an identifier rule can never do what it says.
var ErrRule = errors.New("identifier rule cannot be used")

// maxInstructions bounds a pattern's compiled size, and with it the memory one match may take.
const maxInstructions = 2000

// Rules are a programme's identifier rules, compiled. They are safe for use by many goroutines.
type Rules struct {
	rules    []rule
	prefixes []string
	suffixes []string
	azerty   bool
}

// rule is one compiled rule.
type rule struct {
	name       string
	kind       programmev1.IdentifierKind
	startsWith string
	pattern    *regexp.Regexp
	link       string
	length     int
	check      programmev1.CheckDigit
	first      string
	last       string
	country    string
	namespace  string
	numeric    bool // spaces and hyphens do not count, and only digits are left
}

// Compile prepares the rules of a programme, with scanners that may put "~" before a code and with AZERTY repair. It returns ErrRule,
// with the rule's name, for a rule that can never match or would match by accident.
func Compile(rules []*programmev1.IdentifierRule) (*Rules, error) {
	r := &Rules{rules: make([]rule, 0, len(rules)), prefixes: []string{"~"}, azerty: true}
	for i, in := range rules {
		compiled, err := compileRule(in)
		if err != nil {
			return nil, fmt.Errorf("identifiers[%d] %q: %w", i, in.GetName(), err)
		}
		r.rules = append(r.rules, compiled)
	}
	return r, nil
}

// WithScanners is the same rules behind scanners set up differently. Nil changes nothing.
func (r *Rules) WithScanners(s *programmev1.Scanners) *Rules {
	if s == nil {
		return r
	}
	other := *r
	if len(s.GetPrefixes()) > 0 {
		other.prefixes = s.GetPrefixes()
	}
	other.suffixes = s.GetSuffixes()
	if s.RepairAzerty != nil {
		other.azerty = s.GetRepairAzerty()
	}
	return &other
}

// compileRule checks one rule and prepares it.
func compileRule(in *programmev1.IdentifierRule) (rule, error) {
	r := rule{
		name: in.GetName(), kind: in.GetKind(), startsWith: in.GetStartsWith(), link: in.GetLink(), length: int(in.GetLength()),
		check: in.GetCheck(), first: in.GetIssued().GetFirst(), last: in.GetIssued().GetLast(),
		country: in.GetCountry(), namespace: in.GetNamespace(),
	}
	if r.namespace == "" {
		r.namespace = Namespace(r.kind)
	}
	r.numeric = r.check == programmev1.CheckDigit_CHECK_DIGIT_GS1 || r.check == programmev1.CheckDigit_CHECK_DIGIT_LUHN || r.first != ""
	switch r.kind {
	case programmev1.IdentifierKind_IDENTIFIER_KIND_UNSPECIFIED:
		return rule{}, fmt.Errorf("%w: it names no kind", ErrRule)
	case programmev1.IdentifierKind_IDENTIFIER_KIND_PHONE:
		if phonenumbers.GetCountryCodeForRegion(r.country) == 0 {
			return rule{}, fmt.Errorf("%w: country %q has no telephone numbers; name an ISO 3166 country", ErrRule, r.country)
		}
		warmPhone(r.country)
	case programmev1.IdentifierKind_IDENTIFIER_KIND_EMAIL:
	case programmev1.IdentifierKind_IDENTIFIER_KIND_POSTCODE_AND_HOUSE_NUMBER:
	default:
		return r, r.compileCode(in.GetPattern())
	}
	return r, nil
}

// compileCode checks what only codes have: a form, a range, a pattern.
func (r *rule) compileCode(pattern string) error {
	if r.startsWith == "" && pattern == "" && r.link == "" && r.length == 0 {
		return fmt.Errorf("%w: it would take any code; give starts_with, pattern, link or length", ErrRule)
	}
	if pattern != "" && r.startsWith != "" {
		return fmt.Errorf("%w: it has both starts_with and pattern; keep one", ErrRule)
	}
	if len(r.first) != len(r.last) || r.first > r.last {
		return fmt.Errorf("%w: issued must go from a number to a higher one of the same length", ErrRule)
	}
	if r.first != "" && r.length != 0 && len(r.first) != r.length {
		return fmt.Errorf("%w: issued has numbers of %d digits, length says %d", ErrRule, len(r.first), r.length)
	}
	if pattern == "" {
		return nil
	}
	parsed, err := syntax.Parse(`^(?:`+pattern+`)$`, syntax.Perl)
	if err != nil {
		return fmt.Errorf("%w: pattern: %w", ErrRule, err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return fmt.Errorf("%w: pattern: %w", ErrRule, err)
	}
	if len(program.Inst) > maxInstructions {
		return fmt.Errorf("%w: pattern comes to %d steps, at most %d are allowed; repeat less", ErrRule, len(program.Inst), maxInstructions)
	}
	r.pattern, err = regexp.Compile(`^(?:` + pattern + `)$`)
	if err != nil {
		return fmt.Errorf("%w: pattern: %w", ErrRule, err)
	}
	return nil
}

// Namespace is the namespace of a kind where a rule names none.
func Namespace(kind programmev1.IdentifierKind) string {
	return strings.ToLower(strings.TrimPrefix(kind.String(), "IDENTIFIER_KIND_"))
}
