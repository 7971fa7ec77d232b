package replica

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	syncv1 "github.com/stamklant/stamklant/gen/stamklant/sync/v1"
	"github.com/stamklant/stamklant/internal/bundle"
	"github.com/stamklant/stamklant/internal/instore/generation"
)

// ErrFaults is returned by [Verify] when something in the folder is not what was written.
var ErrFaults = errors.New("not what was written")

// Inspect tells what lies in a folder of releases, the current one first: what each is, whether it verifies, and what it has counted. Of config it
// needs Dir and Enrolment. Nothing is changed, and a server may be using the folder.
func Inspect(config Config) ([]*syncv1.ReleaseReport, error) {
	r, err := lookAt(config)
	if err != nil {
		return nil, err
	}
	current, digests, err := r.onDisk()
	if err != nil {
		return nil, err
	}
	reports := make([]*syncv1.ReleaseReport, 0, len(digests))
	for _, digest := range digests {
		_, report := r.report(digest)
		report.Current = digest == current
		reports = append(reports, report)
	}
	slices.SortFunc(reports, func(a, b *syncv1.ReleaseReport) int {
		if a.GetCurrent() != b.GetCurrent() {
			return boolToInt(b.GetCurrent()) - boolToInt(a.GetCurrent())
		}
		return cmp.Compare(b.GetVersion(), a.GetVersion())
	})
	return reports, nil
}

// lookAt is a replica that only looks.
func lookAt(config Config) (*Replica, error) {
	anchor, err := bundle.AnchorOf(config.Enrolment)
	if err != nil {
		return nil, err
	}
	return &Replica{config: config, anchor: anchor, folder: generation.LookAt(config.Dir)}, nil
}

// onDisk is the releases of the folder; none when it was never made. A CURRENT that cannot be read names none.
func (r *Replica) onDisk() (current [32]byte, digests [][32]byte, err error) {
	digests, err = r.folder.Releases()
	if errors.Is(err, fs.ErrNotExist) {
		return current, nil, nil
	}
	if err != nil {
		return current, nil, err
	}
	current, err = r.folder.Current()
	if errors.Is(err, generation.ErrNoRelease) || errors.Is(err, generation.ErrDamaged) {
		err = nil
	}
	return current, digests, err
}

// report tells of one release what its small files say, and whether they verify.
func (r *Replica) report(digest [32]byte) (found, *syncv1.ReleaseReport) {
	report := &syncv1.ReleaseReport{Digest: digest[:]}
	f, err := r.find(digest)
	if err != nil {
		report.Fault = err.Error()
		return f, report
	}
	report.Version, report.IssuedAt, report.ExpiresAt = f.version, f.manifest.GetIssuedAt(), f.manifest.GetExpiresAt()
	header := f.contents.customers
	report.DataAsOf, report.Accounts, report.Identifiers = header.GetDataAsOf(), header.GetAccounts(), header.GetIdentifiers()
	for _, c := range header.GetCutOffs() {
		if c.GetServerId() == r.anchor.Server {
			report.CutOffs = append(report.CutOffs, c)
		}
	}
	report.File, report.FileBytes = f.kept.File.Name, uint64(f.kept.File.Length)
	switch stat, err := os.Stat(filepath.Join(r.folder.Files(), f.kept.File.Name)); {
	case err != nil:
		report.Fault = err.Error()
	case stat.Size() != f.kept.File.Length:
		report.Fault = fmt.Sprintf("%s has %d bytes, %d were written", f.kept.File.Name, stat.Size(), f.kept.File.Length)
	}
	return f, report
}

// Verify reads every release of a folder whole: the signatures and seals of its small files, the digest of its file, every seal in that, and the
// digest of the state. Of config it needs Dir, Enrolment and DataKey. tell is called with each release and nil, or what is wrong with it, and
// progress with bytes that were read. [ErrFaults] when anything is wrong. Nothing is changed, and a server may be using the folder.
func Verify(ctx context.Context, config Config, tell func(*syncv1.ReleaseReport, error), progress func(what string, done, total int64)) error {
	r, err := lookAt(config)
	if err != nil {
		return err
	}
	current, digests, err := r.onDisk()
	if err != nil {
		return err
	}
	if current != [32]byte{} && !slices.Contains(digests, current) {
		err = fmt.Errorf("%s names a release that is not there: %w", filepath.Join(config.Dir, "CURRENT"), ErrFaults)
	}
	checked := make(map[string]error) // releases with the same customers share a file
	for _, digest := range digests {
		f, report := r.report(digest)
		report.Current = digest == current
		var fault error
		if report.GetFault() != "" {
			fault = errors.New(report.GetFault())
		} else {
			known, done := checked[report.GetFile()]
			if fault = known; !done {
				fault = r.verifyFile(ctx, f.kept.File, progress)
				checked[report.GetFile()] = fault
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		tell(report, fault)
		if fault != nil {
			err = errors.Join(err, fmt.Errorf("release %d: %w", report.GetVersion(), ErrFaults))
		}
	}
	return err
}

// verifyFile reads one generation file twice: its bytes, and every record through its seal.
func (r *Replica) verifyFile(ctx context.Context, info generation.FileInfo, progress func(what string, done, total int64)) error {
	file, err := generation.OpenFile(r.folder.Files(), info, r.config.DataKey.Key(), nil)
	if err != nil {
		return err
	}
	defer file.Release()
	progress(info.Name+" digest", 0, 1)
	if err := file.Check(ctx); err != nil {
		return err
	}
	progress(info.Name+" digest", 1, 1)
	accounts, identifiers, erased := file.Counts()
	total, done := int64(accounts+identifiers+erased), int64(0)
	state := bundle.NewState()
	for _, err := range state.Pass(file.Records()) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if done++; done%10_000 == 0 || done == total {
			progress(info.Name+" seals", done, total)
		}
	}
	if digest := state.Digest(); !bytes.Equal(digest[:], info.State[:]) {
		return fmt.Errorf("%s holds another state than was published: %w", info.Name, generation.ErrDamaged)
	}
	return nil
}
