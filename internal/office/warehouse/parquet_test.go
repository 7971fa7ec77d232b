package warehouse_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// parquet writes a file from a query.
func parquet(t *testing.T, w *warehouse.Warehouse, query string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list.parquet")
	err := w.View(t.Context(), func(ctx context.Context, tx *warehouse.Tx) error {
		_, err := tx.Exec(ctx, "copy ("+query+") to '"+path+"' (format parquet)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestParquet reads a file with types of its own as it reads text.
func TestParquet(t *testing.T) {
	t.Parallel()
	w := open(t)
	path := parquet(t, w, `select * from (values
		(17, timestamp '2024-03-05 09:58:00', 4711, 'a1', 2.0, 12.50::decimal(10, 2)),
		(17, timestamp '2024-03-05 09:58:00', 4711, 'a2', 1.0, 3.00::decimal(10, 2)),
		(18, timestamp '2024-03-06 10:00:00', null, 'a2', -1.0, -3.00::decimal(10, 2)),
		(19, null, 12, 'a2', 1.0, 3.00::decimal(10, 2))
	) as t("Bon nr", "at", who, sku, pieces, amount)`)
	const text = "list: receipts\nreceipt: [Bon nr]\ncustomer: {column: who, is: external_id}\n" +
		"columns: {store: {constant: s1}, receipt_no: Bon nr, time: at, sku: sku, quantity: pieces, amount: amount}\n"
	request := warehouse.ImportRequest{
		List: warehouse.Receipts, Mapping: mapping(t, text), Files: []string{path}, Accounts: &register{}, RejectedPath: filepath.Join(t.TempDir(), "rejected.csv"),
	}
	report, err := w.Import(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	r := report.Receipts
	if report.Rows != 4 || r.NewReceipts != 2 || r.NewLines != 3 || r.Amount != "12.5" || r.First != "2024-03-05" || report.RejectedRows() != 1 {
		t.Errorf("report %+v, rejected %v", r, report.Rejected)
	}
	if rejected := records(t, report.RejectedPath); len(rejected) != 2 || rejected[1][1] != "5" || rejected[1][3] != "19" {
		t.Errorf("rejected: %q", rejected)
	}
	again, err := w.Import(t.Context(), request)
	if err != nil || again.Receipts.KnownReceipts != 2 || again.Receipts.NewReceipts != 0 {
		t.Errorf("again: %+v, %v", again, err)
	}

	request.Mapping = mapping(t, text+"file: {decimals: comma}\n")
	if _, err := w.Import(t.Context(), request); !errors.Is(err, warehouse.ErrFile) || !strings.Contains(err.Error(), "decimals") {
		t.Errorf("a mapping for text: %v", err)
	}
	request.Mapping, request.Files = mapping(t, text), []string{file(t, "text.parquet", "a,b\n1,2\n")}
	if _, err := w.Import(t.Context(), request); !errors.Is(err, warehouse.ErrFile) {
		t.Errorf("a file that only is called so: %v", err)
	}
}
