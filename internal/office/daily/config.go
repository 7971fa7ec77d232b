package daily

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"
)

// ErrConfig is returned when daily.yaml is missing or cannot be understood.
var ErrConfig = errors.New("daily.yaml cannot be worked by")

// maxConfig bounds the size of the file: a person wrote it.
const maxConfig = 1 << 20

// Config is what daily.yaml says.
type Config struct {
	// Lists says how files are read; the first whose pattern fits counts. Customers are taken in after receipts only when they stand after them.
	Lists []List `yaml:"lists"`
	// Closed are days on which no store opens, YYYY-MM-DD: they may be empty.
	Closed []string `yaml:"closed"`
	// Limits say what a day may look like.
	Limits Limits `yaml:"limits"`
}

// List is one kind of file.
type List struct {
	// Files is a pattern over names in the import folder: * stands for anything.
	Files string `yaml:"files"`
	// Mapping is the file that says how the columns are read, beside daily.yaml unless it is absolute.
	Mapping string `yaml:"mapping"`
	// Replace lets what is known with other content be replaced.
	Replace bool `yaml:"replace"`
}

// Limits say what a day may look like. A day is held against the same weekday of the last four weeks.
type Limits struct {
	// AtLeastPercent is how much of the usual number of receipts a day must have; 0 means 10.
	AtLeastPercent int64 `yaml:"at_least_percent"`
	// AtMostTimes is how many times the usual receipts, or turnover, a day may have; 0 means 5.
	AtMostTimes int64 `yaml:"at_most_times"`
	// CustomersAtLeastPercent is how many of the customers that the run before scored must be scored again; 0 means 50.
	CustomersAtLeastPercent int64 `yaml:"customers_at_least_percent"`
}

// What a day may look like where daily.yaml is silent: a snowstorm and a street market pass, a forgotten export and a file in cents do not.
const (
	defaultAtLeastPercent = 10
	defaultAtMostTimes    = 5
	defaultCustomers      = 50
)

// ReadConfig reads daily.yaml. It returns ErrConfig, wrapped with the place and what is wrong.
func ReadConfig(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is not there: `stamklant-office init` writes one into a new data folder; see docs/daily.md", ErrConfig, path)
	}
	if err != nil {
		return nil, err
	}
	c, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrConfig, path, err)
	}
	for i, l := range c.Lists {
		if !filepath.IsAbs(l.Mapping) {
			c.Lists[i].Mapping = filepath.Join(filepath.Dir(path), l.Mapping)
		}
	}
	return c, nil
}

// parse reads the text of daily.yaml and fills in what it leaves open.
func parse(text []byte) (*Config, error) {
	if len(text) > maxConfig {
		return nil, fmt.Errorf("is larger than %d bytes: this is not a daily.yaml", maxConfig)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	c := &Config{}
	if err := decoder.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for i, l := range c.Lists {
		if l.Files == "" || l.Mapping == "" {
			return nil, fmt.Errorf("lists, number %d: needs `files:` and `mapping:`", i+1)
		}
		if _, err := filepath.Match(l.Files, ""); err != nil || filepath.Base(l.Files) != l.Files {
			return nil, fmt.Errorf("lists, number %d: %q is no pattern of a file name: write * for anything, as in receipts-*.csv", i+1, l.Files)
		}
	}
	for _, day := range c.Closed {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return nil, fmt.Errorf("closed: %q is not a day: write it YYYY-MM-DD", day)
		}
	}
	return c, c.Limits.complete()
}

// complete checks limits and fills in what is left open.
func (l *Limits) complete() error {
	for _, percent := range []int64{l.AtLeastPercent, l.CustomersAtLeastPercent} {
		if percent < 0 || percent > 100 {
			return fmt.Errorf("limits: %d is not a percentage: write 0 to 100", percent)
		}
	}
	if l.AtMostTimes != 0 && (l.AtMostTimes < 2 || l.AtMostTimes > 1000) {
		return fmt.Errorf("limits: at_most_times: %d: write 2 to 1000", l.AtMostTimes)
	}
	fill := func(to *int64, value int64) {
		if *to == 0 {
			*to = value
		}
	}
	fill(&l.AtLeastPercent, defaultAtLeastPercent)
	fill(&l.AtMostTimes, defaultAtMostTimes)
	fill(&l.CustomersAtLeastPercent, defaultCustomers)
	return nil
}
