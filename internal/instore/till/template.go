package till

import (
	"bufio"
	"embed"
	"errors"
	"fmt"
	"strings"
)

// textFiles are the ready-made texts, one file a language.
//
//go:embed texts/*.txt
var textFiles embed.FS

// errText is what a fault in a text file is wrapped in.
var errText = errors.New("ready-made text cannot be used")

// spoken are the languages with ready-made texts, the one for all others first.
var spoken = []string{"en", "nl", "fr", "de"}

// audience is who a text is for.
type audience uint8

// The audiences.
const (
	cashier audience = iota
	display
	receipt

	audiences
)

var audienceNames = [audiences]string{"cashier", "display", "receipt"}

// field is a place in a text that a public fact fills.
type field uint8

// Every fact that can stand in a text for a customer. What has no field here cannot be said.
const (
	fieldPoints field = iota + 1
	fieldEarned
	fieldTaken
	fieldSpent
	fieldBonus
	fieldTimes
	fieldVisits
	fieldPercent
	fieldMoney
	fieldLeast
	fieldFrom
	fieldBy
	fieldTier
	fieldGroup
	fieldName

	fields
)

var fieldNames = [fields]string{
	"", "points", "earned", "taken", "spent", "bonus", "times", "visits", "percent", "money", "least", "from", "by", "tier", "group", "name",
}

// piece is one part of a text: words as they are, a fact, or the word that goes with a number.
type piece struct {
	words string
	field field
	one   string // the word for one; many for all others. Both empty: the fact itself
	many  string
}

// text is one ready-made text, `|` between its lines.
type text []piece

// phrasebook is one language's texts, in one form of address.
type phrasebook map[string]*[audiences]text

// readPhrases reads a language's texts: the polite ones, and the familiar ones, which say the same where they are not written apart.
func readPhrases(language string) (polite, familiar phrasebook, err error) {
	file, err := textFiles.ReadFile("texts/" + language + ".txt")
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errText, err)
	}
	polite, familiar = phrasebook{}, phrasebook{}
	var overrides []string
	lines := bufio.NewScanner(strings.NewReader(string(file)))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if key, _, _ := strings.Cut(line, "="); strings.HasSuffix(strings.TrimSpace(key), "@je") {
			overrides = append(overrides, line)
			continue
		}
		if err := polite.add(line); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", language, err)
		}
	}
	for key, texts := range polite {
		same := *texts
		familiar[key] = &same
	}
	for _, line := range overrides {
		if err := familiar.add(line); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", language, err)
		}
	}
	return polite, familiar, lines.Err()
}

// add files one line of a text file.
func (b phrasebook) add(line string) error {
	key, words, ok := strings.Cut(line, "=")
	key = strings.TrimSuffix(strings.TrimSpace(key), "@je")
	name, who, dotted := strings.Cut(key, ".")
	for a, audienceName := range audienceNames {
		if !ok || !dotted || who != audienceName {
			continue
		}
		parsed, err := parseText(strings.TrimSpace(words))
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if b[name] == nil {
			b[name] = &[audiences]text{}
		}
		b[name][a] = parsed
		return nil
	}
	return fmt.Errorf("%w: %q names no audience", errText, key)
}

// parseText splits a text at its braces.
func parseText(words string) (text, error) {
	var t text
	for words != "" {
		before, rest, found := strings.Cut(words, "{")
		if before != "" {
			t = append(t, piece{words: before})
		}
		if !found {
			break
		}
		inside, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("%w: a brace is not closed", errText)
		}
		p, err := parsePiece(inside)
		if err != nil {
			return nil, err
		}
		t = append(t, p)
		words = after
	}
	return t, nil
}

// parsePiece reads what stands between braces: a fact's name, and for the word that goes with it the words for one and for more.
func parsePiece(inside string) (piece, error) {
	name, plural, isWord := strings.Cut(inside, ":")
	for f := fieldPoints; f < fields; f++ {
		if fieldNames[f] != name {
			continue
		}
		p := piece{field: f}
		if isWord {
			var two bool
			if p.one, p.many, two = strings.Cut(plural, "/"); !two {
				return piece{}, fmt.Errorf("%w: {%s} wants a word for one and a word for more", errText, inside)
			}
		}
		return p, nil
	}
	return piece{}, fmt.Errorf("%w: {%s} is no public fact", errText, inside)
}
