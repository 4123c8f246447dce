package agentui

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"svar/contact"
	"svar/identity"
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
	Signals  Signals
	Accounts Accounts
	People   People
	Personal Personal
	Figures  Figures
	Contacts Contacts
	// SessionKey signs sessions; at least 32 bytes, the same on all nodes.
	SessionKey []byte
	// Lines are shown in this order. LookUps are those whose callers are looked up.
	Lines        []LineInfo
	LookUps      map[contact.LineID]bool
	PauseReasons []string
	OutcomeCodes []contact.OutcomeCode
	ICEServers   []IceServer
	Now          func() time.Time
	Log          zerolog.Logger
}

// UI is made by [New] and works while [UI.Run] runs.
type UI struct {
	config      Config
	signer      *identity.Signer
	revocations *identity.Revocations
	attempts    *attempts
	board       *Board
	states      *stateMaker
	consoles    *consoles
	reach       *reach
	figures     *figures

	life  context.Context
	end   context.CancelFunc
	tasks sync.WaitGroup
}

// New returns a surface that follows nothing yet.
func New(config Config) (*UI, error) {
	signer, err := identity.NewSigner(config.SessionKey)
	if err != nil {
		return nil, err
	}
	u := &UI{
		config: config, signer: signer, revocations: identity.NewRevocations(), attempts: newAttempts(),
		board: NewBoard(config.Changes, config.Log), consoles: &consoles{open: map[contact.AgentID][]*console{}},
	}
	u.life, u.end = context.WithCancel(context.Background())
	now := func() contact.Instant { return contact.InstantOf(config.Now()) }
	u.reach = newReach(u.life, &u.tasks, config.Node, config.Commands, config.Log)
	u.figures = &figures{source: config.Figures, now: now, log: config.Log}
	u.states = &stateMaker{
		board: u.board, personal: config.Personal, people: config.People, figures: u.figures, lookUps: config.LookUps, now: now,
	}
	for _, line := range config.Lines {
		u.states.order = append(u.states.order, line.ID)
	}
	u.board.updated = func(change bus.Change) {
		for _, agent := range change.Agents {
			u.reach.heard(agent)
		}
		u.consoles.changed()
	}
	return u, nil
}

// Run follows the queue until ctx ends, then closes all consoles and returns when
// nothing is left of them.
func (u *UI) Run(ctx context.Context) error {
	stop, err := u.config.Signals.FollowAgentSignals(u.consoles.signal)
	if err != nil {
		return err
	}
	u.tasks.Go(func() { u.figures.run(u.life) })
	var failed error
	u.tasks.Go(func() {
		if err := u.board.Run(u.life); err != nil {
			failed = err
		}
	})
	<-ctx.Done()
	u.end()
	u.reach.stop()
	u.tasks.Wait()
	return errors.Join(failed, stop())
}

// Open is the number of open consoles.
func (u *UI) Open() int {
	u.consoles.mutex.Lock()
	defer u.consoles.mutex.Unlock()
	n := 0
	for _, list := range u.consoles.open {
		n += len(list)
	}
	return n
}

func (u *UI) hello(account identity.Account) Hello {
	return Hello{
		Protocol: ProtocolVersion, Agent: contact.AgentID(account.Name), Name: account.DisplayName, Role: string(account.Role),
		Lines: u.config.Lines, PauseReasons: u.config.PauseReasons, OutcomeCodes: u.config.OutcomeCodes,
		IceServers: append([]IceServer{}, u.config.ICEServers...),
	}
}

// Handler serves /console, its socket and /api/v1.
func (u *UI) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /console", http.RedirectHandler("/console/", http.StatusPermanentRedirect))
	mux.HandleFunc("GET /console/socket", u.serveSocket)
	mux.Handle("GET /console/", servePages())
	u.serveAPI(mux)
	// Pages of other origins cannot make a browser send anything that changes state here.
	return secureHeaders(http.NewCrossOriginProtection().Handler(mux))
}
