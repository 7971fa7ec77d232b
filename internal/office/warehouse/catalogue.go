package warehouse

import (
	"context"
	"fmt"
	"strings"
)

// catalogue is a list with one row per thing that has a code: an article, a store.
type catalogue struct {
	table  string
	key    string // the field that is the code
	fields []catalogueField
	typed  []problem // what may be wrong with the values of a row
}

// catalogueField is one more field of such a thing, in the order of the table.
type catalogueField struct{ name, column string }

// catalogues are the lists of this kind.
var catalogues = map[List]catalogue{
	Articles: {
		table: "articles", key: "sku",
		fields: []catalogueField{
			{"name", "name"},
			{"group", "group_code"},
			{"brand", "brand"},
			{"cost", "cost"},
			{"margin_percent", "margin_percent"},
			{"new_since", "new_since"},
			{"pack_days", "pack_days"},
		},
		typed: []problem{
			{"cost < 0", "the cost is below zero"},
			{"margin_percent > 100", "the margin is more than all of the price"},
			{"pack_days < 1 or pack_days > 3650", "pack_days does not lie between 1 and 3650"},
		},
	},
	Stores: {
		table: "stores", key: "store",
		fields: []catalogueField{
			{"name", "name"}, {"owner", "owner"}, {"region", "region"}, {"country", "country"}, {"languages", "languages"}, {"hours", "hours"},
		},
		typed: []problem{
			{"length(key) > 32", "the store's code is longer than 32 characters"},
			{"not regexp_full_match(country, '[A-Z]{2}')", "the country is not a code of two letters"},
		},
	},
	Vouchers: {
		table: "vouchers", key: "code",
		fields: []catalogueField{
			{"store", "store"},
			{"campaign", "campaign"},
			{"percent", "percent"},
			{"amount", "amount"},
			{"at_most", "at_most"},
			{"spend_at_least", "spend_at_least"},
			{"groups", "groups"},
			{"valid_from", "valid_from"},
			{"valid_until", "valid_until"},
			{"till_code", "till_code"},
		},
		typed: []problem{
			{"store is null", "the store where it can be used is empty"},
			{"length(store) > 32", "the store's code is longer than 32 characters"},
			{"(percent is null) = (amount is null)", "it says neither percent nor amount, or both"},
			{"percent <= 0 or percent > 100 or percent * 100 <> trunc(percent * 100)", "percent does not lie between 0.01 and 100, or has more than two decimals"},
			{"amount <= 0 or amount > 1000000", "the amount does not lie between 0 and a million"},
			{"at_most <= 0 or at_most > 1000000 or spend_at_least < 0 or spend_at_least > 1000000", "at_most or spend_at_least does not lie between 0 and a million"},
			{"valid_until is null", "the last day is empty"},
			{"valid_from > valid_until", "it ends before it begins"},
			{"length(campaign) > 60", "the campaign's code is longer than 60 characters"},
			{"length(till_code) > 40", "the till's code is longer than 40 characters"},
			{"len(groups) > 100", "more than 100 product groups"},
		},
	},
}

// CatalogueTotals are the totals of a list of articles, stores or vouchers.
type CatalogueTotals struct {
	// Entries are rows that could be read.
	Entries int64
	// Fields says for how many each field of the mapping has a value, by name.
	Fields map[string]int64
	// New are those no list told of before; Changed are known ones of which this list says something else; Same are the rest.
	New, Changed, Same int64
}

// catalogue takes in a list of articles, stores or vouchers. What a field's mapping does not name stays as it was.
func (r *importRun) catalogue(ctx context.Context, report *ImportReport) error {
	c := catalogues[r.List]
	e := expressions{mapping: r.Mapping, header: r.source.header}
	if err := r.read(ctx, func(reader string) string { return e.catalogueRow(c, reader) }); err != nil {
		return err
	}
	var err error
	if report.Rows, err = r.rows(ctx); err != nil {
		return err
	}
	if err := r.exec(ctx, "catalogue_doubles"); err != nil {
		return err
	}
	if r.List == Vouchers {
		if err := r.recogniseVouchers(ctx); err != nil {
			return err
		}
	}
	t := &CatalogueTotals{Fields: map[string]int64{}}
	report.Catalogue = t
	for _, f := range c.fields {
		if !e.has(f.name) {
			continue
		}
		var n int64
		if err := r.tx.One(ctx, "select count("+f.column+") from temp.main.parsed where problem is null and skip is null", nil, &n); err != nil {
			return err
		}
		t.Fields[f.name] = n
	}
	if err := r.tx.One(ctx, "select count(*) from temp.main.parsed where problem is null and skip is null", nil, &t.Entries); err != nil {
		return err
	}
	if err := r.reject(ctx, report); err != nil {
		return err
	}
	return r.keepCatalogue(ctx, e, c, t)
}

// keepCatalogue writes the list into its table; a dry run is undone afterwards.
func (r *importRun) keepCatalogue(ctx context.Context, e expressions, c catalogue, t *CatalogueTotals) error {
	changed, fields := []string{"false"}, make([]string, len(c.fields))
	for i, f := range c.fields {
		from := "known"
		if e.has(f.name) {
			from = "parsed"
			changed = append(changed, fmt.Sprintf("parsed.%[1]s is distinct from known.%[1]s", f.column))
		}
		fields[i] = from + "." + f.column
	}
	fill := strings.NewReplacer("/*table*/", c.table, "/*key*/", c.key, "/*changed*/", strings.Join(changed, " or "), "/*fields*/", strings.Join(fields, ", "))
	if _, err := r.tx.Exec(ctx, fill.Replace(statement("catalogue_stage"))); err != nil {
		return fmt.Errorf("catalogue_stage: %w", err)
	}
	err := r.tx.One(ctx, `select count(*) filter (fresh), count(*) filter (changed), count(*) filter (not changed and not fresh) from temp.main.staged`,
		nil, &t.New, &t.Changed, &t.Same)
	if err != nil {
		return err
	}
	if _, err := r.tx.Exec(ctx, fill.Replace(statement("catalogue_replace"))); err != nil {
		return fmt.Errorf("catalogue_replace: %w", err)
	}
	return nil
}

// catalogueRow is the SQL that makes one row of the temporary table `parsed` of one row of a file.
func (e expressions) catalogueRow(c catalogue, reader string) string {
	complaints := []problem{{e.text(c.key) + " is null", "the " + c.key + " is empty"}}
	values, names := make([]string, len(c.fields)), make([]string, len(c.fields))
	for i, f := range c.fields {
		value, complaint := e.catalogueValue(f.name)
		if e.has(f.name) && complaint != "" {
			complaints = append(complaints, problem{e.text(f.name) + " is not null and " + value + " is null", complaint})
		}
		values[i], names[i] = value+" as "+f.column, f.column
	}
	return fmt.Sprintf(`
with typed as (
    select %[1]s as skip, %[2]s as key, %[3]s, %[4]s as complaint, [%[5]s] as raw
    from %[6]s
)
select case when skip is null then coalesce(complaint, %[7]s) end as problem,
    case when skip is null and problem is not null then raw end as raw, skip, key, %[8]s
from typed`,
		e.skip(), e.text(c.key), strings.Join(values, ", "), firstOf(complaints), e.raw(), reader, firstOf(c.typed), strings.Join(names, ", "))
}

// catalogueValue is one field as its table keeps it, and what to say when a text cannot be read so; empty where any text will do.
func (e expressions) catalogueValue(name string) (value, complaint string) {
	switch listFields[e.mapping.list][name] {
	case numberField:
		return "(" + e.number(e.text(name), "decimal(18, 4)") + ")", name + " is not a number"
	case wholeField:
		number := e.number(e.text(name), "decimal(18, 4)")
		return fmt.Sprintf("(case when %[1]s = trunc(%[1]s) then %[1]s end)::bigint", number), name + " is not a whole number"
	case timeField:
		return "(" + e.moment(name) + ")::date", name + " is not a date as the mapping writes them"
	case wordsField:
		return e.words(name), ""
	default:
		if name == "country" {
			return "upper(" + e.text(name) + ")", ""
		}
		return e.text(name), ""
	}
}
