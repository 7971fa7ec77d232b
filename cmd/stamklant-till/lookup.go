package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/stamklant/stamklant/api/tillclient"
	tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"
)

type lookupCommand struct {
	Card   string   `arg:"" help:"What was scanned or typed: a card, a phone number, …"`
	Basket []string `help:"A line of the open basket, sku:group:quantity:price; once for each line." sep:"none" placeholder:"LINE"`
	Stage  string   `help:"Where in the sale: classify, start, customer-changed, basket-changed, payment. Left out: start, or payment with a basket." enum:"classify,start,customer-changed,basket-changed,payment," default:""`
	JSON   bool     `name:"json" help:"Print the whole answer as JSON."`
}

// Run asks and prints the answer.
func (c *lookupCommand) Run(s *session) (err error) {
	lines, err := parseLines(c.Basket)
	if err != nil {
		return err
	}
	client, err := s.open("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	request := tillclient.Keyed(c.Card)
	if len(lines) > 0 {
		request.Basket = &tillv1.Basket{Lines: lines}
	}
	request.Stage = stageOf(c.Stage, len(lines) > 0)
	answer := client.NewSale().Lookup(s.ctx, request)
	switch {
	case answer.Offline:
		s.exitCode = exitOffline
	case !isCustomer(answer.GetOutcome()):
		s.exitCode = exitNoCustomer
	}
	if c.JSON {
		return s.printJSON(answer.LookupResponse, answer.Why)
	}
	s.showAnswer(answer)
	return nil
}

// inWords says why there is no answer, without gRPC's own words around it.
func inWords(err error) string {
	st, ok := status.FromError(err)
	switch {
	case !ok:
		return strings.TrimPrefix(err.Error(), "tillclient: ")
	case st.Code() == codes.DeadlineExceeded:
		return "no server answered in time"
	default:
		return st.Message()
	}
}

// stageOf returns the stage by its name; without one, what the basket suggests.
func stageOf(name string, basket bool) tillv1.Stage {
	switch {
	case name != "":
		return tillv1.Stage(tillv1.Stage_value["STAGE_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))])
	case basket:
		return tillv1.Stage_STAGE_PAYMENT
	default:
		return tillv1.Stage_STAGE_START
	}
}

// printJSON prints a message; why there is no better one goes to standard error.
func (s *session) printJSON(m proto.Message, why error) error {
	if why != nil {
		fmt.Fprintf(s.errors, "stamklant-till: %v\n", why)
	}
	text, err := protojson.MarshalOptions{Multiline: true, Indent: "  "}.Marshal(m)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out.w, "%s\n", text)
	return nil
}

// showAnswer draws what cashier, customer and printer get.
func (s *session) showAnswer(a tillclient.Answer) {
	p := s.out
	if a.Offline {
		p.title(yellow, "no answer", "a till goes on without", took(a.Took))
	} else {
		p.title(outcomeColour(a.GetOutcome()), word(a.GetOutcome(), "OUTCOME_"), headline(a.GetLoyalty()), serverAndTime(a.GetMeta(), a.Took))
	}
	p.gap()
	p.row("Cashier", a.GetStaff().GetLines()...)
	s.showDisplay(a.GetCustomerDisplay())
	p.paper("Receipt", int(s.till.Printer), a.GetReceipt().GetLines())
	s.showStaffFacts(a.LookupResponse)
	for i, choice := range a.GetChoices() {
		p.row([]string{"Which one", ""}[min(i, 1)], choice.GetMasked()+"  "+p.in(dim, choice.GetAccountRef()))
	}
	if a.Why != nil {
		p.row("Why", p.in(dim, inWords(a.Why)))
	}
	p.gap()
}

// showDisplay draws the customer display in the size the flags say.
func (s *session) showDisplay(block *tillv1.TextBlock) {
	var lines, columns int
	_, _ = fmt.Sscanf(s.till.Display, "%dx%d", &lines, &columns) // it was read before
	s.out.display(block, lines, columns)
}

// showStaffFacts draws what only staff may see.
func (s *session) showStaffFacts(a *tillv1.LookupResponse) {
	p := s.out
	if segment := a.GetSegment(); segment != nil {
		p.row("Segment", strings.TrimSpace(segment.GetName()+"  "+p.in(dim, segment.GetHint())))
	}
	for i, e := range a.GetEntitlements() {
		right := e.GetName()
		if e.GetBasisPoints() > 0 {
			right += "  " + percent(e.GetBasisPoints())
		}
		p.row([]string{"Rights", ""}[min(i, 1)], right)
	}
	if l := a.GetLoyalty(); l.GetExpiringPoints() > 0 {
		p.row("Expiring", fmt.Sprintf("%s points on %s", thousands(l.GetExpiringPoints()), l.GetExpiringOn()))
	}
	if a.EstimatedPoints != nil {
		p.row("Earns", fmt.Sprintf("%+d points with this basket", a.GetEstimatedPoints()))
	}
	s.showSuggestion(a.GetSuggestion())
	if a.GetAccountRef() != "" {
		p.row("Account", p.in(dim, a.GetAccountRef()))
	}
}

// showSuggestion draws what is suggested and why.
func (s *session) showSuggestion(suggestion *tillv1.Suggestion) {
	p := s.out
	switch kind := suggestion.GetKind().(type) {
	case *tillv1.Suggestion_Offer:
		what := suggestion.GetCampaign()
		if code := kind.Offer.GetTillCode(); code != "" {
			what += "  till code " + code
		}
		p.row("Offer", what)
		for _, d := range kind.Offer.GetLineDiscounts() {
			p.row("", fmt.Sprintf("line %d  −%s  %s", d.GetLine(), money(d.GetAmountMinor()), d.GetWhy()))
		}
	case *tillv1.Suggestion_Survey:
		p.row("Survey", fmt.Sprintf("%s  %d to %d", suggestion.GetCampaign(), kind.Survey.GetLowest(), kind.Survey.GetHighest()))
	case *tillv1.Suggestion_Prompt:
		p.row("Prompt", strings.TrimSpace(suggestion.GetCampaign()+"  "+kind.Prompt.GetAbout()))
	}
	if reasons := suggestion.GetReasons(); len(reasons) > 0 {
		p.row("Because", p.in(dim, strings.Join(reasons, ", ")))
	}
}

// headline is status and points in a few words.
func headline(l *tillv1.Loyalty) string {
	if l == nil {
		return ""
	}
	text := thousands(l.GetPointsAvailable()) + " points"
	if name := l.GetTierName(); name != "" {
		text = name + " · " + text
	}
	if l.GetProvisional() {
		text += " (provisional)"
	}
	return text
}

// serverAndTime says where the answer comes from, and whether it is an old one.
func serverAndTime(m *tillv1.Meta, waited time.Duration) string {
	text := m.GetServer() + " · " + took(waited)
	if m.GetStale() {
		text = "STALE · " + text
	}
	return strings.TrimPrefix(text, " · ")
}

// took writes a duration with as many digits as matter.
func took(d time.Duration) string {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// percent writes basis points.
func percent(basisPoints int32) string {
	if basisPoints%100 == 0 {
		return fmt.Sprintf("%d%%", basisPoints/100)
	}
	return fmt.Sprintf("%d.%02d%%", basisPoints/100, basisPoints%100)
}
