package office

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/stamklant/stamklant/internal/office/publisher"
)

//go:embed templates/*.yaml
var templates embed.FS

// ErrHomeExists is returned when a folder already holds a head office.
var ErrHomeExists = errors.New("there is a head office here already")

// Answers are what `init` needs to know. What is empty is filled with an example to change, but for Profiling: who the owner has not decided
// about is not profiled.
type Answers struct {
	// Chain is the chain's name.
	Chain string
	// Currency is an ISO 4217 code.
	Currency string
	// TimeZone is an IANA zone.
	TimeZone string
	// Languages are the languages promised to customers, the default first.
	Languages []string
	// Stores are the codes of the stores.
	Stores []string
	// Profiling is consent, legitimate_interest, or empty.
	Profiling string
}

func (a Answers) complete() Answers {
	fill := func(to *string, example string) {
		if *to == "" {
			*to = example
		}
	}
	fill(&a.Chain, "Example Chain")
	fill(&a.Currency, "EUR")
	fill(&a.TimeZone, "Europe/Amsterdam")
	if len(a.Languages) == 0 {
		a.Languages = []string{"nl", "en"}
	}
	if len(a.Stores) == 0 {
		a.Stores = []string{"s01"}
	}
	return a
}

// Store is the first store, for examples.
func (a Answers) Store() string { return a.Stores[0] }

// LanguageList is the languages as a document lists them.
func (a Answers) LanguageList() string { return strings.Join(a.Languages, ", ") }

// Names writes one name in each of the promised languages; a language we have no word in gets the English one.
func (a Answers) Names(nl, en, fr, de string) string {
	words := map[string]string{"nl": nl, "en": en, "fr": fr, "de": de}
	var out []string
	for _, language := range a.Languages {
		word, ok := words[language]
		if !ok {
			word = en
		}
		out = append(out, language+": "+word)
	}
	return strings.Join(out, ", ")
}

// Init makes a head office in a folder: the chain's keys, a commented programme, two commented mappings and a commented daily.yaml. ErrHomeExists when there is one;
// files a person has already put there are left as they are.
func Init(home Home, answers Answers, now time.Time, to io.Writer) error {
	answers = answers.complete()
	if err := os.MkdirAll(home.Dir(), 0o750); err != nil {
		return err
	}
	if _, err := os.Stat(home.Keys()); err == nil {
		return fmt.Errorf("%s: %w: its keys would be lost; choose another folder with --data", home.Dir(), ErrHomeExists)
	}
	if _, err := publisher.CreateChain(home.Keys(), now); err != nil {
		return err
	}
	fmt.Fprintf(to, "%s\n  keys/                    the chain's keys: keep a copy offline, and let nobody read them\n", home.Dir())
	for _, file := range []struct{ name, is string }{
		{"programme.yaml", "what customers get and what is said to them"},
		{"mapping-receipts.yaml", "how your receipts are read"},
		{"mapping-customers.yaml", "how your customers are read"},
		{"daily.yaml", "what the nightly run reads, and what a day may look like"},
	} {
		made, err := writeTemplate(home, file.name, answers)
		if err != nil {
			return err
		}
		if !made {
			file.is = "was there already and is left as it is"
		}
		fmt.Fprintf(to, "  %-24s %s\n", file.name, file.is)
	}
	if err := os.MkdirAll(home.Incoming(), 0o750); err != nil {
		return err
	}
	fmt.Fprintf(to, "  %-24s %s\n", "incoming/", "where files for the nightly run go")
	fmt.Fprintf(to, "\nNext:\n  stamklant-office check --data %[1]s\n  stamklant-office import receipts FILE.csv --mapping %[1]s/mapping-receipts.yaml --dry-run --data %[1]s\n", home.Dir())
	return nil
}

// writeTemplate writes one file unless it is there.
func writeTemplate(home Home, name string, answers Answers) (made bool, err error) {
	text, err := template.ParseFS(templates, "templates/"+name)
	if err != nil {
		return false, err
	}
	file, err := os.OpenFile(filepath.Join(home.Dir(), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, errors.Join(text.Execute(file, answers), file.Close())
}
