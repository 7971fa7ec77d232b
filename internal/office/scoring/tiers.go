package scoring

import (
	"context"
	"fmt"
	"strings"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/warehouse"
)

// tiers finds which tier each account's purchases keep it in, and until when if nothing more is bought: the tier's own days of grace included.
// What counts on a day is what was bought in the twelve months (or as many as are scored) up to it.
func (r *runner) tiers(ctx context.Context) error {
	if _, err := r.tx.Exec(ctx, `create temp table tier_rules
		(place integer, tier varchar, unit varchar, threshold bigint, segment varchar, keep integer)`); err != nil {
		return err
	}
	if err := r.tx.Append(ctx, "tier_rules", r.tierRules); err != nil {
		return err
	}
	unit := "1" + strings.Repeat("0", max(0, amountDecimals-int(r.rules.decimals)))
	fill := strings.NewReplacer("/*gone*/", r.gone(), "/*unit*/", unit)
	if _, err := r.tx.Exec(ctx, fill.Replace(statement("tiers")), warehouse.Arg("as_of", r.asOf), warehouse.Arg("currency", r.rules.currency)); err != nil {
		return err
	}
	_, err := r.tx.Exec(ctx, "drop table temp.main.tier_rules")
	return err
}

// gone is the SQL of the first day on which what was bought on a day no longer counts. A window of m months up to D begins on D − m months + 1 day,
// the end of a short month standing for the days it lacks; so that is the first D whose D − m months is not before the day.
func (r *runner) gone() string {
	if r.rules.all {
		return "null::date"
	}
	later := fmt.Sprintf("(business_date + interval %d month)::date", r.rules.months)
	return fmt.Sprintf("case when (%s - interval %d month)::date >= business_date then %s else %s + 1 end", later, r.rules.months, later, later)
}

// tierRules yields the ways to reach a tier as rows.
func (r *runner) tierRules(yield func([]any, error) bool) {
	for place, tier := range r.ladder {
		for _, rule := range tier.GetReachAny() {
			rows := [][]any{}
			row := func(unit string, threshold int64, segment any) {
				rows = append(rows, []any{int32(place), tier.GetCode(), unit, threshold, segment, tier.GetKeepDays()})
			}
			switch rule := rule.GetRule().(type) {
			case *programmev1.TierRule_Spend:
				row("spend", rule.Spend, nil)
			case *programmev1.TierRule_Visits:
				row("visits", rule.Visits, nil)
			case *programmev1.TierRule_Segments:
				for _, segment := range rule.Segments.GetAny() {
					row("segment", 0, segment)
				}
			}
			for _, one := range rows {
				if !yield(one, nil) {
					return
				}
			}
		}
	}
}
