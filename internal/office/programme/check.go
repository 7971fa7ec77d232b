package programme

import (
	"fmt"
	"strconv"
	"strings"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// Check returns all findings about a document in the order of its lines: the faults that Read found, and what the document as a whole lacks or
// contradicts. Without an Error among them the programme can be published.
func Check(doc *Document) Problems {
	c := &checker{doc: doc, p: doc.Programme, problems: doc.faults.sorted()}
	if doc.marks[""].bad { // nothing could be read
		return c.problems
	}
	for _, examine := range []func(){
		c.rules,
		c.names,
		c.basics,
		c.stores,
		c.groups,
		c.identifiers,
		c.segments,
		c.tiers,
		c.points,
		c.customerGroups,
		c.campaigns,
		c.restrictions,
		c.texts,
		c.compile,
	} {
		examine()
	}
	return c.problems.sorted()
}

// checker gathers findings about one document.
type checker struct {
	doc      *Document
	p        *programmev1.Programme
	problems Problems
}

// wrong notes an Error about the field at a path of the message.
func (c *checker) wrong(path, remedy, format string, args ...any) {
	c.report(Error, path, remedy, format, args...)
}

// lacks notes an Error about something that a part of the document does not say, unless it is only that it could not be read.
func (c *checker) lacks(path, remedy, message string) {
	if !c.doc.marks.incomplete(path) {
		c.report(Error, path, remedy, "%s", message)
	}
}

// doubtful notes a Warning about the field at a path of the message.
func (c *checker) doubtful(path, remedy, format string, args ...any) {
	c.report(Warning, path, remedy, format, args...)
}

// report notes a finding, unless it would only repeat that something could not be read. Where the field was not written, the finding stands at
// what it belongs to.
func (c *checker) report(s Severity, path, remedy, format string, args ...any) {
	if c.doc.marks.silenced(path) {
		return
	}
	c.problems = append(c.problems, c.doc.Finding(s, path, fmt.Sprintf(format, args...), remedy))
}

// line says where a field stands, for a message about another one.
func (c *checker) line(path string) string {
	m, _ := c.doc.marks.nearest(path)
	if strings.HasSuffix(m.file, presetMark) {
		return m.file
	}
	return fmt.Sprintf("%s:%d", m.file, m.line)
}

// entry is the path of the i-th entry of a list.
func entry(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// Finding is a finding about the field at a path of the message (as protovalidate writes it: campaigns[2].offer), placed where the document has
// it. Who knows more than the document, such as how many customers a campaign would reach, reports it this way.
func (d *Document) Finding(s Severity, path, message, remedy string) Problem {
	m, rest := d.marks.nearest(path)
	return Problem{
		Severity: s, File: m.file, Line: m.line, Column: m.column, Field: join(m.field, rest),
		Message: message, Remedy: remedy,
	}
}
