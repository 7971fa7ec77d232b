package till

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	outcomev1 "github.com/stamklant/stamklant/gen/stamklant/outcome/v1"
	programmev1 "github.com/stamklant/stamklant/gen/stamklant/programme/v1"
	"github.com/stamklant/stamklant/internal/decision"
	"github.com/stamklant/stamklant/internal/instore/journal"
	"github.com/stamklant/stamklant/internal/loyalty"
)

// answerError is returned for an answer that nobody can have given to the question that was asked.
type answerError struct{ field, why string }

// Error says so in words.
func (e *answerError) Error() string { return fmt.Sprintf("%s: %s", e.field, e.why) }

// violation names the field.
func (e *answerError) violation() *errdetails.BadRequest {
	return &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: e.field, Description: e.why}}}
}

// answers holds what a till says came of its suggestions against what they asked, and writes beside each what kind of question it was.
func (c *call) answers(exposures []*outcomev1.Exposure) error {
	for i, e := range exposures {
		if err := c.answer(fmt.Sprintf("exposures[%d]", i), e); err != nil {
			return err
		}
	}
	return nil
}

// answer holds one against its question. What a campaign asked that this release no longer has is taken as it comes.
func (c *call) answer(field string, e *outcomev1.Exposure) error {
	a, m := e.GetAnswer(), c.campaigns[e.GetCampaign()]
	e.Question = a.GetKind()
	if m != nil {
		e.Question = m.source.GetSurvey().GetKind()
	}
	if a == nil {
		return nil
	}
	switch e.GetResponse() {
	case outcomev1.Response_RESPONSE_DECLINED, outcomev1.Response_RESPONSE_IGNORED, outcomev1.Response_RESPONSE_GHOST:
		return &answerError{field + ".response", "who answered neither declined nor ignored it: leave it out, or say ACCEPTED"}
	default:
		e.Response = outcomev1.Response_RESPONSE_ACCEPTED
	}
	if m == nil {
		return nil
	}
	return m.takes(field+".answer", a)
}

// takes reports what keeps an answer from being one to the question.
func (m *campaign) takes(field string, a *outcomev1.Answer) error {
	survey, then := m.source.GetSurvey(), m.source.GetThen()
	low, high := scale(survey)
	switch {
	case survey == nil:
		return &answerError{field, fmt.Sprintf("%s asks nothing", m.source.GetCode())}
	case a.GetKind() != programmev1.SurveyKind_SURVEY_KIND_UNSPECIFIED && a.GetKind() != survey.GetKind():
		return &answerError{field + ".kind", fmt.Sprintf("%s asks another kind of question; leave the kind out", m.source.GetCode())}
	case a.GetNumber() < low || a.GetNumber() > high:
		return &answerError{field + ".number", fmt.Sprintf("%s takes %d to %d", m.source.GetCode(), low, high)}
	case a.GetFollowUp() > int32(len(then.GetChoices())):
		return &answerError{field + ".follow_up", fmt.Sprintf("%s has %d choices after it", m.source.GetCode(), len(then.GetChoices()))}
	case a.GetFollowUp() != 0 && int64(a.GetNumber()) > then.GetIfAtMost():
		return &answerError{field + ".follow_up", fmt.Sprintf("%s asks on only after an answer of at most %d", m.source.GetCode(), then.GetIfAtMost())}
	}
	a.Kind = survey.GetKind()
	return nil
}

// answerEntry is the booking of the points for an answer; nil where it brings none. A question is paid for once, and only one that may have been asked:
// that this server promised, or before which the customer was left in peace long enough.
func (c *call) answerEntry(v *journal.View, w *who, s *standing, e *outcomev1.Exposure, day int32, asked bool) (*outcomev1.LedgerEntry, error) {
	m := c.campaigns[e.GetCampaign()]
	points := m.points()
	if e.GetAnswer() == nil || points == 0 || w.account == nil || s == nil || s.silenced {
		return nil, nil //nolint:nilnil // no points are no error
	}
	if !asked && !c.decide.Rested(m.source, &s.asked, loyalty.Day(c.now)) {
		return nil, nil //nolint:nilnil // nor here
	}
	id := loyalty.EntryID(suggestionKey(e.GetSuggestionId()), outcomev1.EntryKind_ENTRY_KIND_SURVEY, 0)
	if had, err := v.HasEntry(id); had || err != nil {
		return nil, err
	}
	return &outcomev1.LedgerEntry{
		EntryId: id[:], AccountId: w.id[:], Kind: outcomev1.EntryKind_ENTRY_KIND_SURVEY, Points: points, Day: day, Store: c.store,
		ProgrammeVersion: binary.BigEndian.Uint64(c.release.ProgrammeDigest[:8]),
	}, nil
}

// points are what an answer brings; 0 for what asks nothing.
func (m *campaign) points() int64 {
	if m == nil || m.source.GetSurvey() == nil {
		return 0
	}
	return m.source.GetAsk().GetPoints()
}

// suggestionKey stands for the receipt key in the id of an entry.
func suggestionKey(id string) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(id))), id...)
}

// reward books the points for the first answer on the receipt that brings any.
func (b *booking) reward(v *journal.View, before *standing, out *result) error {
	for _, e := range b.req.GetExposures() {
		if e.GetAnswer() == nil || b.receipt.GetKind() == outcomev1.ReceiptKind_RECEIPT_KIND_TRAINING || b.who.erased {
			continue
		}
		out.answered = true
		promised := b.promised && !b.promise.silent && b.promise.suggestion == e.GetSuggestionId()
		entry, err := b.answerEntry(v, b.who, before, e, dayOf(b.receipt.GetKey().GetBusinessDate()), promised)
		if err != nil {
			return err
		}
		if entry != nil {
			out.entries, out.bonus = append(out.entries, entry), entry.GetPoints()
			return nil
		}
	}
	return nil
}

// apart takes off a booking the answers of a customer who did not agree to answers being kept with the account: they go up beside it, of nobody.
func (b *booking) apart(v *journal.View, row *outcomev1.RecordedReceipt) ([]*outcomev1.LateOutcome, error) {
	var beside []*outcomev1.LateOutcome
	for i, e := range row.GetExposures() {
		if e.GetAnswer() == nil || b.who.account == nil {
			continue
		}
		linked, err := b.linksAnswers(b.who, v)
		if err != nil || linked {
			return nil, err
		}
		row.Exposures[i] = proto.CloneOf(e)
		row.Exposures[i].Answer = nil
		beside = append(beside, b.ofNobody(e))
	}
	return beside, nil
}

// linksAnswers reports whether the customer agreed to answers being kept with the account.
func (c *call) linksAnswers(w *who, v *journal.View) (bool, error) {
	consents, err := c.consents(w, v)
	return consents.GetLinkedAnswers(), err
}

// ofNobody is an answer by itself: under an id that only the chain's content key makes of the question's, so that it is the same wherever it arrives and
// leads to no receipt, and with the day for its time.
func (c *call) ofNobody(e *outcomev1.Exposure) *outcomev1.LateOutcome {
	h := hmac.New(sha256.New, c.release.Store.GetContentKey())
	h.Write([]byte("stamklant/answer/v1"))
	h.Write(suggestionKey(e.GetSuggestionId()))
	id := refs.EncodeToString(h.Sum(nil)[:15])
	day := c.now.Format("2006-01-02")
	return &outcomev1.LateOutcome{
		DecisionId: id, Store: c.store, Kind: outcomev1.LateKind_LATE_KIND_LATE_ANSWER, Unlinked: true,
		OccurredAt: &timestamppb.Timestamp{Seconds: int64(dayOf(day)) * 86400},
		Outcome: &outcomev1.Exposure{
			SuggestionId: id, Campaign: e.GetCampaign(), Arm: e.GetArm(), Response: e.GetResponse(), Answer: e.GetAnswer(), Question: e.GetQuestion(),
		},
	}
}

// askedWords are for the receipt of a sale in which a question was answered, or is asked on the receipt; empty for neither. Who objected since it
// was promised is asked no more.
func (b *booking) askedWords(s *speech, out *result, silenced bool) string {
	switch {
	case out.answered && out.bonus > 0:
		return s.customer.say("answered", receipt, &public{bonus: out.bonus})
	case out.answered:
		return s.customer.say("answered_plain", receipt, &public{})
	case silenced || !b.promised || b.promise.silent || b.promise.link == "":
		return ""
	}
	m := b.campaigns[b.promise.campaign]
	if m == nil || m.source.GetSurvey() == nil {
		return ""
	}
	put := *m
	put.facts.bonus = m.points()
	put.asked = &question{on: programmev1.AskOn_ASK_ON_RECEIPT_LINK, link: b.promise.link, fits: len(b.promise.link) <= s.devices[receipt].columns}
	return put.say(s.customer, receipt)
}

// explained is the smallest change that would have a campaign said, for the cashier to read out; empty where none is known.
func (c *call) explained(t *tongue, considered *decision.Considered) string {
	facts := &public{from: considered.From}
	switch {
	case considered.Reason == decision.TillCannot:
		return t.say("why_till", cashier, facts)
	case considered.Reason == decision.NotSampled:
		return t.say("why_sample", cashier, facts)
	case considered.Reason == decision.Quarantine && considered.From == 0:
		return t.say("why_elsewhere", cashier, facts)
	case considered.From != 0:
		return t.say("why_from", cashier, facts)
	}
	return ""
}
