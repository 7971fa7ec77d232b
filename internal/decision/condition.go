package decision

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
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
type condition struct {
	program cel.Program
	asks    []asked // what it reads of a customer's predictions and picture
}

// conditions compiles the further conditions of one programme's campaigns.
type conditions struct {
	programme *programmev1.Programme
	env       *cel.Env
	table     map[string]variable
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
	return &condition{program: program, asks: c.asks(checked.NativeRep())}, nil
}

// asks is what a condition reads of a customer's predictions and picture.
func (c *conditions) asks(checked *ast.AST) []asked {
	var all []asked
	ast.PreOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if name := checked.ReferenceMap()[e.ID()]; name != nil && c.table[name.Name].asks.field != "" {
			all = append(all, c.table[name.Name].asks)
		}
	}))
	return all
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
