package programme

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// Limits on what is read, far above what a retailer writes: ten thousand campaigns with texts in four languages are about 12 MB.
const (
	maxBytes = 32 << 20 // of all files together
	maxFiles = 500      // in a folder
	maxDepth = 24       // of mappings and lists within each other; the deepest field stands at 7
)

// ErrNoDocument is returned when a path holds no programme: nothing is there, or a folder without a *.yaml file.
var ErrNoDocument = errors.New("no programme here")

// ErrTooLarge is returned when the files together are larger, or more, than any programme.
var ErrTooLarge = errors.New("too large for a programme")

// Document is a programme together with where each of its fields was written. It is not changed after it was read; the Programme in it belongs
// to the caller.
type Document struct {
	// Programme is what was written, with presets and what head office itself fills in.
	Programme *programmev1.Programme
	// Path is what was read: a file or a folder.
	Path string

	marks  marks
	faults Problems
}

// Read reads a file, or all *.yaml and *.yml files of a folder (not of folders within it). Where the content has faults the error is Problems,
// and the Document holds what could be read: Check then reports those faults together with all it finds itself. In every other case of an error
// (the file cannot be opened, ErrNoDocument, ErrTooLarge) there is no Document.
//
// File names in findings are relative to the folder, or the base name of the file.
func Read(path string) (*Document, error) {
	files, err := load(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, files...)
}

// Load reads and checks: it returns the programme with the warnings about it, or Problems as the error when it cannot be published.
func Load(path string) (*programmev1.Programme, Problems, error) {
	doc, err := Read(path)
	if doc == nil {
		return nil, nil, err
	}
	problems := Check(doc)
	if len(problems.Errors()) > 0 {
		return nil, problems, problems
	}
	return doc.Programme, problems, nil
}

// File is the content of one file of a document.
type File struct {
	// Name is how findings call it.
	Name string
	// Text is its content, YAML in UTF-8.
	Text []byte
}

// Parse is Read for content that is already in memory; path is only a name.
func Parse(path string, files ...File) (*Document, error) {
	doc := &Document{Programme: &programmev1.Programme{}, Path: path, marks: marks{}}
	r := newReader(doc)
	r.read(files)
	complete(doc)
	doc.faults = doc.faults.sorted()
	if len(doc.faults) > 0 {
		return doc, doc.faults
	}
	return doc, nil
}

// load reads the files of a document in the order of their names.
func load(path string) ([]File, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: write one, or let `stamklant-office init` write it", path, ErrNoDocument)
	}
	if err != nil {
		return nil, err
	}
	names := []string{path}
	if info.IsDir() {
		if names, err = yamlFiles(path); err != nil {
			return nil, err
		}
	}
	files := make([]File, 0, len(names))
	left := int64(maxBytes)
	for _, name := range names {
		text, err := readAtMost(name, left)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		left -= int64(len(text))
		files = append(files, File{Name: filepath.Base(name), Text: text})
	}
	return files, nil
}

// yamlFiles lists the documents of a folder by name.
func yamlFiles(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		ext := strings.ToLower(filepath.Ext(e.Name()))
		if !e.IsDir() && (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, filepath.Join(folder, e.Name()))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: %w: the folder holds no file ending in .yaml", folder, ErrNoDocument)
	}
	if len(names) > maxFiles {
		return nil, fmt.Errorf("%s: %w: %d files, at most %d are read", folder, ErrTooLarge, len(names), maxFiles)
	}
	slices.Sort(names)
	return names, nil
}

// readAtMost reads a file of at most the given size.
func readAtMost(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a file", ErrNoDocument)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%w: the document may hold %d MB in all", ErrTooLarge, maxBytes>>20)
	}
	return os.ReadFile(name)
}
