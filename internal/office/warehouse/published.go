package warehouse

import (
	"context"
	"fmt"
	"iter"
	"time"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// PublishedAccount is what head office knows about an account and stores may have. Points are those that a customer list brought; what stores
// booked since is the inbox's to add.
type PublishedAccount struct {
	// ID is the account.
	ID [16]byte
	// Account is what is published under it.
	Account *customerv1.Account
	// KeptTier is the tier that purchases keep the account in, grace included; empty for none. KeptUntilDay is the last day of it if nothing more
	// is bought, in days since 1970-01-01; 0 where no day ends it.
	KeptTier     string
	KeptUntilDay int32
}

// Published yields what stores may have of every account, in the order of their ids. An account that may not be profiled (who objected, a
// child, one without a basis, a group that is left out) has neither values nor segment, and keeps what saving points needs. One state of the
// warehouse is seen throughout; the iteration holds it until it ends. An error ends it.
func (w *Warehouse) Published(ctx context.Context, programme *programmev1.Programme) iter.Seq2[PublishedAccount, error] {
	return func(yield func(PublishedAccount, error) bool) {
		stopped := false
		err := w.View(ctx, func(ctx context.Context, tx *Tx) error {
			for account, err := range tx.Published(ctx, programme) {
				if stopped = !yield(account, err); stopped || err != nil {
					stopped = true
					return nil
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(PublishedAccount{}, fmt.Errorf("accounts to publish: %w", err))
		}
	}
}

// Published is Warehouse.Published as the transaction sees it: what it has changed and not yet kept included.
func (t *Tx) Published(ctx context.Context, programme *programmev1.Programme) iter.Seq2[PublishedAccount, error] {
	return func(yield func(PublishedAccount, error) bool) {
		var day int32
		if err := t.One(ctx, "select coalesce((max_by(as_of, run_id) - date '1970-01-01')::integer, 0) from main.runs", nil, &day); err != nil {
			yield(PublishedAccount{}, fmt.Errorf("accounts to publish: %w", err))
			return
		}
		for row, err := range t.Query(ctx, statement("published"), publishedArgs(programme, day)...) {
			var account PublishedAccount
			if err == nil {
				account, err = scanPublished(row, programme.GetTraits())
			}
			if err != nil {
				yield(PublishedAccount{}, fmt.Errorf("accounts to publish: %w", err))
				return
			}
			if !yield(account, nil) {
				return
			}
		}
	}
}

// publishedArgs are what the statement must know of the programme.
func publishedArgs(p *programmev1.Programme, day int32) []any {
	live := liveTraits(p, day)
	return []any{
		Arg("saving", live[programmev1.Purpose_PURPOSE_SAVING]), Arg("profiled", live[programmev1.Purpose_PURPOSE_PROFILING]),
		Arg("marketed", live[programmev1.Purpose_PURPOSE_MARKETING]),
		Arg("imported", p.GetScoring().GetSource() == programmev1.ScoringSource_SCORING_SOURCE_IMPORTED),
		Arg("ranked", ranked(p.GetScoring())),
		Arg("basis", p.GetProfiling() != programmev1.Profiling_PROFILING_UNSPECIFIED),
		Arg("consent", p.GetProfiling() == programmev1.Profiling_PROFILING_CONSENT),
	}
}

// ranked reports whether a score goes by rank: a store cannot derive it from values.
func ranked(s *programmev1.Scoring) bool {
	for _, m := range []programmev1.ScoringMethod{s.GetRecencyMethod(), s.GetFrequencyMethod(), s.GetMonetaryMethod()} {
		if m == programmev1.ScoringMethod_SCORING_METHOD_UNSPECIFIED {
			m = s.GetMethod()
		}
		if m == programmev1.ScoringMethod_SCORING_METHOD_NTILE {
			return true
		}
	}
	return false
}

// scanPublished reads one row of the statement published.
func scanPublished(row Row, declared []*programmev1.TraitDeclaration) (PublishedAccount, error) {
	var id []byte
	var language, store, name, tier, segment, previous *string
	var objected, profiling, marketing, answers, minor, blocked, measured, given *bool
	var points, visits, spend, frequency, money, r, f, m *int64
	var first, last, changed, held, until, counts *time.Time
	var kept *string
	var groups, traits any
	var deep deepened
	err := row.Scan(append([]any{
		&id, &language, &store, &name, &groups, &objected, &profiling, &marketing, &answers, &minor, &blocked, &tier, &points,
		&measured, &first, &last, &frequency, &money, &visits, &spend, &previous, &changed, &held, &given, &segment, &r, &f, &m,
	}, append(deep.columns(), &traits, &kept, &until, &counts)...)...)
	if err != nil {
		return PublishedAccount{}, err
	}
	account := &customerv1.Account{
		State: customerv1.AccountState_ACCOUNT_STATE_ACTIVE, HomeStore: or(store), Language: or(language), FirstName: or(name),
		CustomerGroups: listOf(groups), Minor: or(minor),
		Loyalty: &customerv1.LoyaltyState{
			Balance: or(points), Tier: or(tier), QualifyingSpendMinor: or(spend), QualifyingVisits: or(visits),
			CountsUntilDay: dayOf(counts),
		},
		Consents: &customerv1.Consents{
			Objected: or(objected), Profiling: or(profiling), Marketing: or(marketing), LinkedAnswers: or(answers),
		},
	}
	if or(blocked) {
		account.State = customerv1.AccountState_ACCOUNT_STATE_BLOCKED
	}
	if or(measured) {
		account.Values = &customerv1.Values{
			LastReceiptDay: dayOf(last), FirstReceiptDay: dayOf(first), Frequency: or(frequency), MonetaryMinor: or(money),
		}
	}
	if or(measured) && previous != nil {
		account.Memory = &customerv1.Memory{PreviousSegment: *previous, ChangedDay: dayOf(changed), FallHeldUntilDay: dayOf(held)}
	}
	if or(given) {
		account.Imported = &customerv1.ImportedScores{Segment: or(segment), R: int32(or(r)), F: int32(or(f)), M: int32(or(m))}
	}
	account.Traits = published(traits, declared)
	account.Predictions, account.Picture = deep.predictions(), deep.picture()
	return PublishedAccount{ID: [16]byte(id), Account: account, KeptTier: or(kept), KeptUntilDay: dayOf(until)}, nil
}

// or is a value, its zero when there is none.
func or[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

// listOf reads a list of words.
func listOf(list any) []string {
	items, _ := list.([]any)
	var all []string
	for _, item := range items {
		if s, ok := item.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// dayOf is a date as days since 1970-01-01, 0 when there is none.
func dayOf(t *time.Time) int32 {
	if t == nil {
		return 0
	}
	return int32(t.Unix() / 86400)
}
