package agentui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"svar/agentui/web"
	"svar/contact"
	"svar/identity"
	"svar/identity/signin"
	"svar/queue/bus"
)

// Accounts are those who may sign in, in memory.
type Accounts interface {
	// Account returns the active account of a name.
	Account(name string) (identity.Account, bool)
}

// Config is what the agents' surface is made of. All fields are needed.
type Config struct {
	Node     contact.NodeID
	Commands sender
	Changes  Changes
	// Waits says how long contacts are expected to wait.
	Waits   Waits
	Signals Signals
	// Controls are what agents do with their calls; Echo lets them hear themselves.
	Controls Controls
	Echo     EchoCalls
	Accounts Accounts
	People   People
	Personal Personal
	// Phones are the desk phones, and Recordings what was recorded of calls; nil when there are none.
	Phones Phones
	// Trunks are the ways into the telephone network; nil when there are none.
	Trunks     Trunks
	Recordings Recordings
	// CallLog tells of calls that the desk made, supervisors in talks, and marks.
	CallLog CallLog
	// RecordedCalls tell of which calls there are recordings.
	RecordedCalls RecordedCalls
	Figures       Figures
	Contacts      Contacts
	// OwnContacts are those that an agent had.
	OwnContacts OwnContacts
	// Explanations are what was recorded of each contact.
	Explanations Explanations
	Tickets      Tickets
	// Conversations are the chats.
	Conversations Conversations
	// Notices are those that stand, in memory; NoticeDesk is where they are published.
	Notices        Notices
	NoticeDesk     NoticeDesk
	ContactFigures ContactFigures
	// Access is where looks at people are logged.
	Access AccessLog
	// SessionKey signs sessions; at least 32 bytes, the same on all nodes.
	SessionKey []byte
	// Prompts are what lines say.
	Prompts Prompts
	// Configuration can be read again.
	Configuration Configuration
	// Catalogue holds until the first [UI.Reconfigure].
	Catalogue  Catalogue
	ICEServers []IceServer
	Now        func() time.Time
	Log        zerolog.Logger
}

// UI is made by [New] and works while [UI.Run] runs.
type UI struct {
	config      Config
	catalogue   *atomic.Pointer[Catalogue]
	signer      *identity.Signer
	revocations *identity.Revocations
	attempts    *signin.Attempts
	board       *Board
	states      *stateMaker
	consoles    *consoles
	reach       *reach
	figures     *figures
	earlier     *earlierTickets
	accesses    *accesses
	waits       *waits
	trunks      downTrunks

	life  context.Context
	end   context.CancelFunc
	tasks sync.WaitGroup
	// ending is held while life ends, so that no task begins when the last is waited for.
	ending sync.Mutex
}

// New returns a surface that follows nothing yet.
func New(config Config) (*UI, error) {
	signer, err := identity.NewSigner(config.SessionKey)
	if err != nil {
		return nil, err
	}
	if config.Phones == nil {
		config.Phones = noPhones{}
	}
	if config.Trunks == nil {
		config.Trunks = noTrunks{}
	}
	u := &UI{
		config: config, catalogue: &atomic.Pointer[Catalogue]{}, signer: signer, revocations: identity.NewRevocations(), attempts: signin.New(),
		board: NewBoard(config.Changes, config.Log), consoles: &consoles{open: map[contact.AgentID][]*console{}, colleaguesPerSecond: colleaguesPerSecond},
	}
	u.catalogue.Store(&config.Catalogue)
	u.life, u.end = context.WithCancel(context.Background())
	now := func() contact.Instant { return contact.InstantOf(config.Now()) }
	u.reach = newReach(u.life, &u.tasks, config.Node, config.Commands, config.Log)
	u.figures = &figures{source: config.Figures, stored: config.Contacts, now: now, log: config.Log, read: u.figuresRead}
	u.accesses = newAccesses(config.Access, config.Now, config.Log)
	u.earlier = newEarlierTickets(config.Tickets, config.People, config.Now, config.Log)
	u.earlier.begin, u.earlier.read = u.inBackground, u.consoles.changed
	u.states = &stateMaker{
		board: u.board, accounts: config.Accounts, phones: config.Phones, earlier: u.earlier, accesses: u.accesses, notices: config.Notices,
		notes: newNotes(config.Personal), figures: u.figures, now: now, catalogue: u.catalogue,
		callers: &callers{
			personal: config.Personal, people: config.People, catalogue: u.catalogue, log: config.Log,
			kept: map[contact.ID]contact.Personal{},
		},
	}
	u.waits = &waits{source: config.Waits, log: config.Log}
	u.states.waits, u.states.trunks = u.waits, &u.trunks
	u.consoles.renew = u.states.renew
	u.board.updated = func(change bus.Change) {
		for _, agent := range change.Agents {
			u.reach.heard(agent)
		}
		u.consoles.changed()
		u.consoles.changedFor(concerned(change)...)
	}
	return u, nil
}

// Run follows the queue until ctx ends or the queue cannot be followed, then closes all
// consoles and returns when nothing is left of them. It is called once.
func (u *UI) Run(ctx context.Context) error {
	stop, err := u.config.Signals.FollowAgentSignals(u.consoles.signal)
	if err != nil {
		return fmt.Errorf("follow the signals to agents: %w", err)
	}
	defer u.config.Phones.FollowPhones(func(agent contact.AgentID) { u.consoles.changedFor(agent) })()
	failed := make(chan error, 1)
	u.tasks.Go(func() { u.figures.run(u.life) })
	u.tasks.Go(func() { u.watchNotices(u.life) })
	u.tasks.Go(func() { u.watchWaits(u.life) })
	u.tasks.Go(func() { u.watchTrunks(u.life) })
	u.tasks.Go(func() { failed <- u.board.Run(u.life) })
	// What the last consoles show is logged too: this ends after all others.
	logging, endLogging := context.WithCancel(context.Background())
	var logged sync.WaitGroup
	logged.Go(func() { u.accesses.run(logging) })
	defer func() { endLogging(); logged.Wait() }()
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	u.ending.Lock()
	u.end()
	u.ending.Unlock()
	u.reach.stop()
	u.tasks.Wait()
	return errors.Join(err, stop())
}

// begin counts a task that Run waits for, unless it waits already.
func (u *UI) begin() bool {
	u.ending.Lock()
	defer u.ending.Unlock()
	if u.life.Err() != nil {
		return false
	}
	u.tasks.Add(1)
	return true
}

// inBackground runs a task that Run waits for. It is not run while the surface ends.
func (u *UI) inBackground(task func(context.Context)) {
	if !u.begin() {
		return
	}
	go func() {
		defer u.tasks.Done()
		task(u.life)
	}()
}

// Open is the number of open consoles.
func (u *UI) Open() int { return u.consoles.count() }

func (u *UI) hello(account identity.Account) Hello {
	c := u.catalogue.Load()
	return Hello{
		Protocol: ProtocolVersion, Agent: contact.AgentID(account.Name), Name: account.DisplayName, Role: string(account.Role),
		Lines: listOf(c.Lines), PauseReasons: listOf(c.PauseReasons), Groups: listOf(c.Groups), OutcomeCodes: listOf(c.OutcomeCodes),
		IceServers: listOf(u.config.ICEServers), Services: listOf(c.Services),
		Publishes: supervises(account), SeesFigures: supervises(account), WrapUpExtensionMs: c.WrapUpExtension,
		Destinations: listOf(c.Destinations), Supervises: joinsTalks(account), CallsLines: c.callsLines(),
	}
}

// listOf returns the list, never null in JSON.
func listOf[T any](list []T) []T { return append([]T{}, list...) }

// figuresRead is called after the figures were read anew.
func (u *UI) figuresRead(changed bool, last contact.Instant) {
	u.board.remember(last)
	missing := u.earlier.again()
	if u.states.again() || changed || missing {
		u.consoles.changed()
	}
}

// Handler serves /console, its socket and /api/v1.
func (u *UI) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /console", http.RedirectHandler("/console/", http.StatusPermanentRedirect))
	mux.HandleFunc("GET /console/socket", u.serveSocket)
	mux.Handle("GET /console/", servePages(web.Pages()))
	u.serveAPI(mux)
	// Pages of other origins cannot make a browser send anything that changes state here.
	own := http.NewCrossOriginProtection()
	own.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusForbidden, "the request comes from a page of another origin")
	}))
	return secureHeaders(own.Handler(mux))
}
