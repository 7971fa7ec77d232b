package main

import (
	officev1 "github.com/stamklant/stamklant/gen/stamklant/office/v1"
	"github.com/stamklant/stamklant/internal/office"
)

// Urgent words go to all stores at once, without a release.

// subjectFlags name one customer.
type subjectFlags struct {
	Card     string `help:"A card, phone or e-mail, as it is scanned or typed." xor:"who" required:"" placeholder:"CARD"`
	Customer string `help:"The shop's own customer number." xor:"who" required:"" placeholder:"NUMBER"`
	Account  string `help:"The account, as tills and lists show it." xor:"who" required:"" placeholder:"REF"`
}

func subjectOf(card, customer, account string) *officev1.Subject {
	switch {
	case card != "":
		return &officev1.Subject{Who: &officev1.Subject_Card{Card: card}}
	case customer != "":
		return &officev1.Subject{Who: &officev1.Subject_ExternalId{ExternalId: customer}}
	default:
		return &officev1.Subject{Who: &officev1.Subject_AccountRef{AccountRef: account}}
	}
}

// urgentFlags are what every urgent word takes.
type urgentFlags struct {
	subjectFlags `embed:""`
	Reason       string `help:"Why, for the book; no names, no card numbers." placeholder:"TEXT"`
}

func (f *urgentFlags) run(s *session, action officev1.LaneAction, into *officev1.Subject) error {
	return office.Do(s.ctx, s.home, &officev1.RunJobRequest{Job: &officev1.RunJobRequest_Lane{Lane: &officev1.LaneJob{
		Action: action, Subject: subjectOf(f.Card, f.Customer, f.Account), Into: into, Reason: f.Reason,
	}}}, s.terminal)
}

type objectCommand struct {
	urgentFlags `embed:""`
}

// Run has a customer be silenced.
func (c *objectCommand) Run(s *session) error {
	return c.run(s, officev1.LaneAction_LANE_ACTION_OBJECT, nil)
}

type allowCommand struct {
	urgentFlags `embed:""`
}

// Run ends an objection.
func (c *allowCommand) Run(s *session) error {
	return c.run(s, officev1.LaneAction_LANE_ACTION_ALLOW, nil)
}

type blockCommand struct {
	urgentFlags `embed:""`
}

// Run refuses a card or an account.
func (c *blockCommand) Run(s *session) error {
	return c.run(s, officev1.LaneAction_LANE_ACTION_BLOCK, nil)
}

type unblockCommand struct {
	urgentFlags `embed:""`
}

// Run ends that.
func (c *unblockCommand) Run(s *session) error {
	return c.run(s, officev1.LaneAction_LANE_ACTION_UNBLOCK, nil)
}

type eraseCommand struct {
	urgentFlags `embed:""`
	Yes         bool `help:"It cannot be taken back; say that it is meant." required:""`
}

// Run erases a customer.
func (c *eraseCommand) Run(s *session) error {
	return c.run(s, officev1.LaneAction_LANE_ACTION_ERASE, nil)
}

type mergeCommand struct {
	urgentFlags  `embed:""`
	IntoCard     string `help:"A card of the account that goes on." xor:"into" required:"" placeholder:"CARD"`
	IntoCustomer string `help:"Its customer number." xor:"into" required:"" placeholder:"NUMBER"`
	IntoAccount  string `help:"The account itself." xor:"into" required:"" placeholder:"REF"`
}

// Run makes one account of two.
func (c *mergeCommand) Run(s *session) error {
	return c.run(s, officev1.LaneAction_LANE_ACTION_MERGE, subjectOf(c.IntoCard, c.IntoCustomer, c.IntoAccount))
}
