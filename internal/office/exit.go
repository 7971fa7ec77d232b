package office

import (
	"errors"

	"github.com/stamklant/stamklant/internal/office/programme"
)

// Exit codes of the commands.
const (
	// ExitDone says that all was done.
	ExitDone = 0
	// ExitFailed says that nothing was changed; the message says why.
	ExitFailed = 1
	// ExitUsage says that the command line was not understood.
	ExitUsage = 2
	// ExitRejected says that the rest was done, but rows were rejected; they lie in the file named.
	ExitRejected = 3
	// ExitProgramme says that the programme has faults; nothing was changed.
	ExitProgramme = 4
)

// ExitCodes describes them for people.
const ExitCodes = `Exit codes: 0 done; 1 failed, nothing changed; 2 the command line was not understood; 3 done, but rows were rejected; 4 the programme has faults.`

// ErrRejected is returned by an import that took what it could and rejected the rest.
var ErrRejected = errors.New("rows were rejected")

// ExitCode is the exit code for what a command returned.
func ExitCode(err error) int {
	var faults programme.Problems
	var remote *remoteError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &remote):
		return remote.code
	case errors.Is(err, ErrRejected):
		return ExitRejected
	case errors.As(err, &faults):
		return ExitProgramme
	default:
		return ExitFailed
	}
}
