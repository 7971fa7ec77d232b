package office

import (
	"bufio"
	"context"
	"encoding/base32"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/stamklant/stamklant/internal/office/inbox"
)

// exportCut writes a list of what the inbox holds at one moment.
func (o *Office) exportCut(ctx context.Context, to io.Writer, list func(*inbox.Cut, *csv.Writer) (int64, error)) (rows int64, err error) {
	cut, err := o.inbox.Cut(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cut.Close()) }()
	buffered := bufio.NewWriter(to)
	lines := csv.NewWriter(buffered)
	if rows, err = list(cut, lines); err != nil {
		return rows, err
	}
	lines.Flush()
	return rows, errors.Join(lines.Error(), buffered.Flush())
}

// exportLedger writes every counted booking of points, and those that wait for a card to be registered.
func exportLedger(cut *inbox.Cut, to *csv.Writer) (rows int64, err error) {
	cards, err := cardsOf(cut)
	if err != nil {
		return 0, err
	}
	if err := to.Write([]string{"account_ref", "cards", "kind", "points", "day", "store", "entry_id"}); err != nil {
		return 0, err
	}
	for one, err := range cut.Ledger() {
		if err != nil {
			return rows, err
		}
		e := one.Entry
		card := cards[one.Account]
		if one.Account == ([16]byte{}) {
			card = one.Canonical
		}
		err = to.Write([]string{
			accountRef(one.Account), card, short(e.GetKind().String(), "ENTRY_KIND_"), strconv.FormatInt(e.GetPoints(), 10),
			time.Unix(int64(e.GetDay())*86400, 0).UTC().Format(time.DateOnly), e.GetStore(), hex.EncodeToString(e.GetEntryId()),
		})
		if err != nil {
			return rows, err
		}
		rows++
	}
	return rows, nil
}

// exportReceipts writes every receipt that stands, once, whoever delivered it how often.
func exportReceipts(cut *inbox.Cut, to *csv.Writer) (rows int64, err error) {
	header := []string{"store", "till", "till_epoch", "business_date", "receipt_no", "fork", "kind", "currency", "total_minor", "lines", "account_ref", "card", "server"}
	if err := to.Write(header); err != nil {
		return 0, err
	}
	for one, err := range cut.Receipts(func(string, [16]byte) uint64 { return 0 }) {
		if err != nil {
			return rows, err
		}
		r := one.Receipt.GetReceipt()
		key := r.GetKey()
		err = to.Write([]string{
			key.GetStore(), key.GetTill(), strconv.FormatUint(uint64(key.GetTillEpoch()), 10), key.GetBusinessDate(), key.GetReceiptNo(),
			strconv.FormatUint(uint64(one.Receipt.GetFork()), 10), short(r.GetKind().String(), "RECEIPT_KIND_"), r.GetCurrency(),
			strconv.FormatInt(r.GetTotalMinor(), 10), strconv.Itoa(len(r.GetLines())), accountRef(one.Account), r.GetIdentifier().GetCanonical(), one.ServerID,
		})
		if err != nil {
			return rows, err
		}
		rows++
	}
	return rows, nil
}

// cardsOf are the identifiers of every account, with a space between them.
func cardsOf(cut *inbox.Cut) (map[[16]byte]string, error) {
	cards := map[[16]byte]string{}
	for account, err := range cut.Accounts() {
		if err != nil {
			return nil, err
		}
		var own []string
		for _, i := range account.Identifiers {
			own = append(own, i.Canonical)
		}
		cards[account.ID] = strings.Join(own, " ")
	}
	return cards, nil
}

// accountRef is an account as tills and lists show it; empty for nobody.
func accountRef(id [16]byte) string {
	if id == ([16]byte{}) {
		return ""
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(id[:])
}

// short is the word of an enum's value.
func short(name, prefix string) string { return strings.ToLower(strings.TrimPrefix(name, prefix)) }
