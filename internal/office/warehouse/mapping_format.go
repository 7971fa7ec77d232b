package warehouse

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// formatTokens are what a person writes for the parts of a date and time, longest first, and what DuckDB calls them.
var formatTokens = []struct{ written, strptime string }{
	{"YYYY", "%Y"},
	{"YY", "%y"},
	{"MM", "%m"},
	{"M", "%m"},
	{"DD", "%d"},
	{"D", "%d"},
	{"HH", "%H"},
	{"H", "%H"},
	{"hh", "%I"},
	{"h", "%I"},
	{"mm", "%M"},
	{"ss", "%S"},
	{"fff", "%g"},
	{"am", "%p"},
}

// defaultFormats are read when a mapping names no format: the ways ISO 8601 is usually written.
var defaultFormats = []string{
	"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S.%g", "%Y-%m-%dT%H:%M:%S.%g", "%Y-%m-%d",
}

// format reads how a date or time is written, and keeps it as DuckDB's format.
func (r *mappingReader) format(n *yaml.Node) string {
	written := r.name(n, "format")
	var out strings.Builder
	used := map[string]bool{}
	for rest := written; rest != ""; {
		taken := false
		for _, token := range formatTokens {
			if strings.HasPrefix(rest, token.written) {
				if used[token.strptime] {
					r.wrong(n, "format `%s` names one part twice: months are MM, minutes mm", written)
				}
				used[token.strptime] = true
				out.WriteString(token.strptime)
				rest, taken = rest[len(token.written):], true
				break
			}
		}
		if taken {
			continue
		}
		if c := rest[0]; strings.IndexByte("-/.: ,T_", c) < 0 {
			r.wrong(n, "format `%s`: `%c` means nothing here; write it with YYYY, MM, DD, HH, mm, ss, as in DD-MM-YYYY HH:mm", written, c)
			return ""
		}
		out.WriteByte(rest[0])
		rest = rest[1:]
	}
	if !used["%d"] || !used["%m"] || !used["%Y"] && !used["%y"] {
		r.wrong(n, "format `%s` does not name day, month and year: DD, MM and YYYY", written)
	}
	return out.String()
}
