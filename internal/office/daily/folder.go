package daily

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Folder is the import folder. Files that are still being written carry a name that begins with a dot or ends in .part, .tmp or .filepart
// and are passed over; whoever brings them renames them when they are whole.
type Folder struct{ dir string }

// NewFolder names the folder; nothing is opened or made.
func NewFolder(dir string) Folder { return Folder{dir: dir} }

// Found is what lies in the folder.
type Found struct {
	// Lists are the files by list, in the order of daily.yaml; a list without a file is left out.
	Lists []FoundList
	// Unknown are names that no pattern fits: they are left where they are.
	Unknown []string
}

// FoundList are the files of one list.
type FoundList struct {
	List
	// Paths are the files, in the order of their names.
	Paths []string
}

// Files is how many files were found.
func (f *Found) Files() int {
	n := 0
	for _, l := range f.Lists {
		n += len(l.Paths)
	}
	return n
}

// Find matches what lies in the folder to lists. A folder that is not there is empty.
func (f Folder) Find(lists []List) (*Found, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("import folder: %w", err)
	}
	paths := make([][]string, len(lists))
	found := &Found{}
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || unfinished(name) {
			continue
		}
		i := slices.IndexFunc(lists, func(l List) bool { ok, _ := filepath.Match(l.Files, name); return ok })
		if i < 0 {
			found.Unknown = append(found.Unknown, name)
			continue
		}
		paths[i] = append(paths[i], filepath.Join(f.dir, name))
	}
	for i, l := range lists {
		if len(paths[i]) > 0 {
			found.Lists = append(found.Lists, FoundList{List: l, Paths: paths[i]})
		}
	}
	return found, nil
}

// unfinished reports whether a file is still being written, going by its name.
func unfinished(name string) bool {
	if strings.HasPrefix(name, ".") {
		return true
	}
	return slices.Contains([]string{".part", ".tmp", ".filepart"}, strings.ToLower(filepath.Ext(name)))
}

// Done moves files that were taken in to done/<day>/. A name that is there already gets a number.
func (f Folder) Done(day string, paths []string) error {
	to := filepath.Join(f.dir, "done", day)
	if err := os.MkdirAll(to, 0o700); err != nil {
		return fmt.Errorf("put away what was taken in: %w", err)
	}
	for _, path := range paths {
		target, err := free(to, filepath.Base(path))
		if err == nil {
			err = os.Rename(path, target)
		}
		if err != nil {
			return fmt.Errorf("put away what was taken in: %w", err)
		}
	}
	return nil
}

// free is a name in a folder that nothing has.
func free(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return path, nil
		} else if err != nil {
			return "", err
		}
		path = filepath.Join(dir, fmt.Sprintf("%d-%s", n, name))
	}
}
