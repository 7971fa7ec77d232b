// Testsum runs "go test -json" with the arguments it is given and tells the result so that nothing is overlooked:
// a line per package, all output of what failed, then every skipped test with its reason, and the counts.
// It ends with go test's own status.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// event is one line of "go test -json".
type event struct {
	Action     string
	Package    string
	ImportPath string // of a build
	Test       string
	Output     string
	Elapsed    float64
}

type summary struct {
	output                  map[[2]string][]string // by package and test; "" for the package's own
	failedTests             map[string][]string    // by package
	skips                   []string
	passed, failed, skipped int
	badPackages             []string
}

func main() {
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(2)
	}
	s := summary{output: map[[2]string][]string{}, failedTests: map[string][]string{}}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		var e event
		switch {
		case line == "":
		case json.Unmarshal([]byte(line), &e) != nil:
			fmt.Print(line)
		default:
			s.take(e)
		}
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	s.print()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		os.Exit(max(1, exit.ExitCode()))
	} else if err != nil || s.failed > 0 {
		os.Exit(1)
	}
}

// take books one event; a package that has ended is printed at once, one without tests not at all.
func (s *summary) take(e event) {
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Print(e.Output)
	case "output":
		s.output[key] = append(s.output[key], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.packageEnded(e)
			return
		}
		s.testEnded(e, key)
	}
}

func (s *summary) testEnded(e event, key [2]string) {
	switch e.Action {
	case "pass":
		s.passed++
		delete(s.output, key)
	case "fail":
		s.failed++
		s.failedTests[e.Package] = append(s.failedTests[e.Package], e.Test)
	case "skip":
		s.skipped++
		s.skips = append(s.skips, fmt.Sprintf("  %s %s: %s", e.Package, e.Test, reason(s.output[key])))
		delete(s.output, key)
	}
}

func (s *summary) packageEnded(e event) {
	switch e.Action {
	case "pass":
		fmt.Printf("ok    %-70s %7.2fs\n", e.Package, e.Elapsed)
		for _, line := range s.output[[2]string{e.Package, ""}] {
			if strings.HasPrefix(line, "| ") { // a table the package prints about itself
				fmt.Print("      ", line)
			}
		}
	case "fail":
		for key, output := range s.output { // what a panic or a time-out cut off
			if key[0] == e.Package && key[1] != "" && !slices.Contains(s.failedTests[e.Package], key[1]) {
				fmt.Print(strings.Join(output, ""))
			}
		}
		for _, test := range s.failedTests[e.Package] {
			fmt.Print(strings.Join(s.output[[2]string{e.Package, test}], ""))
		}
		fmt.Print(strings.Join(s.output[[2]string{e.Package, ""}], ""))
		fmt.Printf("FAIL  %-70s %7.2fs\n", e.Package, e.Elapsed)
		s.badPackages = append(s.badPackages, e.Package)
	}
	for key := range s.output {
		if key[0] == e.Package {
			delete(s.output, key)
		}
	}
}

// print ends the run: failed, skipped, counts.
func (s *summary) print() {
	if len(s.badPackages) > 0 {
		fmt.Println("\nFailed:")
		for _, pkg := range s.badPackages {
			fmt.Printf("  %s %s\n", pkg, strings.Join(s.failedTests[pkg], " "))
		}
	}
	if len(s.skips) > 0 {
		fmt.Println("\nSkipped:")
		fmt.Println(strings.Join(s.skips, "\n"))
	}
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
}

// reason is what a test said when it skipped itself.
func reason(output []string) string {
	var words []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			words = append(words, line)
		}
	}
	if len(words) == 0 {
		return "no reason given"
	}
	return strings.Join(words, " ")
}
