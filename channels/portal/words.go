package portal

import (
	"net/http"

	"golang.org/x/text/language"
)

// languages are those that the pages are written in, the first one being for everybody
// whose browser asks for none of them.
var languages = []string{"sv", "en"}

var matcher = language.NewMatcher([]language.Tag{language.Swedish, language.English})

const languageCookie = "svar_lang"

// choose returns the visitor's language: by ?lang, else by what he chose before, else by
// what the browser prefers.
func choose(r *http.Request) string {
	asked := []string{r.URL.Query().Get("lang")}
	if cookie, err := r.Cookie(languageCookie); err == nil {
		asked = append(asked, cookie.Value)
	}
	for _, wish := range asked {
		for _, known := range languages {
			if wish == known {
				return known
			}
		}
	}
	_, index := language.MatchStrings(matcher, r.Header.Get("Accept-Language"))
	return languages[index]
}

// in returns the text in the language, or else in Swedish.
func in(texts map[string]string, lang string) string {
	if text := texts[lang]; text != "" {
		return text
	}
	return texts["sv"]
}

// say returns a text of the pages.
func say(lang, key string) string {
	texts := words[key]
	if lang == "en" {
		return texts[1]
	}
	return texts[0]
}

// words are the pages' texts: Swedish, English.
var words = map[string][2]string{
	"start":         {"Välkommen till Service Desk", "Welcome to the Service Desk"},
	"skip":          {"Till innehållet", "Skip to content"},
	"to-start":      {"Till startsidan", "To the start page"},
	"sign-in":       {"Logga in", "Sign in"},
	"sign-out":      {"Logga ut", "Sign out"},
	"name":          {"Användarnamn", "User name"},
	"password":      {"Lösenord", "Password"},
	"wrong":         {"Användarnamnet eller lösenordet stämmer inte.", "The user name or the password is wrong."},
	"too-many":      {"För många försök. Vänta en minut och försök igen.", "Too many attempts. Wait a minute and try again."},
	"ring":          {"Ring oss", "Call us"},
	"chat":          {"Chatta med oss", "Chat with us"},
	"mail":          {"Skriv e-post till oss", "Write us an e-mail"},
	"outages":       {"Aktuella driftmeddelanden", "Current outages"},
	"always-form":   {"Du kan alltid lämna ett ärende här.", "You can always leave a case here."},
	"open":          {"Vi har öppet nu, till klockan %s.", "We are open now, until %s."},
	"shut":          {"Vi har stängt nu. Vi öppnar %s klockan %s.", "We are closed now. We open on %s at %s."},
	"shut.long":     {"Vi har stängt nu.", "We are closed now."},
	"closed.day":    {"stängt", "closed"},
	"every-day":     {"alla dagar", "every day"},
	"report":        {"Anmäl ett ärende", "Report a case"},
	"kind":          {"Vad gäller det?", "What is it?"},
	"kind.incident": {"Något fungerar inte", "Something does not work"},
	"kind.question": {"En fråga", "A question"},
	"kind.order":    {"En beställning", "An order"},
	"about":         {"Tjänst", "Service"},
	"about.other":   {"Annat eller vet inte", "Something else, or not sure"},
	"about.whole":   {"Allmänt", "In general"},
	"subject":       {"Rubrik", "Subject"},
	"text":          {"Beskriv med egna ord", "Describe it in your own words"},
	"send":          {"Skicka", "Send"},
	"fault.title":   {"Fel", "Error"},
	"fault.summary": {"Något behöver rättas", "Something needs to be corrected"},
	"fault.kind":    {"Välj vad det gäller.", "Choose what it is."},
	"fault.about":   {"Välj en tjänst i listan.", "Choose a service in the list."},
	"fault.subject": {"Skriv en rubrik med högst 200 tecken.", "Write a subject of at most 200 characters."},
	"fault.text":    {"Skriv en text med högst 20 000 tecken.", "Write a text of at most 20,000 characters."},
	"fault.desk":    {"Det gick inte att spara just nu. Ingenting du skrev är borta; försök igen.", "It could not be saved right now. Nothing that you wrote is lost; try again."},
	"tickets":       {"Mina ärenden", "My cases"},
	"tickets.none":  {"Du har inga ärenden.", "You have no cases."},
	"number":        {"Ärende", "Case"},
	"received":      {"Vi har tagit emot ditt ärende. Ärendenumret är", "We have received your case. Its number is"},
	"received.then": {"Svaret kommer här.", "The answer will be here."},
	"you":           {"Du", "You"},
	"desk":          {"Service Desk", "Service Desk"},
	"status-became": {"Status: %s", "Status: %s"},
	"write":         {"Skriv till oss i ärendet", "Write to us in this case"},
	"closed":        {"Ärendet är stängt. Gäller det samma sak igen, anmäl ett nytt.", "The case is closed. If it is about the same thing again, report a new one."},
	"registered":    {"Registrerat", "Registered"},
	"in-progress":   {"Pågående", "In progress"},
	"solved":        {"Åtgärdat", "Solved"},
	"closed.status": {"Stängt", "Closed"},
	"fail.404":      {"Sidan finns inte", "There is no such page"},
	"fail.403":      {"Begäran kom från en annan webbplats", "The request came from another site"},
	"fail.413":      {"Det var för mycket text", "That was too much text"},
	"fail.503":      {"Det går inte just nu", "It does not work right now"},
	"fail.503.then": {"Försök igen om en stund, eller ring oss.", "Try again in a while, or call us."},
	"fail.404.then": {"Den kan ha flyttats, eller så är den inte din.", "It may have moved, or it is not yours."},
	"fail.403.then": {"Öppna sidan här och försök igen.", "Open the page here and try again."},
	"fail.413.then": {"Skriv kortare och försök igen.", "Write less and try again."},
}

// weekdays are in the order of [time.Weekday].
var weekdays = [7][2]string{
	{"söndag", "Sunday"},
	{"måndag", "Monday"},
	{"tisdag", "Tuesday"},
	{"onsdag", "Wednesday"},
	{"torsdag", "Thursday"},
	{"fredag", "Friday"},
	{"lördag", "Saturday"},
}
