package warehouse

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// source is the files of an import as DuckDB will read them.
type source struct {
	dialect dialect
	named   []string // as the caller named them
	files   []string // what is read in their place
	made    []string // files that were made for it, to be removed
	header  []string // names of the columns
	// describe returns the names of the columns of a Parquet file, which the database alone can read.
	describe func(name string) ([]string, error)
}

// maxHeading bounds the first line of a file.
const maxHeading = 1 << 20

// rewritten is the pattern of names of files that are made for an import.
const rewritten = ".stamklant-import-*.csv"

// sweep removes files that an import which was killed left in the folder: they hold customers' receipts.
func sweep(folder string) error {
	left, err := filepath.Glob(filepath.Join(folder, rewritten))
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// byteOrderMark stands before text that some programs export.
const byteOrderMark = "\ufeff"

// openSource looks at the files: all must be there, be text, and have the same columns, among them those that are used. Files that
// DuckDB could not read as they are (windows-1252, a name that is a pattern) are rewritten into the folder.
func openSource(files []string, m *Mapping, folder string, describe func(string) ([]string, error)) (*source, error) {
	s := &source{dialect: m.dialect, named: files, describe: describe}
	for _, name := range files {
		if err := s.add(name, folder); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	if err := s.has(m.columnsUsed()); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// add looks at one file.
func (s *source) add(name, folder string) error {
	heading, err := s.heading(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if s.header == nil {
		s.header = heading
	} else if !slices.Equal(s.header, heading) {
		return fmt.Errorf("%w: %s has other columns (%s) than %s (%s): import it by itself",
			ErrFile, name, strings.Join(heading, ", "), s.named[0], strings.Join(s.header, ", "))
	}
	readable := name
	if isParquet(name) {
		if strings.ContainsAny(name, "*?[") {
			return fmt.Errorf("%w: %s: a Parquet file's name may hold no *, ? or [: rename it", ErrFile, name)
		}
	} else if s.dialect.encoding != utf8Encoding || strings.ContainsAny(name, "*?[") { // DuckDB would read such a name as a pattern
		readable, err = s.rewrite(name, folder)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	s.files = append(s.files, readable)
	return nil
}

// close removes what was made.
func (s *source) close() error {
	var err error
	for _, name := range s.made {
		err = errors.Join(err, os.Remove(name))
	}
	s.made = nil
	return err
}

// open returns the text of a file, unpacked and as UTF-8.
func (s *source) open(name string) (io.Reader, func() error, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	var text io.Reader = f
	if packed(name) {
		unpacked, err := gzip.NewReader(f)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%w: it ends in .gz but is not packed so: %w", ErrFile, err), f.Close())
		}
		text = unpacked
	}
	if s.dialect.encoding == windows1252 {
		text = charmap.Windows1252.NewDecoder().Reader(text)
	}
	return text, f.Close, nil
}

// packed reports whether a file is gzip by its name.
func packed(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".gz") }

// isParquet reports whether a file is Parquet by its name. Its numbers and times are written as a mapping takes them when it says nothing else.
func isParquet(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".parquet") }

// heading returns the names of a file's columns.
func (s *source) heading(name string) ([]string, error) {
	if isParquet(name) {
		return s.describe(name)
	}
	text, done, err := s.open(name)
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(io.LimitReader(text, maxHeading)).ReadString('\n')
	if closed := done(); closed != nil {
		return nil, closed
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	line = strings.TrimRight(strings.TrimPrefix(line, byteOrderMark), "\r\n")
	if line == "" {
		return nil, fmt.Errorf("%w: it is empty", ErrFile)
	}
	names := split(line, s.dialect)
	for i, column := range names {
		names[i] = strings.TrimSpace(column)
	}
	return names, nil
}

// split cuts a heading into its columns.
func split(line string, d dialect) []string {
	var columns []string
	var column strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		c := line[i : i+1]
		switch {
		case c == d.quote && quoted && i+1 < len(line) && line[i+1:i+2] == d.quote:
			column.WriteString(c)
			i++
		case c == d.quote:
			quoted = !quoted
		case c == d.delimiter && !quoted:
			columns = append(columns, column.String())
			column.Reset()
		default:
			column.WriteString(c)
		}
	}
	return append(columns, column.String())
}

// has checks that the columns are there, each once.
func (s *source) has(columns []string) error {
	for _, name := range columns {
		switch n := count(s.header, name); {
		case n == 0:
			return fmt.Errorf("%w: the mapping names the column `%s`, and %s has %s: check the name, and the delimiter",
				ErrFile, name, s.named[0], strings.Join(s.header, ", "))
		case n > 1:
			return fmt.Errorf("%w: %s has the column `%s` %d times: rename one", ErrFile, s.named[0], name, n)
		}
	}
	return nil
}

// count counts a word.
func count(all []string, word string) int {
	n := 0
	for _, s := range all {
		if s == word {
			n++
		}
	}
	return n
}

// rewrite makes a UTF-8 copy of a file.
func (s *source) rewrite(name, folder string) (string, error) {
	text, done, err := s.open(name)
	if err != nil {
		return "", err
	}
	out, err := os.CreateTemp(folder, rewritten)
	if err != nil {
		return "", errors.Join(err, done())
	}
	s.made = append(s.made, out.Name())
	_, err = io.Copy(out, text)
	return filepath.ToSlash(out.Name()), errors.Join(err, out.Close(), done())
}

// reader is the SQL that reads the i-th file, every column as text under the name c0, c1, …; lines that are no rows go to a table.
func (s *source) reader(i int, rejects string) string {
	columns := make([]string, len(s.header))
	if isParquet(s.files[i]) {
		for c, name := range s.header {
			columns[c] = fmt.Sprintf("%s::varchar as c%d", `"`+strings.ReplaceAll(name, `"`, `""`)+`"`, c)
		}
		return fmt.Sprintf("(select %s from read_parquet(%s))", strings.Join(columns, ", "), quote(s.files[i]))
	}
	for c := range s.header {
		columns[c] = fmt.Sprintf("'c%d': 'varchar'", c)
	}
	compression := "none"
	if packed(s.files[i]) {
		compression = "gzip"
	}
	return fmt.Sprintf("read_csv(%s, auto_detect = false, header = true, delim = %s, quote = %s, escape = %s, compression = '%s', "+
		"columns = {%s}, store_rejects = true, rejects_table = '%s', rejects_scan = '%s_scan', rejects_limit = 0)",
		quote(s.files[i]), quote(s.dialect.delimiter), quote(s.dialect.quote), quote(s.dialect.quote), compression,
		strings.Join(columns, ", "), rejects, rejects)
}

// quote writes a text as SQL does.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
