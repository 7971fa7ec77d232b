package samplechain

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

//go:embed files/programme.yaml.tmpl
var programmeText string

// programmeTemplate is the retailer's document with its stores and dates left open.
var programmeTemplate = template.Must(template.New("programme.yaml").Funcs(template.FuncMap{"join": strings.Join}).Parse(programmeText))

// programmeRead is the same document as head office reads it, presets filled in, for twelve stores and ReferenceDay. A store has nothing
// that reads YAML, and needs none.
//
//go:embed files/programme.json
var programmeRead []byte

// ReferenceDay is the last day for which files/programme.json was made.
var ReferenceDay = time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC)

// eventDays is how long after the last day the chain's event is announced.
const eventDays = 14

// WriteProgramme writes the retailer's programme: the stores of this chain, and an event in the weeks after the last day.
func (c *Chain) WriteProgramme(w io.Writer) error {
	err := programmeTemplate.Execute(w, struct {
		Stores                []Store
		EventFrom, EventUntil string
	}{
		Stores:     c.stores,
		EventFrom:  c.config.LastDay.AddDate(0, 0, 1).Format(time.DateOnly),
		EventUntil: c.config.LastDay.AddDate(0, 0, eventDays).Format(time.DateOnly),
	})
	if err != nil {
		return fmt.Errorf("sample chain: programme: %w", err)
	}
	return nil
}

// Programme returns the programme of the chain with twelve stores, complete, its dates moved to a last day. The caller may change it.
func Programme(lastDay time.Time) (*programmev1.Programme, error) {
	programme := new(programmev1.Programme)
	if err := protojson.Unmarshal(programmeRead, programme); err != nil {
		return nil, fmt.Errorf("sample chain: files/programme.json: %w", err)
	}
	year, month, day := lastDay.Date()
	moved := epochDay(time.Date(year, month, day, 0, 0, 0, 0, time.UTC)) - epochDay(ReferenceDay)
	for _, campaign := range programme.GetCampaigns() {
		if runs := campaign.GetRuns(); runs != nil {
			runs.From, runs.Until = runs.GetFrom()+moved, runs.GetUntil()+moved
		}
	}
	return programme, nil
}
