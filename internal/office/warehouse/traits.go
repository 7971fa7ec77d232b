package warehouse

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// traitName is what a programme may declare.
var traitName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// traits reads which column tells which trait.
func (r *mappingReader) traits(n *yaml.Node) {
	if !r.plain(n) || n.Kind != yaml.MappingNode {
		r.wrong(n, "traits is written as `name: column`, one line each")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch _, twice := r.mapping.traits[key.Value]; {
		case !traitName.MatchString(key.Value):
			r.wrong(key, "a trait is called by lower-case letters, digits and _, as the programme declares it")
		case twice:
			r.wrong(key, "`%s` stands here twice: keep one", key.Value)
		default:
			r.mapping.traits[key.Value] = r.name(value, key.Value)
		}
	}
}

// traits is the SQL of a customer's traits, in the order of their names.
func (e expressions) traits() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(e.mapping.traits)) {
		text := e.column(e.mapping.traits[name])
		number := e.number(text, "decimal(18, 4)")
		all = append(all, fmt.Sprintf("{'name': %s, 'word': %s, 'yes': case when lower(%s) in (%s) then true when lower(%s) in (%s) then false end, "+
			"'number': (case when %[7]s = trunc(%[7]s) then %[7]s end)::bigint}",
			quote(name), text, text, quoteAll(e.mapping.words.yes), text, quoteAll(e.mapping.words.no), number))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// liveTraits are the declared traits that a campaign uses which has not ended on a day (days since 1970-01-01; 0 when no day is known), by what
// they were given for, with commas between.
func liveTraits(p *programmev1.Programme, day int32) map[programmev1.Purpose]string {
	used := map[string]bool{}
	for _, c := range p.GetCampaigns() {
		if until := c.GetRuns().GetUntil(); until != 0 && until < day {
			continue
		}
		for _, name := range c.GetWhen().GetTraits() {
			used[name] = true
		}
		for _, found := range traitVariable.FindAllStringSubmatch(c.GetWhen().GetAlso(), -1) {
			used[found[1]] = true
		}
	}
	live := map[programmev1.Purpose]string{}
	for _, t := range p.GetTraits() {
		if used[t.GetName()] {
			live[t.GetPurpose()] += "," + t.GetName()
		}
	}
	return live
}

// traitVariable is a trait in a condition.
var traitVariable = regexp.MustCompile(`\btrait\s*\.\s*([a-z][a-z0-9_]*)`)

// published are an account's traits as their declarations type them; what cannot be read so is left out.
func published(list any, declared []*programmev1.TraitDeclaration) []*customerv1.Trait {
	items, _ := list.([]any)
	var all []*customerv1.Trait
	for _, item := range items {
		fields, _ := item.(map[string]any)
		name, _ := fields["name"].(string)
		i := slices.IndexFunc(declared, func(t *programmev1.TraitDeclaration) bool { return t.GetName() == name })
		if i < 0 {
			continue
		}
		word, _ := fields["word"].(string)
		yes, isYesNo := fields["yes"].(bool)
		number, isNumber := fields["number"].(int64)
		switch t := declared[i].GetType(); {
		case t == programmev1.TraitType_TRAIT_TYPE_YES_NO && isYesNo:
			all = append(all, &customerv1.Trait{Name: name, Value: &customerv1.Trait_Yes{Yes: yes}})
		case t == programmev1.TraitType_TRAIT_TYPE_NUMBER && isNumber:
			all = append(all, &customerv1.Trait{Name: name, Value: &customerv1.Trait_Number{Number: number}})
		case t == programmev1.TraitType_TRAIT_TYPE_WORD:
			all = append(all, &customerv1.Trait{Name: name, Value: &customerv1.Trait_Word{Word: word}})
		}
	}
	return all
}
