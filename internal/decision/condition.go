package decision

import (
	"errors"
	"fmt"
	"regexp"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// maxNodes bounds a condition. There are no loops in it, so this also bounds what one evaluation costs.
const maxNodes = 200

// errTooLong, errType and errDouble are what can be wrong with a condition that CEL itself accepts.
var (
	errTooLong = fmt.Errorf("it has more than %d parts; write it as fields, or as two campaigns", maxNodes)
	errType    = errors.New("it is not a yes or no; compare with something")
	errDouble  = errors.New("it reckons with fractions; use whole numbers, money in cents")
)

// condition is a further condition, ready to evaluate.
type condition struct{ program cel.Program }

// conditions compiles the further conditions of one programme's campaigns.
type conditions struct {
	programme *programmev1.Programme
	env       *cel.Env
	table     map[string]variable
}

// variable is how one name of a condition gets its value.
type variable struct {
	of    *cel.Type
	value func(*look) ref.Val
}

// newConditions prepares for a programme. Nothing is built before a campaign has a further condition.
func newConditions(p *programmev1.Programme) *conditions {
	return &conditions{programme: p}
}

// compile prepares one condition; nil for none.
func (c *conditions) compile(source string) (*condition, error) {
	if source == "" {
		return nil, nil //nolint:nilnil // no condition is no error
	}
	if c.env == nil {
		if err := c.build(); err != nil {
			return nil, err
		}
	}
	checked, issues := c.env.Compile(source)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	if err := lawful(checked.NativeRep()); err != nil {
		return nil, err
	}
	if !checked.OutputType().IsExactType(cel.BoolType) {
		return nil, errType
	}
	program, err := c.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, err
	}
	return &condition{program: program}, nil
}

// build declares the variables of the programme.
func (c *conditions) build() error {
	c.table = variablesOf(c.programme)
	options := []cel.EnvOption{cel.ClearMacros(), cel.ParserRecursionLimit(maxNodes)}
	for name, v := range c.table {
		options = append(options, cel.Variable(name, v.of))
	}
	var err error
	c.env, err = cel.NewEnv(options...)
	return err
}

// lawful refuses what is too long and what reckons with fractions, which would differ from processor to processor.
func lawful(checked *ast.AST) error {
	nodes, fractions := 0, false
	ast.PreOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		nodes++
		fractions = fractions || checked.GetType(e.ID()).Kind() == types.DoubleKind
	}))
	switch {
	case nodes > maxNodes:
		return errTooLong
	case fractions:
		return errDouble
	}
	return nil
}

// also reports whether a further condition holds. One that cannot be evaluated does not.
func (l *look) also(c *condition) bool {
	value, _, err := c.program.Eval((*activation)(l))
	return err == nil && value == types.True
}

// activation hands a look's values to CEL by their full names, without a map of them.
type activation look

// ResolveName is the value of a variable.
func (a *activation) ResolveName(name string) (any, bool) {
	v, ok := a.p.variables[name]
	if !ok {
		return nil, false
	}
	return v.value((*look)(a)), true
}

// Parent is none.
func (*activation) Parent() interpreter.Activation { return nil }

// identifier is what CEL takes as a name.
var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// variablesOf is every name a condition may use.
func variablesOf(p *programmev1.Programme) map[string]variable {
	text := func(value func(*look) string) variable {
		return variable{cel.StringType, func(l *look) ref.Val { return types.String(value(l)) }}
	}
	number := func(value func(*look) int64) variable {
		return variable{cel.IntType, func(l *look) ref.Val { return types.Int(value(l)) }}
	}
	table := map[string]variable{
		"customer.segment":    text(func(l *look) string { return l.in.Segment }),
		"customer.tier":       text(func(l *look) string { return l.in.Tier }),
		"customer.home_store": text(func(l *look) string { return l.in.HomeStore }),
		"customer.points":     number(func(l *look) int64 { return l.in.PointsAvailable }),
		"customer.days_since_visit": number(func(l *look) int64 {
			if l.in.LastVisitDay == 0 {
				return -1
			}
			return int64(l.in.Day - l.in.LastVisitDay)
		}),
		"store":         text(func(l *look) string { return l.in.Store }),
		"weekday":       number(func(l *look) int64 { return int64(l.in.Weekday) }),
		"minute":        number(func(l *look) int64 { return int64(l.in.Minute) }),
		"basket.lines":  number(func(l *look) int64 { return int64(len(l.in.Lines)) }),
		"basket.spend":  number(func(l *look) int64 { return l.whole().spend }),
		"basket.pieces": number(func(l *look) int64 { return l.whole().milli / 1000 }),
		"basket.open":   {cel.BoolType, func(l *look) ref.Val { return types.Bool(len(l.in.Lines) > 0) }},
		"stage.payment": {cel.BoolType, func(l *look) ref.Val { return types.Bool(l.in.Stage == Payment) }},
	}
	for _, trait := range p.GetTraits() {
		if identifier.MatchString(trait.GetName()) {
			table["trait."+trait.GetName()] = traitVariable(trait)
		}
	}
	for i, group := range p.GetGroups() {
		if identifier.MatchString(group.GetName()) {
			table["group."+group.GetName()+".spend"] = number(func(l *look) int64 { return l.group(i).spend })
			table["group."+group.GetName()+".pieces"] = number(func(l *look) int64 { return l.group(i).milli / 1000 })
		}
	}
	return table
}

// traitVariable is a declared trait; what is not known about a customer is no, 0 or empty.
func traitVariable(t *programmev1.TraitDeclaration) variable {
	name := t.GetName()
	switch t.GetType() {
	case programmev1.TraitType_TRAIT_TYPE_NUMBER:
		return variable{cel.IntType, func(l *look) ref.Val { return types.Int(l.trait(name).GetNumber()) }}
	case programmev1.TraitType_TRAIT_TYPE_WORD:
		return variable{cel.StringType, func(l *look) ref.Val { return types.String(l.trait(name).GetWord()) }}
	default:
		return variable{cel.BoolType, func(l *look) ref.Val { return types.Bool(l.trait(name).GetYes()) }}
	}
}
