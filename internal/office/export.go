package office

import (
	"context"
	"errors"
	"fmt"
	"os"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/scoring"
)

// export writes a list as CSV. The file is put in place whole, or not at all.
func (o *Office) export(ctx context.Context, job *officev1.ExportJob, to hub.Terminal) error {
	next := job.GetFile() + ".new"
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	rows, err := scoring.Export(ctx, o.warehouse, file)
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, job.GetFile()); err != nil {
		return err
	}
	fmt.Fprintf(to, "%d customers: %s\n", rows, job.GetFile())
	return nil
}
