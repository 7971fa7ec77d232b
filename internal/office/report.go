package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/office/insight"
	"github.com/stamklant/stamklant/internal/office/report"
	"github.com/stamklant/stamklant/internal/office/scoring"
)

// look gathers what is told of a run, the newest, in words and on a page.
func (o *Office) look(ctx context.Context, p *programmev1.Programme, run *scoring.Run) (report.Input, error) {
	overview, err := scoring.Look(ctx, o.warehouse, run)
	if err != nil {
		return report.Input{}, err
	}
	var health []insight.Health
	if !run.Imported {
		if health, err = insight.Segments(ctx, o.warehouse); err != nil {
			return report.Input{}, err
		}
	}
	s := p.GetScoring()
	in := report.Input{
		Run: run, Overview: overview, Health: health, Chain: p.GetChain(), Language: p.GetLanguages()[0], Currency: p.GetCurrency(), Decimals: p.GetCurrencyDecimals(),
		Names: map[string]string{}, Visits: s.GetFrequency() != programmev1.FrequencyCounts_FREQUENCY_COUNTS_RECEIPTS,
	}
	for i, method := range []programmev1.ScoringMethod{s.GetRecencyMethod(), s.GetFrequencyMethod(), s.GetMonetaryMethod()} {
		if method == programmev1.ScoringMethod_SCORING_METHOD_UNSPECIFIED {
			method = s.GetMethod()
		}
		in.Ranked[i] = method == programmev1.ScoringMethod_SCORING_METHOD_NTILE
	}
	for _, one := range p.GetSegments() {
		for _, text := range one.GetName() {
			if text.GetLanguage() == in.Language {
				in.Names[one.GetCode()] = text.GetText()
			}
		}
	}
	return in, nil
}

// writeReport puts the page in place whole, or not at all.
func writeReport(path string, in report.Input) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	next := path + ".new"
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := errors.Join(report.Write(file, in), file.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// printSentences prints what matters most, in plain sentences.
func printSentences(to io.Writer, in report.Input) {
	for i, sentence := range report.Sentences(in) {
		if i == 0 {
			fmt.Fprintln(to)
		}
		fmt.Fprintln(to, sentence)
	}
}
