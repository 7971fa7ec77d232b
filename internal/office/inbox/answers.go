package inbox

import (
	"iter"
	"time"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// Answer is one answer to a question, as it stands: a late one or a correction over what the receipt said.
type Answer struct {
	// Account is whose it is; zero for nobody, also where the customer did not agree to answers being kept with the account.
	Account [16]byte
	// Store is where it was asked; empty where it is not known.
	Store string
	// At is when it was told; of an answer of nobody the day alone.
	At time.Time
	// Given is the question's campaign and kind, and the answer.
	Given *outcomev1.Exposure
}

// answered is what makes an answer the same whether the receipt tells it or a late word.
func answered(receipt *outcomev1.ReceiptKey, decision, suggestion string) string {
	if receipt != nil {
		decision = string(loyalty.KeyBytes(receipt))
	}
	return decision + "\x00" + suggestion
}

// Answers visits every answer once: those that came late, then those of the receipts that stand. After an error the visit ends.
func (c *Cut) Answers() iter.Seq2[Answer, error] {
	return visits(func(visit func(Answer) (bool, error)) error {
		late, err := c.lateAnswers()
		if err != nil {
			return err
		}
		for _, one := range late {
			if more, err := visit(one); err != nil || !more {
				return err
			}
		}
		for r, err := range c.Receipts(func(string, [16]byte) uint64 { return 0 }) {
			if err != nil {
				return err
			}
			for _, e := range r.Receipt.GetExposures() {
				key := r.Receipt.GetReceipt().GetKey()
				if _, corrected := late[answered(key, "", e.GetSuggestionId())]; e.GetAnswer() == nil || corrected {
					continue
				}
				one := Answer{Account: r.Account, Store: key.GetStore(), At: r.Receipt.GetRecordedAt().AsTime(), Given: e}
				if more, err := visit(one); err != nil || !more {
					return err
				}
			}
		}
		return nil
	})
}

// lateAnswers are the answers told after their receipts; a correction over a late answer.
func (c *Cut) lateAnswers() (map[string]Answer, error) {
	late, final := map[string]Answer{}, map[string]bool{}
	for o, err := range c.Outcomes() {
		if err != nil {
			return nil, err
		}
		told := o.Told
		key := answered(told.GetReceipt(), told.GetDecisionId(), told.GetOutcome().GetSuggestionId())
		if told.GetOutcome().GetAnswer() == nil || final[key] {
			continue
		}
		one := Answer{Store: told.GetStore(), At: told.GetOccurredAt().AsTime(), Given: told.GetOutcome()}
		if len(told.GetAccountId()) == 16 {
			if one.Account, err = c.t.survivor([16]byte(told.GetAccountId())); err != nil {
				return nil, err
			}
		}
		late[key], final[key] = one, told.GetKind() == outcomev1.LateKind_LATE_KIND_CORRECTION
	}
	return late, nil
}
