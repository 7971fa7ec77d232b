package inbox

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	customerv1 "github.com/stamklant/stamklant/gen/stamklant/customer/v1"
	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
)

// What is kept of when a customer was asked something: the newest questions, and two refusals that are days apart. One told twice, by the receipt and
// afterwards, is one.
const (
	maxQuestions = 64
	sameDays     = 2
)

// secondsADay turns a moment into days since 1970-01-01.
const secondsADay = 24 * 60 * 60

// heard notes of an account what was asked on a day.
func (t *transaction) heard(account []byte, day int32, exposures ...*outcomev1.Exposure) error {
	if len(account) != 16 {
		return nil
	}
	var news []*customerv1.Asked
	for _, e := range exposures {
		if e.GetQuestion() != programmev1.SurveyKind_SURVEY_KIND_UNSPECIFIED {
			news = append(news, questionOn(day, e))
		}
	}
	if len(news) == 0 {
		return nil
	}
	id, err := t.survivor([16]byte(account))
	if err != nil {
		return err
	}
	all, err := t.asked(id)
	if err != nil {
		return err
	}
	for _, one := range news {
		all = joinAsked(all, one)
	}
	return t.keepAsked(id, all)
}

// questionOn is what one exposure tells.
func questionOn(day int32, e *outcomev1.Exposure) *customerv1.Asked {
	a := &customerv1.Asked{LastDay: day, Questions: []*customerv1.QuestionAsked{{Campaign: e.GetCampaign(), Day: day}}}
	if e.GetQuestion() == programmev1.SurveyKind_SURVEY_KIND_NPS {
		a.LastNpsDay = day
	}
	if e.GetResponse() == outcomev1.Response_RESPONSE_DECLINED {
		a.DeclinedDay = day
	}
	return a
}

// joinAsked is what two know together.
func joinAsked(a, b *customerv1.Asked) *customerv1.Asked {
	if a == nil {
		return b
	}
	out := &customerv1.Asked{LastDay: max(a.GetLastDay(), b.GetLastDay()), LastNpsDay: max(a.GetLastNpsDay(), b.GetLastNpsDay())}
	for _, day := range []int32{a.GetDeclinedDay(), a.GetDeclinedBeforeDay(), b.GetDeclinedDay(), b.GetDeclinedBeforeDay()} {
		switch {
		case day > out.GetDeclinedDay()+sameDays:
			out.DeclinedBeforeDay, out.DeclinedDay = out.GetDeclinedDay(), day
		case day < out.GetDeclinedDay()-sameDays:
			out.DeclinedBeforeDay = max(out.GetDeclinedBeforeDay(), day)
		}
	}
	last := map[string]int32{}
	for _, q := range slices.Concat(a.GetQuestions(), b.GetQuestions()) {
		last[q.GetCampaign()] = max(last[q.GetCampaign()], q.GetDay())
	}
	for campaign, day := range last {
		out.Questions = append(out.Questions, &customerv1.QuestionAsked{Campaign: campaign, Day: day})
	}
	slices.SortFunc(out.Questions, func(a, b *customerv1.QuestionAsked) int {
		return cmp.Or(cmp.Compare(b.GetDay(), a.GetDay()), cmp.Compare(a.GetCampaign(), b.GetCampaign()))
	})
	out.Questions = out.Questions[:min(len(out.Questions), maxQuestions)]
	return out
}

// asked is when an account was last asked something; nil for never.
func (t *transaction) asked(account [16]byte) (*customerv1.Asked, error) {
	v, err := t.get(inAsked, account[:])
	if v == nil || err != nil {
		return nil, err
	}
	a := &customerv1.Asked{}
	if err := proto.Unmarshal(v, a); err != nil {
		return nil, fmt.Errorf("%w: asked of %x: %w", ErrDamaged, account, err)
	}
	return a, nil
}

func (t *transaction) keepAsked(account [16]byte, a *customerv1.Asked) error {
	v, err := proto.MarshalOptions{Deterministic: true}.Marshal(a)
	if err != nil {
		return err
	}
	return t.put(inAsked, account[:], v)
}

// mergeAsked has what one account was asked hold for another.
func (t *transaction) mergeAsked(from, into [16]byte) error {
	old, err := t.asked(from)
	if old == nil || err != nil {
		return err
	}
	now, err := t.asked(into)
	if err != nil {
		return err
	}
	if err := t.keepAsked(into, joinAsked(now, old)); err != nil {
		return err
	}
	return t.remove(inAsked, from[:])
}
