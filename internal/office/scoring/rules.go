package scoring

import (
	"fmt"

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
}

// dimension is how one value becomes a score.
type dimension struct {
	column string // of the table measured
	method programmev1.ScoringMethod
	fixed  []int64 // the retailer's own cut points
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
		{"recency_days", s.GetRecencyMethod(), s.GetRecencyCuts()},
		{"frequency", s.GetFrequencyMethod(), s.GetFrequencyCuts()},
		{"monetary_minor", s.GetMonetaryMethod(), s.GetMonetaryCuts()},
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
