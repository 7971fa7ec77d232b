package office

import (
	"errors"

	"github.com/stamklant/stamklant/internal/office/daily"
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
	// ExitRefused says that the input of the daily run looks wrong; scores and release are those of the run before.
	ExitRefused = 5
	// ExitUnfinished says that the daily run's release is out, but a step after it failed.
	ExitUnfinished = 6
)

// ExitCodes describes them for people.
const ExitCodes = `Exit codes: 0 done; 1 failed, nothing changed; 2 the command line was not understood; 3 done, but rows were rejected or files left aside; ` +
	`4 the programme has faults; 5 daily: the input looks wrong, scores and release are those of the run before; 6 daily: published, but a step after that failed.`

// ErrRejected is returned by an import that took what it could and rejected the rest.
var ErrRejected = errors.New("rows were rejected")

// errRemarks is returned by a daily run that did all it had to and left rows or files aside.
var errRemarks = errors.New("done, but something was left aside")

// errUnfinished is returned by a daily run that has published and then failed.
var errUnfinished = errors.New("the release is out, but what comes after it failed")

// ExitCode is the exit code for what a command returned.
func ExitCode(err error) int {
	var faults programme.Problems
	var remote *remoteError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &remote):
		return remote.code
	case errors.Is(err, daily.ErrRefused):
		return ExitRefused
	case errors.Is(err, errUnfinished):
		return ExitUnfinished
	case errors.Is(err, ErrRejected), errors.Is(err, errRemarks):
		return ExitRejected
	case errors.As(err, &faults):
		return ExitProgramme
	default:
		return ExitFailed
	}
}
