package office

import (
	"context"
	"encoding/base32"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	"github.com/stamklant/stamklant/internal/office/hub"
	"github.com/stamklant/stamklant/internal/office/publisher"
	"github.com/stamklant/stamklant/internal/office/scoring"
)

// export writes a list as CSV. The file is put in place whole, or not at all.
func (o *Office) export(ctx context.Context, job *officev1.ExportJob, to hub.Terminal) error {
	next := job.GetFile() + ".new"
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	rows, what, err := o.exportTo(ctx, job.GetWhat(), file)
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, job.GetFile()); err != nil {
		return err
	}
	fmt.Fprintf(to, "%d %s: %s\n", rows, what, job.GetFile())
	return nil
}

// exportTo writes one list, and says how many rows of what it has.
func (o *Office) exportTo(ctx context.Context, kind officev1.ExportKind, to io.Writer) (rows int64, what string, err error) {
	switch kind {
	case officev1.ExportKind_EXPORT_KIND_DETAILS:
		rows, err = o.exportDetails(to)
		return rows, "contact details", err
	case officev1.ExportKind_EXPORT_KIND_LEDGER:
		rows, err = o.exportCut(ctx, to, exportLedger)
		return rows, "bookings", err
	case officev1.ExportKind_EXPORT_KIND_RECEIPTS:
		rows, err = o.exportCut(ctx, to, exportReceipts)
		return rows, "receipts", err
	case officev1.ExportKind_EXPORT_KIND_COUPONS:
		rows, err = o.exportCut(ctx, to, exportCoupons)
		return rows, "coupons", err
	case officev1.ExportKind_EXPORT_KIND_OUTCOMES:
		rows, err = o.exportCut(ctx, to, exportOutcomes)
		return rows, "late outcomes", err
	case officev1.ExportKind_EXPORT_KIND_ANSWERS:
		rows, err = o.exportCut(ctx, to, exportAnswers)
		return rows, "answers", err
	default:
	}
	n, err := scoring.Export(ctx, o.warehouse, to)
	return n, "customers", err
}

// exportDetails writes what customers gave at tills, opened with a key that head office alone has.
func (o *Office) exportDetails(to io.Writer) (rows int64, err error) {
	keys, err := publisher.LoadKeys(o.home.Keys())
	if err != nil {
		return 0, err
	}
	given, err := o.inbox.Details()
	if err != nil {
		return 0, err
	}
	list := csv.NewWriter(to)
	lines := [][]string{{"account_ref", "external_id", "card", "given_at", "server", "email", "phone", "postcode", "house_number"}}
	for _, d := range given {
		details, err := keys.OpenDetails(d.ServerID, d.Given.GetSealed())
		if err != nil {
			return 0, fmt.Errorf("contact details from %s: %w", d.ServerID, err)
		}
		account, external := "", ""
		if d.Account != ([16]byte{}) {
			account = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(d.Account[:])
		}
		if len(d.Externals) > 0 {
			external = d.Externals[0]
		}
		lines = append(lines, []string{
			account, external, d.Given.GetIdentifier().GetCanonical(), d.Given.GetOccurredAt().AsTime().Format(time.RFC3339), d.ServerID,
			details.GetEmail(), details.GetPhone(), details.GetPostcode(), details.GetHouseNumber(),
		})
	}
	return int64(len(given)), list.WriteAll(lines)
}
