package report

import (
	"fmt"
	"strconv"
	"strings"

	"svar/contact"
)

// words say things in one language.
type words struct{ english bool }

func wordsOf(language string) words { return words{english: language == "en"} }

// say returns a text with its {placeholders} filled in: values are names and what they stand for,
// by turns.
func (w words) say(key string, values ...any) string {
	text, known := explanationWords[key]
	if !known {
		return key // shown as it is, rather than nothing
	}
	filled := text[0]
	if w.english {
		filled = text[1]
	}
	pairs := make([]string, len(values))
	for i := range values {
		pairs[i] = fmt.Sprint(values[i])
		if i%2 == 0 {
			pairs[i] = "{" + pairs[i] + "}"
		}
	}
	return strings.NewReplacer(pairs...).Replace(filled)
}

// when says it only if it is so.
func (w words) when(is bool, key string, values ...any) string {
	if !is {
		return ""
	}
	return w.say(key, values...)
}

// term returns what a recorded value of the kind is called; the value itself when it is unknown.
func (w words) term(kind string, value any, values ...any) string {
	key := kind + "." + fmt.Sprint(value)
	if _, known := explanationWords[key]; !known {
		return fmt.Sprint(value)
	}
	return w.say(key, values...)
}

// plural says how many there are; nothing when there are none.
func (w words) plural(n uint64, key string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return w.say(key + ".one")
	default:
		return w.say(key+".many", "n", number(n))
	}
}

// decimal writes milliseconds as seconds with one decimal, or none when that is 0.
func (w words) decimal(d contact.Millis) string {
	whole, tenth := d/1000, d%1000/100
	if tenth == 0 {
		return number(uint64(whole))
	}
	point := ","
	if w.english {
		point = "."
	}
	return number(uint64(whole)) + point + number(uint64(tenth))
}

func number[N ~uint8 | ~uint16 | ~uint32 | ~uint64](n N) string {
	return strconv.FormatUint(uint64(n), 10)
}

// explanationWords are the texts: Swedish, English. A key with a point is what a recorded value
// is called: kind.value.
var explanationWords = map[string][2]string{
	"arrived":          {"Kom in: {channel}, ingång {line}.", "Came in: {channel}, entrance {line}."},
	"arrived-audience": {" Användare: {audience}.", " User: {audience}."},
	"arrived-party":    {" Ringer för {party}, som har förtur.", " Calls for {party}, which has priority."},
	"arrived-service":  {" Tjänst: {service}.", " Service: {service}."},
	"arrived-ticket":   {" Ärende: {ticket}.", " Ticket: {ticket}."},
	"arrived-follows":  {" Fortsätter kontakt {contact}.", " Goes on with contact {contact}."},
	"greeted":          {"Systemet svarade; platsen i kön gäller från ankomsten.", "The system answered; the place in the queue is that of the arrival."},
	"queued":           {"Ställdes i kö. Behöver {needs}. Klass: {class}. Svarsmål: {target}.", "Queued. Needs {needs}. Class: {class}. Target: {target}."},
	"queued-hours":     {" Tiden räknas i öppettiderna {hours}.", " Time counts in the opening hours {hours}."},
	"queued-prefer":    {" Hålls till {until} för {agent}, som senast hade ärendet, personen eller besökaren.", " Kept until {until} for {agent}, who last had the ticket, the person or the visitor."},
	"relaxed":          {"Har väntat så länge att kravet mildrades (steg {step}). Nu räcker det med {needs}.", "Has waited so long that less is needed (step {step}). Now {needs} will do."},
	"preference-ended": {"Hålls inte längre för {agent}: {cause}. Vem som passar kan få kontakten.", "No longer kept for {agent}: {cause}. Anybody who fits may get it."},
	"impact":           {"Gäller {residents} invånare och företag", "Stands for {residents} residents and companies"},
	"impact-none":      {"Gäller inte längre fler än den som hör av sig", "No longer stands for more than the user"},
	"impact-by":        {", enligt {agent}", ", says {agent}"},
	"held":             {"{agent} satte samtalet i vänteläge.", "{agent} put the call on hold."},
	"resumed":          {"{agent} återtog samtalet.", "{agent} resumed the call."},
	"replied":          {"{agent} svarade för första gången.", "{agent} replied for the first time."},
	"returned":         {"Väntar igen på sin gamla plats: {cause}.", "Waits again in its old place: {cause}."},
	"handed-over":      {"{to} tog över från {agent}; efterarbetet börjar.", "{to} took over from {agent}; wrap-up begins."},
	"hung-up-caller":   {"Användaren avslutade; {agent} efterarbetar.", "The user ended it; {agent} wraps up."},
	"hung-up-agent":    {"{agent} avslutade och efterarbetar.", "{agent} ended it and wraps up."},
	"hung-up-system":   {"Förbindelsen tog slut; {agent} efterarbetar.", "The connection ended; {agent} wraps up."},
	"wrap-up-until":    {" Efterarbetet tar slut {until}.", " Wrap-up runs out at {until}."},
	"wrap-up-extended": {"{agent} förlängde efterarbetet till {until}.", "{agent} extended wrap-up to {until}."},
	"outcome-chosen":   {"{agent} valde utfall.", "{agent} chose the outcome."},
	"outcome-none":     {"{agent} tog tillbaka sitt val av utfall.", "{agent} took the chosen outcome back."},
	"outcome-code":     {" Utfall: {code}.", " Outcome: {code}."},
	"outcome-ticket":   {" Ärende: {ticket}.", " Ticket: {ticket}."},
	"quality":          {"Ljudet från {party}: {lost} paket förlorade, {received} mottagna, jitter {jitter} ms.", "The voice of {party}: {lost} packets lost, {received} received, jitter {jitter} ms."},
	"dropped":          {"Ett tekniskt fel bröt kontakten. Den väntar som återuppringning på sin gamla plats.", "A technical fault broke it. It waits as a call-back in its old place."},
	"dropped-agent":    {" {agent} hade den då.", " {agent} had it then."},
	"closed-stage":     {" Skede: {stage}.", " Stage: {stage}."},
	"closed-failure":   {" Skäl: {reason}.", " Reason: {reason}."},
	"closed-lapsed":    {" Efterarbetet rann ut innan handläggaren blev klar.", " Wrap-up ran out before the agent finished."},
	"closed-waited":    {" Väntade {waited} på svar.", " Waited {waited} for an answer."},

	"offered":             {"Erbjöds {agent}, som har till {until} på sig. ", "Offered to {agent}, until {until}. "},
	"offered-level":       {" (nivå {level})", " (level {level})"},
	"rule-only-candidate": {"Varför {agent}: ingen annan var ledig med det som behövs{level}; ledig i {idle}. ", "Why {agent}: nobody else was free with what it needs{level}; idle for {idle}. "},
	"rule-highest-level":  {"Varför {agent}: högst nivå{level} av {candidates} som kunde få kontakten; ledig i {idle}. ", "Why {agent}: the highest level{level} of {candidates} who could get it; idle for {idle}. "},
	"rule-longest-idle":   {"Varför {agent}: ledig längst, {idle}, av {candidates} som kunde få kontakten, utan att någon hade högre nivå{level}. ", "Why {agent}: idle the longest, {idle}, of {candidates} who could get it, none of a higher level{level}. "},
	"rule-by-name":        {"Varför {agent}: {candidates} kunde få kontakten med samma nivå{level}, lika länge lediga ({idle}); bokstavsordningen avgjorde. ", "Why {agent}: {candidates} could get it, equal in level{level} and idle time ({idle}); the order of names decided. "},
	"rule-preferred":      {"Varför {agent}: hade senast ärendet, personen eller besökaren{level}; ledig i {idle}. ", "Why {agent}: last had the ticket, the person or the visitor{level}; idle for {idle}. "},
	"rule-transferred":    {"Varför {agent}: en kollega skickade kontakten hit{level}; ledig i {idle}. ", "Why {agent}: a colleague sent it here{level}; idle for {idle}. "},
	"rule-appointed":      {"Varför {agent}: har själv lovat att ringa upp{level}; ledig i {idle}. ", "Why {agent}: promised to call back in person{level}; idle for {idle}. "},
	"turn":                {"Varför nu: klass {class}", "Why now: class {class}"},
	"turn-risen":          {", dit den väntat sig upp", ", risen to it by waiting"},
	"turn-returned":       {", före de andra i klassen eftersom handläggaren försvann", ", before the others of its class since its agent was lost"},
	"turn-waited":         {"; väntade {waited} av målet {target} ({share} %)", "; waited {waited} of its target {target} ({share} %)"},
	"turn-relaxed.one":    {"; kravet har mildrats ett steg", "; its needs were relaxed by one step"},
	"turn-relaxed.many":   {"; kravet har mildrats {n} steg", "; its needs were relaxed by {n} steps"},
	"turn-waiting.one":    {"; ingen annan väntade", "; nobody else waited"},
	"turn-waiting.many":   {"; {n} väntade, denna inräknad", "; {n} waited, this one included"},
	"accepted":            {"{agent} tog emot; parterna kopplas ihop.", "{agent} accepted; the two are being connected."},
	"declined":            {"{agent} tackade nej; kontakten står kvar på sin plats.", "{agent} declined; the contact keeps its place."},
	"declined-reason":     {" Skäl: {reason}.", " Reason: {reason}."},
	"missed":              {"{agent} svarade inte i tid; kontakten står kvar på sin plats.", "{agent} did not answer in time; the contact keeps its place."},
	"again":               {" {agent} kan få den igen från {at}.", " {agent} may be offered it again from {at}."},
	"withdrawn":           {"Erbjudandet till {agent} drogs tillbaka: {cause}.", "The offer to {agent} was withdrawn: {cause}."},
	"connected":           {"{agent} talar med användaren.", "{agent} talks with the user."},
	"connected-text":      {"{agent} har kontakten.", "{agent} has the contact."},
	"transferred-agent":   {"{agent} kopplade vidare till {to}. Kontakten väntar på sin gamla plats.", "{agent} transferred it to {to}. It waits in its old place."},
	"transferred-group":   {"{agent} kopplade vidare till dem som har {needs}. Kontakten väntar på sin gamla plats.", "{agent} transferred it to those who have {needs}. It waits in its old place."},
	"kept-until":          {" Den hålls till {until}.", " It is kept until {until}."},
	"consult-offered":     {"{agent} rådfrågar {with}, som har till {until} på sig; användaren är i vänteläge.", "{agent} consults {with}, who has until {until}; the user is on hold."},
	"consult-accepted":    {"{with} tog emot rådfrågningen.", "{with} accepted the consultation."},
	"consult-connected":   {"Handläggarna talar med varandra; {with} är med.", "The two agents talk; {with} is there."},
	"callback-by-caller":  {"Användaren valde att bli uppringd {at}. Platsen i kön är kvar.", "The user chose to be called back {at}. The place in the queue is kept."},
	"callback-by-agent":   {"{agent} lovade återuppringning {at}. Platsen i kön är kvar.", "{agent} promised a call-back {at}. The place in the queue is kept."},
	"callback-by-system":  {"Blev en återuppringning {at}. Platsen i kön är kvar.", "Became a call-back {at}. The place in the queue is kept."},
	"callback-in-turn":    {"när turen kommer", "when its turn comes"},
	"callback-at":         {"kl. {at}", "at {at}"},
	"callback-for":        {" {agent} tillfrågas först.", " {agent} is asked first."},
	"callback-due":        {"Dags för återuppringning.", "The call-back is due."},
	"callback-taken":      {"{agent} ringer upp; försöket varar till {until}.", "{agent} calls back; the attempt lasts until {until}."},
	"callback-confirmed":  {" Handläggaren läste numret, som ingen går i god för, och ville ringa det.", " The agent read the number, which nobody vouches for, and wanted it called."},
	"callback-failed":     {"{agent} nådde inte användaren: {reason}. Kontakten väntar på återuppringning.", "{agent} did not reach the user: {reason}. It waits to be called back again."},
	"rejoined":            {"Användaren ringde igen och fick återuppringningens plats.", "The user rang again and has the place of the call-back."},
	"no-needs":            {"vem som helst", "anybody"},
	"need":                {"{skill} (minst nivå {level})", "{skill} (level {level} at least)"},
	"and":                 {" och ", " and "},
	"days":                {" dygn", " d"},

	"channel.voice": {"telefonsamtal", "phone call"},
	"channel.chat":  {"chatt", "chat"},
	"channel.mail":  {"e-post", "e-mail"},
	"channel.form":  {"formulär", "form"},

	"audience.pupil":          {"elev", "pupil"},
	"audience.staff":          {"personal", "staff"},
	"audience.guardian":       {"vårdnadshavare", "guardian"},
	"audience.contact-centre": {"Kontaktcenter", "contact centre"},
	"audience.supplier":       {"leverantör", "supplier"},

	"class.0": {"ordinarie", "ordinary"},
	"class.1": {"påverkar invånare", "resident impact"},
	"class.2": {"prioriterad linje", "priority line"},

	"party.caller": {"användaren", "the user"},
	"party.agent":  {"handläggaren", "the agent"},
	"party.system": {"systemet", "the system"},

	"preference.time":       {"tiden gick ut", "the time is over"},
	"preference.agent-away": {"handläggaren är inte tillgänglig", "the agent is not available"},
	"preference.refused":    {"handläggaren tog inte emot", "the agent did not take it"},

	"decline.busy":               {"mitt i annat arbete", "in the middle of other work"},
	"decline.not-my-skill":       {"kan inte det här", "does not know this well enough"},
	"decline.conflict":           {"känner personen (jäv)", "knows the person (conflict of interest)"},
	"decline.technical":          {"tekniskt fel hos handläggaren", "technical fault at the agent's end"},
	"withdraw.caller-left":       {"användaren gav upp", "the user left"},
	"withdraw.caller-back":       {"användaren ringde själv igen", "the user rang again"},
	"withdraw.rules":             {"reglerna ändrades", "the rules changed"},
	"withdraw.agent-left":        {"handläggaren loggade ut eller tog paus", "the agent signed out or paused"},
	"withdraw.agent-unreachable": {"handläggaren gick inte att nå", "the agent was unreachable"},
	"withdraw.take-over":         {"en annan nod tog över kön", "another node took the queue over"},
	"withdraw.technical-fault":   {"tekniskt fel", "a technical fault"},
	"withdraw.connect-failed":    {"parterna kunde inte kopplas ihop", "the two could not be connected"},

	"return.":                  {"förbindelsen till {agent} bröts", "the connection to {agent} broke"},
	"return.given-back":        {"{agent} lämnade tillbaka den", "{agent} gave it back"},
	"return.agent-unreachable": {"{agent} gick inte att nå längre", "{agent} was unreachable for too long"},
	"return.roster":            {"{agent} är inte handläggare längre", "{agent} is no agent any more"},

	"outside-called":       {"{agent} ringer upp {to} om kontakten, till {until}; användaren hör musik.", "{agent} calls {to} about the contact, until {until}; the user hears music."},
	"outside-called-blind": {"{agent} lämnar över användaren till {to}, som rings upp till {until}.", "{agent} hands the user over to {to}, which is called until {until}."},
	"outside-answered":     {"{to} svarade.", "{to} answered."},
	"outside-ended":        {"Samtalet med {to} är slut; användaren är kvar hos handläggaren.", "The talk with {to} is over; the user is still the agent's."},
	"outside-failed":       {"{to} nåddes inte: {reason}. Användaren är kvar hos handläggaren.", "{to} was not reached: {reason}. The user is still the agent's."},
	"conference-on":        {"{agent} kopplade ihop alla tre.", "{agent} let all three hear each other."},
	"conference-off":       {"{agent} parkerade användaren och talar vidare med den andra.", "{agent} put the user on hold again and talks on with the other."},
	"supervision-":         {"{supervisor} lämnade samtalet.", "{supervisor} left the call."},
	"supervision-listen":   {"{supervisor} lyssnar på samtalet.", "{supervisor} listens to the call."},
	"supervision-whisper":  {"{supervisor} talar med handläggaren, ohörd av användaren.", "{supervisor} speaks to the agent, unheard by the user."},
	"supervision-barge":    {"{supervisor} talar med båda.", "{supervisor} speaks to both."},
	"marked":               {"{agent} markerade samtalet: {mark}.", "{agent} marked the call: {mark}."},
	"mark.threat":          {"hot", "threat"},
	"mark.nuisance":        {"okynnessamtal", "nuisance"},
	"call-placed":          {"{agent} ringer från linjen {line}; försöket varar till {until}.", "{agent} calls by line {line}; the attempt lasts until {until}."},
	"recording-begun":      {"Inspelningen började.", "Recording began."},
	"recording-paused":     {"Inspelningen pausades.", "Recording was paused."},
	"recording-resumed":    {"Inspelningen fortsatte.", "Recording went on."},
	"recording-ended":      {"Inspelningen är klar.", "The recording is complete."},
	"recording-declined":   {"Användaren ville inte bli inspelad.", "The user declined to be recorded."},
	"recording-by":         {" Av: {agent}.", " By: {agent}."},
	"recording-length":     {" Längd: {length}.", " Length: {length}."},

	"outside.busy":            {"upptaget", "busy"},
	"outside.no-answer":       {"inget svar", "no answer"},
	"outside.refused":         {"nätet eller spärren mot utgående samtal sade nej", "refused by the network or the guard of outgoing calls"},
	"outside.cancelled":       {"avbrutet", "cancelled"},
	"outside.technical-fault": {"ett tekniskt fel", "a technical fault"},

	"consult.completed":       {"{with} tog över kontakten; {agent} är klar.", "{with} has the contact now; {agent} is free."},
	"consult.cancelled":       {"{agent} avslutade rådfrågningen av {with}.", "{agent} ended the consultation of {with}."},
	"consult.declined":        {"{with} tackade nej till rådfrågningen.", "{with} declined the consultation."},
	"consult.missed":          {"{with} svarade inte på rådfrågningen.", "{with} did not answer the consultation."},
	"consult.left":            {"{with} lämnade rådfrågningen.", "{with} left the consultation."},
	"consult.technical-fault": {"Rådfrågningen av {with} bröts av ett tekniskt fel.", "A technical fault ended the consultation of {with}."},
	"consult.contact-over":    {"Rådfrågningen av {with} tog slut med kontakten.", "The consultation of {with} ended with the contact."},

	"dial.busy":            {"upptaget", "busy"},
	"dial.no-answer":       {"inget svar", "no answer"},
	"dial.refused":         {"nätet eller spärren mot utgående samtal sade nej", "refused by the network or the guard of outgoing calls"},
	"dial.cancelled":       {"avbrutet", "cancelled"},
	"dial.technical-fault": {"handläggarens ljud kom inte igång", "the agent's voice did not come up"},

	"end.handled":       {"Klar: {agent} avslutade.", "Done: finished by {agent}."},
	"end.abandoned":     {"Övergiven: användaren gav upp.", "Abandoned: the user left."},
	"end.refused":       {"Avvisad av en regel (SIP {response}).", "Refused by rule (SIP {response})."},
	"end.dropped":       {"Bruten av ett tekniskt fel, utan nummer att ringa upp.", "Broken by a technical fault, with no number to call back."},
	"end.handed-over":   {"Överlämnad utanför Service Desk av {agent}.", "Handed over outside the desk by {agent}."},
	"end.not-reached":   {"Ingen nåddes: {agent} ringde.", "Nobody was reached: {agent} called."},
	"end.outside-hours": {"Kom utanför öppettiderna och fick höra det.", "Came outside opening hours and was told so."},

	"stage.before-answer": {"innan systemet svarade", "before the system answered"},
	"stage.message":       {"under meddelandet eller menyn", "in the message or menu"},
	"stage.queue":         {"i kön", "in the queue"},
	"stage.ringing":       {"medan det ringde hos en handläggare", "while an agent was rung"},
	"stage.call-back":     {"före återuppringningen", "before the call-back"},
}
