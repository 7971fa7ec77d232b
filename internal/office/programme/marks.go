package programme

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// spot is a place in a file.
type spot struct {
	file         string
	line, column int
}

// at is where a node of a file begins.
func at(file string, n *yaml.Node) spot {
	return spot{file: file, line: max(n.Line, 1), column: max(n.Column, 1)}
}

// place is where the walk stands: in the message (campaigns[2].offer.percent) and as a person would say it (campaigns.verf.offer.percent).
type place struct {
	path  string
	field string
}

// in is the place of a named field.
func (p place) in(name string) place {
	return place{path: join(p.path, name), field: join(p.field, name)}
}

// item is the place of the i-th entry of a list that a person calls by label.
func (p place) item(i int, label string) place {
	return place{path: p.path + "[" + strconv.Itoa(i) + "]", field: join(p.field, label)}
}

// within is a field that is not written out: the place is called as what it stands in.
func (p place) within(name string) place {
	return place{path: join(p.path, name), field: p.field}
}

func join(a, b string) string {
	switch {
	case a == "" || b == "":
		return a + b
	case strings.HasPrefix(b, "["):
		return a + b
	default:
		return a + "." + b
	}
}

// mark is where a field of the message was written.
type mark struct {
	spot  // of its value when that is a single one, else of its key
	field string
	given bool // written in the document itself, not in a preset
	bad   bool // it could not be read, so what a check says of it would only repeat that
	torn  bool // something within it could not be read, and nobody knows which of its fields was meant
	holed bool // one of its fields could not be read
}

// marks are the places of all fields that were written, by path in the message.
type marks map[string]mark

// nearest finds the mark of a path or of the field that it lies in, and the part of the path that was not written.
func (m marks) nearest(path string) (found mark, rest string) {
	for p := path; p != ""; p = parent(p) {
		if found, ok := m[p]; ok {
			return found, strings.TrimPrefix(path[len(p):], ".")
		}
	}
	return m[""], path
}

// silenced reports whether a finding about a path would only repeat that something could not be read.
func (m marks) silenced(path string) bool {
	found, rest := m.nearest(path)
	return found.bad || rest != "" && found.torn
}

// incomplete reports whether a finding that something is missing from a part would only repeat that it could not be read.
func (m marks) incomplete(path string) bool {
	return m.silenced(path) || m[path].torn || m[path].holed
}

// spoil notes that a field could not be read.
func (m marks) spoil(path string) {
	k := m[path]
	k.bad = true
	m[path] = k
	if path != "" {
		of := m[parent(path)]
		of.holed = true
		m[parent(path)] = of
	}
}

// tear notes that something in a part could not be read, so that one of its fields may seem to be missing.
func (m marks) tear(path string) {
	k := m[path]
	k.torn = true
	m[path] = k
}

// forget drops the marks of all entries of a list.
func (m marks) forget(list string) {
	for path := range m {
		if strings.HasPrefix(path, list+"[") {
			delete(m, path)
		}
	}
}

// parent is the path without its last step, "" at the top.
func parent(path string) string {
	if i := strings.LastIndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return ""
}

// move gives the marks of one entry to another path.
func (m marks) move(from, to string) {
	if from == to {
		return
	}
	moved := marks{}
	for path, k := range m {
		if path == from || strings.HasPrefix(path, from+".") {
			moved[to+path[len(from):]] = k
			delete(m, path)
		}
	}
	for path, k := range moved {
		m[path] = k
	}
}
