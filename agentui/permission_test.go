package agentui

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
	"svar/report"
	"svar/ticket"
)

// The protected person of these tests, and all by which somebody could tell who it is.
const (
	hiddenPerson  = contact.PersonID("hidden")
	hiddenSubject = "Byte av klass för min dotter"
	hiddenAddress = "petra.gomd@example.se"
	hiddenText    = "Vi har flyttat till Storgatan"
)

var hiddenSecrets = []string{
	"hidden", "Petra", "Gömd", "Elev 9B", "Hemliga skolan", string(numberProtected), strings.TrimPrefix(string(numberProtected), "+"),
	hiddenSubject, "Byte av klass", hiddenAddress, hiddenText, "Storgatan",
}

// onlooker is an account of the permission test.
type onlooker struct {
	account    string // empty: nobody is signed in
	role       identity.Role
	sees       bool // is in the group that sees protected people
	supervises bool
}

var onlookers = []onlooker{
	{account: ""},
	{account: "agent", role: identity.Agent},
	{account: "supervisor", role: identity.Supervisor, supervises: true},
	{account: "administrator", role: identity.Administrator, supervises: true},
	{account: "group-agent", role: identity.Agent, sees: true},
	{account: "group-supervisor", role: identity.Supervisor, sees: true, supervises: true},
}

// surface is one place where a person could be shown.
type surfaceTest struct {
	name string
	// look returns all that the account is shown.
	look func(w *world, who onlooker) string
	// shows says that it shows the person to those who may see him; logged, under what name
	// that look is in the access log, if it is one at a person.
	shows  bool
	logged string
	// supervisors says that others than supervisors are refused.
	supervisors bool
	// administrators says that others than administrators are refused.
	administrators bool
	// listeners says that others than supervisors are refused, administrators among them.
	listeners bool
	// socket says that nobody can look without a console.
	socket bool
}

func stateOf(show func(w *world, agent contact.AgentID)) func(*world, onlooker) string {
	return func(w *world, who onlooker) string {
		if who.account == "" {
			return ""
		}
		agent := contact.AgentID(who.account)
		show(w, agent)
		// Tickets are read behind a state: what is shown before is tried as well.
		var all []ConsoleState
		for range 3 {
			all = append(all, w.ui.states.state(w.t.Context(), agent))
			w.ui.tasks.Wait()
		}
		text, err := json.Marshal(all)
		if err != nil {
			w.t.Fatal(err)
		}
		return string(text)
	}
}

func asked(method, path string, body any, headers ...string) func(*world, onlooker) string {
	return func(w *world, who onlooker) string {
		token := ""
		if who.account != "" {
			token = w.token(who.account)
		}
		r := w.do(method, "/api/v1"+path, token, body, headers...)
		header, err := json.Marshal(r.Header())
		if err != nil {
			w.t.Fatal(err)
		}
		return fmt.Sprint(r.Code, " ", r.Body, " ", string(header))
	}
}

func ringing(view bus.ContactView) func(*world, onlooker) string {
	return stateOf(func(w *world, agent contact.AgentID) { w.merge(bus.AgentView{Agent: agent}, offered(view, agent, 1)) })
}

func ongoing(view bus.ContactView) func(*world, onlooker) string {
	return stateOf(func(w *world, agent contact.AgentID) { w.merge(bus.AgentView{Agent: agent}, connected(view, agent, 1)) })
}

// hiddenCall, hiddenForm and hiddenMail are the protected person's contacts.
func hiddenCall() bus.ContactView {
	view := waitingContact("call", "staff", 1)
	view.Contact.Person = hiddenPerson
	return view
}

func hiddenWritten(channel contact.Channel) bus.ContactView {
	view := written(contact.ID(channel), channel, 1, 60_000)
	view.Contact.Person, view.Contact.Ticket = hiddenPerson, "SD-7"
	return view
}

// hiddenReply is a mail that goes on with the protected person's ticket; nothing else tells
// whose it is.
func hiddenReply() bus.ContactView {
	view := hiddenWritten(contact.Mail)
	view.Contact.Person = ""
	return view
}

// consulted shows the call of a colleague who asks the agent about it, or talks with him.
func consulted(talking bool) func(*world, onlooker) string {
	return stateOf(func(w *world, agent contact.AgentID) {
		w.personal.notes["call"] = hiddenText
		view := connected(hiddenCall(), "colleague", 1)
		view.State = contact.StateHeld
		view.Consult = &bus.ConsultView{Offer: 2, With: agent, Since: 1, Accepted: talking, Connected: talking}
		w.ui.board.merge(bus.Change{Contacts: []bus.ContactView{view}, Agents: []bus.AgentView{{Agent: agent, Contacts: []contact.ID{"call"}}}})
	})
}

// consultedBefore shows what is left of that once the two talk no more.
func consultedBefore() func(*world, onlooker) string {
	return stateOf(func(w *world, agent contact.AgentID) {
		view := connected(hiddenCall(), "colleague", 1)
		// The agent's view may be behind the contact's.
		w.ui.board.merge(bus.Change{Contacts: []bus.ContactView{view}, Agents: []bus.AgentView{{Agent: agent, Contacts: []contact.ID{"call"}}}})
	})
}

func callback() func(*world, onlooker) string {
	return stateOf(func(w *world, agent contact.AgentID) {
		view := hiddenCall()
		view.Callback = true
		w.merge(bus.AgentView{Agent: agent}, view)
	})
}

// talking shows the call of a colleague in which the supervisor takes part.
func talking() func(*world, onlooker) string {
	return stateOf(func(w *world, agent contact.AgentID) {
		view := connected(hiddenCall(), "colleague", 1)
		view.Supervisors = []bus.SupervisorView{{Supervisor: agent, Mode: contact.SuperviseListen}}
		view.Marks = []contact.MarkKind{contact.MarkThreat}
		w.ui.board.merge(bus.Change{Contacts: []bus.ContactView{view}, Agents: []bus.AgentView{{Agent: agent}}})
	})
}

func queued() func(*world, onlooker) string {
	return stateOf(func(w *world, agent contact.AgentID) {
		w.merge(bus.AgentView{Agent: agent}, hiddenCall(), hiddenWritten(contact.Form), hiddenWritten(contact.Mail))
	})
}

var surfaces = []surfaceTest{
	{name: "ring card, call", look: ringing(hiddenCall()), shows: true, logged: surfaceRing, socket: true},
	{name: "ring card, form", look: ringing(hiddenWritten(contact.Form)), shows: true, logged: surfaceRing, socket: true},
	{name: "ring card, mail", look: ringing(hiddenWritten(contact.Mail)), shows: true, logged: surfaceRing, socket: true},
	{name: "ring card, his ticket's mail", look: ringing(hiddenReply()), shows: true, logged: surfaceRing, socket: true},
	{name: "ongoing, his ticket's mail", look: ongoing(hiddenReply()), shows: true, logged: surfaceOngoing, socket: true},
	{name: "ring card, chat", look: ringing(hiddenWritten(contact.Chat)), shows: true, logged: surfaceRing, socket: true},
	{name: "ongoing, call", look: ongoing(hiddenCall()), shows: true, logged: surfaceOngoing, socket: true},
	{name: "ongoing, form", look: ongoing(hiddenWritten(contact.Form)), shows: true, logged: surfaceOngoing, socket: true},
	{name: "ongoing, mail", look: ongoing(hiddenWritten(contact.Mail)), shows: true, logged: surfaceOngoing, socket: true},
	{name: "ring card, a colleague's call", look: consulted(false), shows: true, logged: surfaceRing, socket: true},
	{name: "ongoing, a colleague's call", look: consulted(true), shows: true, logged: surfaceOngoing, socket: true},
	{name: "a colleague's call, talked about before", look: consultedBefore(), socket: true},
	{name: "call-backs", look: callback(), shows: true, logged: surfaceCallbacks, socket: true},
	{name: "queue", look: queued(), socket: true},
	{name: "ticket list", look: asked("POST", "/search/tickets", TicketSearch{}), shows: true, logged: surfaceList},
	{name: "ticket list, open", look: asked("POST", "/search/tickets", TicketSearch{Open: true}), shows: true, logged: surfaceList},
	{name: "ticket list, his", look: asked("POST", "/search/tickets", TicketSearch{Person: "hidden"}), shows: true, logged: surfaceList},
	{name: "search, subject", look: asked("POST", "/search/tickets", TicketSearch{Search: "Byte"}), shows: true, logged: surfaceSearch},
	{name: "search, name", look: asked("POST", "/search/tickets", TicketSearch{Search: "Petra"}), shows: true, logged: surfaceSearch},
	{name: "search, address", look: asked("POST", "/search/tickets", TicketSearch{Search: "gomd"}), shows: true, logged: surfaceSearch},
	{name: "search, text", look: asked("POST", "/search/tickets", TicketSearch{Search: "Storgatan"}), shows: true, logged: surfaceSearch},
	{name: "ticket", look: asked("GET", "/tickets/SD-7", nil), shows: true, logged: surfaceTicket},
	{name: "entry's HTML", look: asked("GET", "/tickets/SD-7/entries/1/html", nil), shows: true, logged: surfaceHTML},
	{name: "attachment", look: asked("GET", "/tickets/SD-7/attachments/1", nil), shows: true, logged: surfaceAttachment},
	{name: "note", look: asked("POST", "/tickets/SD-7/entries", map[string]string{"kind": "note", "text": "x"})},
	{name: "answer", look: asked("POST", "/tickets/SD-7/entries", map[string]string{"kind": "answer", "text": "x"})},
	{name: "status", look: asked("POST", "/tickets/SD-7/status", map[string]string{"status": "in-progress"})},
	{name: "own contacts", look: asked("GET", "/me/contacts", nil), shows: true, logged: surfaceOwnContacts},
	{name: "contacts", look: asked("GET", "/contacts", nil), supervisors: true},
	{name: "explanation", look: asked("GET", "/contacts/call/explanation", nil), supervisors: true},
	{name: "recording", look: asked("GET", "/contacts/call/recording", nil, "Svar-Reason", "complaint"), shows: true, logged: surfaceRecording, listeners: true},
	{name: "recordings", look: asked("GET", "/recordings", nil), listeners: true},
	{name: "calls of the desk", look: asked("GET", "/calls/outgoing", nil), supervisors: true},
	{name: "supervisors in talks", look: asked("GET", "/calls/supervisions", nil), supervisors: true},
	{name: "marks", look: asked("GET", "/calls/marks", nil), supervisors: true},
	{name: "talks", look: talking(), socket: true},
	{name: "figures", look: asked("GET", "/figures", nil), supervisors: true},
	{name: "figures, CSV", look: asked("GET", "/figures.csv", nil), supervisors: true},
	{name: "configuration", look: asked("POST", "/configuration/reload", nil), administrators: true},
	{name: "outage messages", look: asked("GET", "/notices", nil), supervisors: true},
}

// permissionWorld is one where the protected person is in everything.
func permissionWorld(t *testing.T) *world {
	w := newWorld(t)
	for _, who := range onlookers {
		if who.account != "" {
			w.accounts.set(identity.Account{Name: who.account, DisplayName: "N", Role: who.role, Active: true, SeesProtected: who.sees})
		}
	}
	w.personal.by["call"] = contact.Personal{Number: numberProtected}
	for _, channel := range []contact.ID{"form", "mail", "chat"} {
		w.personal.by[channel] = contact.Personal{Name: "Petra Gömd", Address: hiddenAddress, Subject: hiddenSubject}
	}
	hidden := w.ticket("SD-7", hiddenPerson, hiddenSubject)
	hidden.Reporter = ticket.Reporter{Person: hiddenPerson, Name: "Petra Gömd", Address: hiddenAddress}
	hidden.Entries = []ticket.Entry{{ID: 1, At: 2, Kind: ticket.FromUser, Text: hiddenText, HTML: true, Attachments: []ticket.Attachment{{ID: 1, Name: "Petra.pdf"}}}}
	w.tickets.put(hidden)
	earlier := hidden
	earlier.Number = "SD-6"
	w.tickets.put(earlier)
	w.ticket("SD-8", "karin", "Skrivaren på Storgatan i Hemliga skolan-projektet")
	w.tickets.html[1], w.tickets.files[1] = "<p>"+hiddenText+"</p>", []byte(hiddenText)
	w.contacts.list = []StoredContact{{
		ID: "call", Channel: contact.Voice, Line: "staff", State: contact.StateClosed, Arrived: w.ui.config.Now(),
		Transitions: []Transition{{Sequence: 1, Event: "contact-arrived", Data: json.RawMessage(`{"contact":{"id":"call","person":"hidden"}}`)}},
	}}
	w.explained.by["call"] = []report.Recorded{{Sequence: 1, Event: contact.ContactArrived{
		Contact: contact.Contact{ID: "call", Channel: contact.Voice, Line: "staff", Person: hiddenPerson},
	}}}
	for _, who := range onlookers {
		w.own.by[contact.AgentID(who.account)] = []report.AgentContact{
			{Contact: "call", Channel: contact.Voice, Line: "staff", Person: hiddenPerson, State: contact.StateClosed, Ticket: "SD-7", Taken: 2},
			{Contact: "mail", Channel: contact.Mail, Line: "mail", State: contact.StateClosed, Ticket: "SD-7", Taken: 1},
		}
	}
	w.recorded.by["call"] = hiddenText
	w.recorded.calls = []report.RecordedCall{{Contact: "call", Line: "staff", Agents: []contact.AgentID{"anna"}, Ticket: "SD-7"}}
	w.counted.rows = []report.Row{{Key: report.Key{Channel: contact.Voice, Line: "staff"}, Offered: 1}}
	return w
}

// Each role on each surface (requirement D1): nothing that could tell who the protected person
// is reaches anybody outside the group, it does reach the group, and each such look is logged.
func TestProtectedPeopleAreMaskedOnEverySurface(t *testing.T) {
	t.Parallel()
	for _, surface := range surfaces {
		for _, who := range onlookers {
			t.Run(surface.name+"/"+who.account, func(t *testing.T) {
				t.Parallel()
				w := permissionWorld(t)
				// Karin's ticket has words of the secrets, and is everybody's to see.
				shown := strings.ReplaceAll(surface.look(w, who), "Skrivaren på Storgatan i Hemliga skolan-projektet", "")
				w.ui.accesses.write(t.Context())
				logged := surface.logged != "" && w.access.has(who.account, surface.logged, hiddenPerson) > 0
				for _, secret := range hiddenSecrets {
					if !who.sees && strings.Contains(shown, secret) {
						t.Errorf("holds %q: %s", secret, shown)
					}
				}
				allowed := who.account != "" && (!surface.supervisors || who.supervises) && (!surface.administrators || who.role == identity.Administrator) && (!surface.listeners || who.role == identity.Supervisor)
				if !surface.socket {
					if refused := strings.HasPrefix(shown, "401 ") || strings.HasPrefix(shown, "403 "); refused && allowed && (who.sees || surface.supervisors || surface.administrators) || !refused && !allowed {
						t.Errorf("refused %v: %s", refused, shown)
					}
				}
				if shows := slices.ContainsFunc(hiddenSecrets, func(secret string) bool { return strings.Contains(shown, secret) }); shows != (surface.shows && who.sees && allowed) {
					t.Errorf("shows the person: %v: %s", shows, shown)
				}
				if logged != (surface.logged != "" && who.sees && allowed) {
					t.Errorf("logged %v: %+v", logged, w.access.list)
				}
			})
		}
	}
}

// Every operation is on a surface of the table above, or shows nobody.
func TestEveryOperationIsInThePermissionTable(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{ // by a surface, or for the reason that is given
		"GET /me/contacts": true, "GET /contacts": true, "GET /contacts/{id}/explanation": true, "GET /contacts/{id}/recording": true, "GET /recordings": true, "GET /calls/outgoing": true, "GET /calls/supervisions": true, "GET /calls/marks": true, "GET /figures": true, "GET /figures.csv": true, "GET /notices": true, "POST /search/tickets": true, "POST /configuration/reload": true,
		"GET /tickets/{number}": true, "GET /tickets/{number}/entries/{id}/html": true, "GET /tickets/{number}/attachments/{id}": true,
		"POST /tickets/{number}/entries": true, "POST /tickets/{number}/status": true,
		"PUT /prompts/{name}/{language}": true, "DELETE /prompts/{name}/{language}": true, // what lines say; see prompts_test.go
		"POST /session": true, "GET /session": true, "DELETE /session": true, // oneself
		"POST /tickets": true, "POST /notices": true, "POST /embargoes": true, // answer with a number or an id
		"POST /tickets/{number}/contacts": true, "POST /notices/{id}/withdraw": true, "POST /embargoes/{id}/lift": true, // answer nothing
	}
	var described struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(newWorld(t).do("GET", "/api/v1/openapi.json", "", nil).Body.Bytes(), &described); err != nil {
		t.Fatal(err)
	}
	for path, methods := range described.Paths {
		for method := range methods {
			if route := strings.ToUpper(method) + " " + strings.TrimPrefix(path, apiPath); !tried[route] {
				t.Errorf("%s is tried by no role: add it to the surfaces", route)
			}
		}
	}
}

// Somebody who is gone from the directory may have been protected in it.
func TestPeopleWhoAreGoneStayHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ticket("SD-1", "gone", hiddenSubject)
	if body := w.do("POST", "/api/v1/search/tickets", w.token("anna"), TicketSearch{}).Body.String(); strings.Contains(body, hiddenSubject) || !strings.Contains(body, `"masked":true`) {
		t.Error(body)
	}
}
