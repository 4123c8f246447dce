package mail

import "strings"

// notes are the words that we put into a mail for the agent who reads it.
type notes struct {
	tooLarge, tooComplex, wholeMail, cutText, wholeText, manyFiles string
	// image stands for a picture of the web, file for one whose file is among the attachments.
	image, file string
}

// notesIn returns them in the language, or else in Swedish.
func notesIn(language string) notes {
	if language == "en" {
		return notes{
			tooLarge:   "(The mail is too large to be fetched. It is still in the mailbox.)",
			tooComplex: "(The mail cannot be shown, it is made of too many parts. All of it is in the attachment.)",
			wholeMail:  "whole-mail.eml",
			cutText:    "(The text is longer. All of it is in the attachment.)",
			wholeText:  "whole-text.txt",
			manyFiles:  "(The mail has more files than are shown here.)",
			image:      "picture not fetched", file: "see attachment",
		}
	}
	return notes{
		tooLarge:   "(Mejlet är för stort för att hämtas. Det ligger kvar i brevlådan.)",
		tooComplex: "(Mejlet kan inte visas, det består av för många delar. Hela mejlet finns i bilagan.)",
		wholeMail:  "hela-mejlet.eml",
		cutText:    "(Texten är längre. Hela texten finns i bilagan.)",
		wholeText:  "hela-texten.txt",
		manyFiles:  "(Mejlet har fler filer än de som visas här.)",
		image:      "bild ej hämtad", file: "se bilaga",
	}
}

// Words that are frequent in one language and rare in the other.
var (
	swedish = wordSet("och att det jag inte är på för med som kan har när min vi till från hej tack mvh hälsningar ett den om av ska")
	english = wordSet("and the is not are of to with for my we have can when from hello thanks regards it that you this please")
)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(words) {
		set[word] = true
	}
	return set
}

// language guesses what a mail is written in: what its header says, or what most of the known
// words in its beginning are. Empty when that is not clear.
func language(declared, text string) string {
	switch strings.ToLower(strings.TrimSpace(declared)) {
	case "sv", "sv-se", "sv-fi":
		return "sv"
	case "en", "en-gb", "en-us":
		return "en"
	}
	var sv, en int
	for _, word := range strings.FieldsFunc(strings.ToLower(cutRunes(text, 2000)), func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzåäöé", r)
	}) {
		if swedish[word] {
			sv++
		}
		if english[word] {
			en++
		}
	}
	switch {
	case sv >= 2 && sv >= 2*en:
		return "sv"
	case en >= 2 && en >= 2*sv:
		return "en"
	}
	return ""
}
