package scoring

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/segment"
)

// rules are the programme's scoring with all that is left out filled in.
type rules struct {
	imported bool
	months   int32
	all      bool // all receipts count, else those of the months
	byTime   bool // recency counts 24 hours from the time, else days from the date
	scores   int
	visits   bool // frequency counts visits, else receipts
	net      bool // money less what came back
	remove   bool // a visit whose receipt came back whole goes
	leaveOut []string
	basis    string // none, consent, interest
	currency string
	decimals int32
	settings string
	dims     [3]dimension // recency, frequency, money
	delay    int32        // days before a fall counts
	// Patterns of the sensitive product groups, as SQL's LIKE takes them.
	sensitive   []string
	predictions bool // the models foretell visits and value
	picture     bool // a picture is made of what customers like to buy
	groups      []*programmev1.ProductGroup
	hidden      []string // names of the sensitive ones
}

// dimension is how one value becomes a score.
type dimension struct {
	column string // of the table measured
	method programmev1.ScoringMethod
	fixed  []int64 // the retailer's own cut points
	drawn  int64   // share drawn in at each end, basis points
}

// bounds returns the places, from 0 in ascending order, whose values are the lowest and the highest that count among so many accounts.
func (d dimension) bounds(count int64) (low, high int64) {
	drawn := count * d.drawn / 10000
	return drawn, count - 1 - drawn
}

// ranked reports whether scores are given by ranks, which no cut points tell.
func (d dimension) ranked() bool { return d.method == programmev1.ScoringMethod_SCORING_METHOD_NTILE }

// rulesOf reads a programme's scoring. It returns ErrProgramme for fixed cut points that do not make the scores.
func rulesOf(p *programmev1.Programme) (rules, error) {
	s := p.GetScoring()
	r := rules{
		imported: s.GetSource() == programmev1.ScoringSource_SCORING_SOURCE_IMPORTED,
		months:   s.GetMonths(),
		all:      s.GetWindow() == programmev1.ScoringWindow_SCORING_WINDOW_ALL,
		byTime:   s.GetRecencyFrom() == programmev1.RecencyFrom_RECENCY_FROM_TIME,
		scores:   int(s.GetScores()),
		visits:   s.GetFrequency() != programmev1.FrequencyCounts_FREQUENCY_COUNTS_RECEIPTS,
		net:      s.GetMonetary() != programmev1.MonetaryBasis_MONETARY_BASIS_GROSS,
		remove:   s.GetFrequencyOnFullReturn() != programmev1.FullReturn_FULL_RETURN_KEEP,
		leaveOut: s.GetLeaveOut(),
		basis:    "none",
		currency: p.GetCurrency(),
		decimals: p.GetCurrencyDecimals(),
	}
	r.delay, r.sensitive = s.GetDaysBeforeAFall(), SensitivePatterns(p)
	r.groups, r.hidden = p.GetGroups(), p.GetSensitive()
	r.predictions = !r.imported && s.GetPredictions() != programmev1.OnOff_ON_OFF_OFF
	r.picture = !r.imported && s.GetPicture() != programmev1.OnOff_ON_OFF_OFF
	if r.months == 0 {
		r.months = segment.DefaultMonths
	}
	if r.scores == 0 {
		r.scores = segment.DefaultScores
	}
	switch p.GetProfiling() {
	case programmev1.Profiling_PROFILING_CONSENT:
		r.basis = "consent"
	case programmev1.Profiling_PROFILING_LEGITIMATE_INTEREST:
		r.basis = "interest"
	default: // without a basis everybody counts as one who objected
	}
	settings, err := protojson.Marshal(s)
	if err != nil {
		return rules{}, fmt.Errorf("%w: %w", ErrProgramme, err)
	}
	r.settings = string(settings)
	return r, r.readDimensions(s)
}

// readDimensions reads how each value becomes a score.
func (r *rules) readDimensions(s *programmev1.Scoring) error {
	r.dims = [3]dimension{
		{"recency_days", s.GetRecencyMethod(), s.GetRecencyCuts(), int64(s.GetWinsorise().GetRecency())},
		{"frequency", s.GetFrequencyMethod(), s.GetFrequencyCuts(), int64(s.GetWinsorise().GetFrequency())},
		{"monetary_minor", s.GetMonetaryMethod(), s.GetMonetaryCuts(), int64(s.GetWinsorise().GetMonetary())},
	}
	for i := range r.dims {
		d := &r.dims[i]
		if d.method == programmev1.ScoringMethod_SCORING_METHOD_UNSPECIFIED {
			d.method = s.GetMethod()
		}
		if d.method != programmev1.ScoringMethod_SCORING_METHOD_FIXED || r.imported {
			continue
		}
		if len(d.fixed) != r.scores-1 {
			return fmt.Errorf("%w: %d cut points make the %d scores of %s, and %d are given", ErrProgramme, r.scores-1, r.scores, d.column, len(d.fixed))
		}
		for k := 1; k < len(d.fixed); k++ {
			if d.fixed[k] < d.fixed[k-1] {
				return fmt.Errorf("%w: the cut points of %s fall from %d to %d: write them ascending", ErrProgramme, d.column, d.fixed[k-1], d.fixed[k])
			}
		}
	}
	return nil
}

// SensitivePatterns are the patterns of the product groups that change no score, as SQL takes them after LIKE with the escape character !: each
// star stands for any characters, all else for itself.
func SensitivePatterns(p *programmev1.Programme) []string {
	like := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_", "*", "%")
	var patterns []string
	for _, group := range p.GetGroups() {
		if !slices.Contains(p.GetSensitive(), group.GetName()) {
			continue
		}
		for _, written := range group.GetPatterns() {
			for _, pattern := range strings.Fields(written) {
				patterns = append(patterns, like.Replace(pattern))
			}
		}
	}
	return patterns
}
