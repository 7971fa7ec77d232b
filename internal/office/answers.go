package office

import (
	"encoding/csv"
	"strconv"
	"time"

	"github.com/stamklant/stamklant/internal/office/inbox"
)

// exportAnswers writes every answer to a question, once.
func exportAnswers(cut *inbox.Cut, to *csv.Writer) (rows int64, err error) {
	if err := to.Write([]string{"campaign", "question", "answer", "follow_up", "day", "store", "account_ref"}); err != nil {
		return 0, err
	}
	for one, err := range cut.Answers() {
		if err != nil {
			return rows, err
		}
		answer, after := one.Given.GetAnswer(), ""
		if answer.GetFollowUp() != 0 {
			after = strconv.Itoa(int(answer.GetFollowUp()))
		}
		err = to.Write([]string{
			one.Given.GetCampaign(), short(one.Given.GetQuestion().String(), "SURVEY_KIND_"), strconv.Itoa(int(answer.GetNumber())), after,
			one.At.UTC().Format(time.DateOnly), one.Store, accountRef(one.Account),
		})
		if err != nil {
			return rows, err
		}
		rows++
	}
	return rows, nil
}
