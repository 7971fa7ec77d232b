package tillclient

import tillv1 "github.com/stamklant/stamklant/gen/stamklant/till/v1"

// texts are what is said when no server answered. They fit a cashier's line of 40, a display of 2 × 20 and a receipt of 42 characters.
var texts = map[string]struct{ cashier, display1, display2, receipt string }{
	"nl": {"Punten volgen later. Ga door", "Uw punten", "volgen later", "Uw punten voor deze bon volgen later."},
	"fr": {"Points plus tard. Continuez", "Vos points", "suivront", "Vos points pour ce ticket suivront."},
	"de": {"Punkte folgen später. Bitte weiter", "Ihre Punkte", "folgen später", "Punkte für diesen Bon folgen später."},
	"en": {"Points follow later. Go on", "Your points", "follow later", "Points for this receipt follow later."},
}

// pointsFollow returns the three text blocks in a language.
func pointsFollow(language string) (staff, display, receipt *tillv1.TextBlock) {
	t := texts[language]
	block := func(lines ...string) *tillv1.TextBlock { return &tillv1.TextBlock{Lines: lines, Language: language} }
	return block(t.cashier), block(t.display1, t.display2), block(t.receipt)
}
