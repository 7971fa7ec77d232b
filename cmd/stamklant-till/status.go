package main

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

type statusCommand struct {
	JSON bool `name:"json" help:"Print the whole answer as JSON."`
}

// Run asks and prints the answer.
func (c *statusCommand) Run(s *session) (err error) {
	client, err := s.open("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	begin := time.Now()
	answer, err := client.Status(s.ctx)
	if err != nil {
		s.exitCode = exitOffline
		fmt.Fprintf(s.errors, "stamklant-till: no answer: %v\n", err)
		return nil
	}
	if c.JSON {
		return s.printJSON(answer, nil)
	}
	meta, p := answer.GetMeta(), s.out
	colour, state := green, "in order"
	switch {
	case meta.GetRelease() == 0:
		colour, state = yellow, "no release yet"
	case meta.GetStale():
		colour, state = yellow, "data has expired; the last known serves"
	}
	p.title(colour, "store "+answer.GetStore(), state, meta.GetServer()+" · "+took(time.Since(begin)))
	p.gap()
	if meta.GetRelease() != 0 {
		p.row("Release", fmt.Sprintf("%d, %s accounts", meta.GetRelease(), thousands(int64(answer.GetAccounts()))))
		p.row("Data", age(meta.GetDataAsOf(), meta.GetServerTime()))
	}
	p.row("Office", seen(answer.GetOfficeSeenAt(), meta.GetServerTime()))
	p.row("Waiting", fmt.Sprintf("%s rows to go up", thousands(int64(answer.GetOutboxWaiting()))))
	p.row("Clock", meta.GetServerTime().AsTime().Local().Format("2006-01-02 15:04:05"))
	p.gap()
	return nil
}

// age says from when data is and how old that makes it.
func age(then, now *timestamppb.Timestamp) string {
	if then == nil {
		return "of an unknown time"
	}
	return fmt.Sprintf("of %s, %s ago", then.AsTime().Local().Format("2006-01-02 15:04"), roughly(now.AsTime().Sub(then.AsTime())))
}

// seen says when head office last answered.
func seen(then, now *timestamppb.Timestamp) string {
	if then == nil {
		return "not heard of since the server started"
	}
	return fmt.Sprintf("answered %s ago", roughly(now.AsTime().Sub(then.AsTime())))
}

// roughly writes a duration as a person would say it.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
