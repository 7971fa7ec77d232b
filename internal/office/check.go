package office

import (
	"fmt"
	"io"

	"github.com/stamklant/stamklant/internal/office/programme"
)

// Check reads and checks a programme and prints every finding with its place and its remedy. The findings are the error when they keep
// the programme from being published.
func Check(home Home, path string, to io.Writer) error {
	if path == "" {
		path = home.Programme()
	}
	doc, err := programme.Read(path)
	if doc == nil {
		return err
	}
	problems := programme.Check(doc)
	if faults := problems.Print(to); faults > 0 {
		return &faulty{problems: problems, text: fmt.Sprintf("%s cannot be published: %d to mend", path, faults)}
	}
	p := doc.Programme
	fmt.Fprintf(to, "%s can be published: %d stores, %d segments, %d tiers, %d campaigns, texts in %v.\n",
		path, len(p.GetStores()), len(p.GetSegments()), len(p.GetTiers()), len(p.GetCampaigns()), p.GetLanguages())
	return nil
}

// faulty is a programme's findings, already printed one by one.
type faulty struct {
	problems programme.Problems
	text     string
}

func (f *faulty) Error() string { return f.text }

// As lets errors.As find the findings.
func (f *faulty) As(target any) bool {
	problems, ok := target.(*programme.Problems)
	if ok {
		*problems = f.problems
	}
	return ok
}
