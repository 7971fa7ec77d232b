package main

import (
	"path/filepath"

	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	"github.com/stamklant/stamklant/internal/office"
)

// A job runs inside `stamklant-office serve` when one runs on the data folder, and in this process otherwise: same words, same result.

type importCommand struct {
	Receipts  importReceipts  `cmd:"" help:"Receipts with their lines."`
	Customers importCustomers `cmd:"" help:"Customers: cards, groups, consents; and scores, tiers, points where they come from elsewhere."`
	Articles  importArticles  `cmd:"" help:"Articles: group, brand, cost or margin, new since, how long a pack lasts."`
	Stores    importStores    `cmd:"" help:"Stores: owner, region, country, languages, hours."`
	Vouchers  importVouchers  `cmd:"" help:"Vouchers of an earlier system that are still open."`
}

type importReceipts struct {
	importList `embed:""`
}

type importCustomers struct {
	importList `embed:""`
}

type importArticles struct {
	importList `embed:""`
}

type importStores struct {
	importList `embed:""`
}

type importVouchers struct {
	importList `embed:""`
}

// Run imports articles.
func (c *importArticles) Run(s *session) error {
	return c.run(s, officev1.ListKind_LIST_KIND_ARTICLES)
}

// Run imports stores.
func (c *importStores) Run(s *session) error {
	return c.run(s, officev1.ListKind_LIST_KIND_STORES)
}

// Run imports vouchers.
func (c *importVouchers) Run(s *session) error {
	return c.run(s, officev1.ListKind_LIST_KIND_VOUCHERS)
}

type importList struct {
	Files    []string `arg:"" help:"CSV files, also .gz, or Parquet." type:"existingfile"`
	Mapping  string   `help:"How the columns are read." required:"" type:"existingfile" placeholder:"FILE"`
	DryRun   bool     `help:"Only count and add up; keep nothing."`
	Replace  bool     `help:"What is known with other content is replaced instead of rejected."`
	Rejected string   `help:"Where rejected rows go, with reason and row number." type:"path" placeholder:"FILE"`
}

// Run imports receipts.
func (c *importReceipts) Run(s *session) error {
	return c.run(s, officev1.ListKind_LIST_KIND_RECEIPTS)
}

// Run imports customers.
func (c *importCustomers) Run(s *session) error {
	return c.run(s, officev1.ListKind_LIST_KIND_CUSTOMERS)
}

func (l *importList) run(s *session, list officev1.ListKind) error {
	files := make([]string, len(l.Files))
	for i, file := range l.Files {
		files[i] = absolute(file)
	}
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Import{Import: &officev1.ImportJob{
		List: list, Files: files, Mapping: absolute(l.Mapping), DryRun: l.DryRun, Replace: l.Replace, Rejected: l.Rejected,
	}}}, s.terminal)
}

type scoreCommand struct {
	AsOf      string `help:"The day to score as of, both ends of the window included. Yesterday when left out." placeholder:"YYYY-MM-DD"`
	Programme string `help:"The programme, when it is not the one in the data folder." type:"path" placeholder:"FILE"`
	Draft     string `help:"Only say who would move under this programme, and keep nothing." type:"existingpath" placeholder:"FILE"`
	Report    string `help:"Write a page about the run, for any browser and for paper." type:"path" placeholder:"FILE.html"`
}

// Run scores.
func (c *scoreCommand) Run(s *session) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Score{Score: &officev1.ScoreJob{
		AsOf: c.AsOf, Programme: c.Programme, Report: c.Report, Draft: c.Draft,
	}}}, s.terminal)
}

type insightCommand struct {
	Since     string `help:"Who moved since this day; since the scoring run before, when left out." placeholder:"YYYY-MM-DD"`
	Top       int32  `help:"How many customers are named where some are." default:"10" placeholder:"N"`
	Programme string `help:"The programme, when it is not the one in the data folder." type:"path" placeholder:"FILE"`
}

// Run tells.
func (c *insightCommand) Run(s *session) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Insight{Insight: &officev1.InsightJob{
		Since: c.Since, Top: c.Top, Programme: c.Programme,
	}}}, s.terminal)
}

type publishCommand struct {
	Programme string `help:"The programme, when it is not the one in the data folder." type:"path" placeholder:"FILE"`
	Target    string `help:"The folder bundles go to, when it is not the one in the data folder." type:"path" placeholder:"DIR"`
}

// Run publishes.
func (c *publishCommand) Run(s *session) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Publish{Publish: &officev1.PublishJob{
		Programme: c.Programme, Target: c.Target,
	}}}, s.terminal)
}

type dailyCommand struct {
	AsOf                 string   `help:"The day that is closed. Yesterday when left out." placeholder:"YYYY-MM-DD"`
	AcceptEmptyDay       bool     `help:"Go on although the day has no receipts, or next to none."`
	AcceptTenfoldDay     bool     `help:"Go on although a day has many times the receipts or the turnover it usually has."`
	AcceptMissingStore   []string `help:"Go on although these stores have no receipts." placeholder:"s01,s02"`
	AcceptFewerCustomers bool     `help:"Go on although far fewer customers are scored than in the run before."`
}

// Help is what --help adds.
func (c *dailyCommand) Help() string {
	return "The files in incoming/ are read as daily.yaml in the data folder says; a day is held against the same weekday of the last four weeks.\n\n" + office.ExitCodes
}

// Run does the night's work.
func (c *dailyCommand) Run(s *session) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Daily{Daily: &officev1.DailyJob{
		AsOf: c.AsOf, AcceptEmptyDay: c.AcceptEmptyDay, AcceptTenfoldDay: c.AcceptTenfoldDay, AcceptMissingStores: c.AcceptMissingStore,
		AcceptFewerCustomers: c.AcceptFewerCustomers,
	}}}, s.terminal)
}

type runsCommand struct {
	Limit int32 `help:"How many, the newest first." default:"20"`
}

// Run lists daily runs.
func (c *runsCommand) Run(s *session) error {
	return office.ListRuns(s.ctx, s.home, c.Limit, s.terminal)
}

type exportCommand struct {
	Scores   exportScores   `cmd:"" help:"One row per scored account: values, scores, segment."`
	Details  exportDetails  `cmd:"" help:"E-mail addresses, phone numbers and addresses that customers gave at tills, opened."`
	Ledger   exportLedger   `cmd:"" help:"Every booking of points that counts, with the cards of whose account it is on; then those that wait for a card."`
	Receipts exportReceipts `cmd:"" help:"Every receipt that stores delivered, once: key, kind, total, whose."`
	Coupons  exportCoupons  `cmd:"" help:"Every coupon that stores gave, and whether it was used."`
	Outcomes exportOutcomes `cmd:"" help:"Every answer or correction that came after its receipt, once."`
	Answers  exportAnswers  `cmd:"" help:"Every answer to a question, once: what was asked, what was answered; whose, where the customer agreed to that."`
}

type exportCoupons struct {
	File string `arg:"" help:"The CSV file to write; its owner alone can read it." type:"path"`
}

// Run exports.
func (c *exportCoupons) Run(s *session) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Export{Export: &officev1.ExportJob{
		What: officev1.ExportKind_EXPORT_KIND_COUPONS, File: c.File,
	}}}, s.terminal)
}

type exportOutcomes struct {
	File string `arg:"" help:"The CSV file to write; its owner alone can read it." type:"path"`
}

// Run exports.
func (c *exportOutcomes) Run(s *session) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Export{Export: &officev1.ExportJob{
		What: officev1.ExportKind_EXPORT_KIND_OUTCOMES, File: c.File,
	}}}, s.terminal)
}

type exportAnswers struct {
	File string `arg:"" help:"The CSV file to write; its owner alone can read it." type:"path"`
}

// Run exports.
func (c *exportAnswers) Run(s *session) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Export{Export: &officev1.ExportJob{
		What: officev1.ExportKind_EXPORT_KIND_ANSWERS, File: c.File,
	}}}, s.terminal)
}

type exportLedger struct {
	File string `arg:"" help:"The CSV file to write; its owner alone can read it." type:"path"`
}

// Run exports.
func (c *exportLedger) Run(s *session) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Export{Export: &officev1.ExportJob{
		What: officev1.ExportKind_EXPORT_KIND_LEDGER, File: c.File,
	}}}, s.terminal)
}

type exportReceipts struct {
	File string `arg:"" help:"The CSV file to write; its owner alone can read it." type:"path"`
}

// Run exports.
func (c *exportReceipts) Run(s *session) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Export{Export: &officev1.ExportJob{
		What: officev1.ExportKind_EXPORT_KIND_RECEIPTS, File: c.File,
	}}}, s.terminal)
}

type exportDetails struct {
	File string `arg:"" help:"The CSV file to write; its owner alone can read it." type:"path"`
}

// Run exports.
func (c *exportDetails) Run(s *session) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Export{Export: &officev1.ExportJob{
		What: officev1.ExportKind_EXPORT_KIND_DETAILS, File: c.File,
	}}}, s.terminal)
}

type exportScores struct {
	File string `arg:"" help:"The CSV file to write." type:"path"`
}

// Run exports.
func (c *exportScores) Run(s *session) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Export{Export: &officev1.ExportJob{
		What: officev1.ExportKind_EXPORT_KIND_SCORES, File: c.File,
	}}}, s.terminal)
}

func absolute(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return abs
}
