package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"svar/agentui"
	"svar/channels"
	"svar/channels/chat"
	"svar/channels/mail"
	"svar/channels/media"
	"svar/channels/phone"
	"svar/channels/portal"
	"svar/channels/switchboard"
	"svar/channels/webrtc"
	"svar/configs"
	"svar/contact"
	"svar/identity"
	"svar/queue/bus"
	"svar/queue/dispatch"
	"svar/queue/journal"
	"svar/store"
	"svar/store/private"
)

// Options are what an App is made of.
type Options struct {
	// Data is the one directory that everything is written to.
	Data   string
	Config configs.Config
	Log    zerolog.Logger
	// Load reads the configuration again; nil when it cannot be. Hangups ask for that (SIGHUP), as
	// administrators do by the API.
	Load    func() (configs.Config, error)
	Hangups <-chan os.Signal

	// intake, when set, stands between the phone lines and the switchboard: a test holds
	// a call back there before it is on record.
	intake func(channels.Intake) channels.Intake
	// speaker, when set, stands before the speech engine: the tests' Apps have what they say made once.
	speaker func(media.Speaker) media.Speaker
	// storeBytes, when set, is all that the journal's streams may have: a test fills them.
	storeBytes int64
}

// App is one running node: main runs it, and so do the end-to-end tests. It is made by
// [Start] and ended by [App.Close].
type App struct {
	options Options
	// live is the configuration that holds for what begins now; reloading is held while it is replaced.
	live      atomic.Pointer[configs.Config]
	reloading sync.Mutex

	// stops end what was started, the newest first.
	stops []stop
	// failed gets the first error of a part that ended by itself, and abort ends a start that
	// may wait for that part.
	failed chan error
	abort  context.CancelCauseFunc

	node       contact.NodeID
	store      *store.Store
	database   string
	natsURL    string
	conn       *nats.Conn
	bus        *bus.Bus
	journal    *journal.Journal
	personal   *journal.Personal
	chats      *journal.Chats
	directory  *directory
	notices    *noticeBoard
	demoHash   string // that of the demo accounts' password
	pacer      *media.Pacer
	speech     speech
	prompts    *promptCatalogue
	recordings *recordings
	nuisance   *nuisanceCallers
	phone      *phone.Gateway
	voice      *webrtc.Gateway
	chat       *chat.Gateway
	sender     *mail.Sender
	portal     *portal.Portal
	board      *switchboard.Switchboard
	ui         *agentui.UI
	http       net.Listener

	// How it is watched, and served by TLS. https and certificates are nil without HTTPS, the
	// dispatcher on a node without an engine, mailboxes when none is read.
	https        net.Listener
	certificates certificates
	metrics      *metrics
	watch        *watch
	dispatcher   *dispatch.Dispatcher
	// guard knows how much room the journal has; nil when NATS is elsewhere.
	guard     *journal.Guard
	mailboxes *mail.Gateway
	// ending says that the App is being closed.
	ending atomic.Bool
}

type stop struct {
	what string
	do   func(context.Context) error
}

// closeTime bounds the end of each part.
const closeTime = 20 * time.Second

// Start starts everything in order and returns when calls are taken. After an error
// nothing is left running.
func Start(ctx context.Context, options Options) (_ *App, err error) {
	a := &App{options: options, failed: make(chan error, 1), metrics: newMetrics()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	a.live.Store(&a.options.Config)
	starting, abort := context.WithCancelCause(ctx)
	a.abort = abort
	for _, start := range []func(context.Context) error{
		a.takeDirectory, a.openSite, a.startStores, a.startProjection, a.startQueue, a.startDirectory,
		a.startNotices, a.startGateways, a.startMail, a.startJobs, a.startConsole, a.startPortal, a.startWatch, a.startHTTP, a.startReload, a.startSpeaking,
	} {
		err := start(starting)
		if cause := context.Cause(starting); err != nil && cause != nil && ctx.Err() == nil {
			return a, cause
		}
		if err != nil {
			return a, err
		}
	}
	return a, nil
}

// Run waits until ctx ends or a part fails, whose error it returns.
func (a *App) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.failed:
		return err
	}
}

// Close ends everything, the newest first: no process, socket or goroutine is left.
// Calls that are alive are ended and go on as call-backs.
func (a *App) Close() error {
	a.ending.Store(true)
	var faults []error
	for len(a.stops) > 0 {
		last := a.stops[len(a.stops)-1]
		a.stops = a.stops[:len(a.stops)-1]
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		if err := last.do(ctx); err != nil {
			faults = append(faults, fmt.Errorf("end %s: %w", last.what, err))
		}
		cancel()
	}
	return errors.Join(faults...)
}

// onClose adds how a part is ended.
func (a *App) onClose(what string, do func(context.Context) error) {
	a.stops = append(a.stops, stop{what: what, do: do})
}

// run runs a part in the background until it is closed. A part that ends by itself ends
// the App.
func (a *App) run(what string, part func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	var result error
	over := make(chan struct{})
	go func() {
		defer close(over)
		failure := part(ctx)
		if ctx.Err() != nil {
			if !errors.Is(failure, context.Canceled) {
				result = failure
			}
			return
		}
		if failure == nil {
			failure = errors.New("it ended by itself")
		}
		failure = fmt.Errorf("%s: %w", what, failure)
		select {
		case a.failed <- failure:
		default:
		}
		a.abort(failure)
	}()
	a.onClose(what, func(bounded context.Context) error {
		cancel()
		select {
		case <-over:
			return result
		case <-bounded.Done():
			return bounded.Err()
		}
	})
}

func (a *App) takeDirectory(context.Context) error {
	if err := os.MkdirAll(a.options.Data, 0o755); err != nil {
		return fmt.Errorf("make the data directory: %w; choose another one with --data", err)
	}
	if err := checkDataDirectory(a.options.Data); err != nil {
		return err
	}
	lock, err := private.Lock(a.options.Data)
	if err != nil {
		return err
	}
	a.onClose("the lock of the data directory", func(context.Context) error { return lock.Release() })
	a.node, err = nodeID(filepath.Join(a.options.Data, "node"))
	return err
}

// startStores starts PostgreSQL, NATS and the voice's library at the same time: they do
// not need each other, and the first start of PostgreSQL takes the longest.
func (a *App) startStores(ctx context.Context) error {
	var databaseStop, natsStop stop
	var databaseErr, natsErr, soundErr error
	var all sync.WaitGroup
	all.Go(func() { databaseStop, databaseErr = a.startDatabase(ctx) })
	all.Go(func() { natsStop, natsErr = a.startNATS(ctx) })
	all.Go(func() { soundErr = a.makePrompts(ctx) })
	all.Wait()
	for _, s := range []stop{databaseStop, natsStop} {
		if s.do != nil {
			a.stops = append(a.stops, s)
		}
	}
	return errors.Join(databaseErr, natsErr, soundErr)
}

func (a *App) startDatabase(ctx context.Context) (stop, error) {
	var end stop
	a.database = a.options.Config.Database.URL
	if a.database == "" {
		cluster, err := private.Start(ctx, private.Config{Dir: filepath.Join(a.options.Data, "postgres"), Log: a.options.Log})
		if err != nil {
			return end, err
		}
		end = stop{what: "the private PostgreSQL", do: cluster.Stop}
		a.database = cluster.ConnString()
	}
	if err := store.Migrate(ctx, a.database); err != nil {
		if a.options.Config.Database.URL != "" {
			err = fmt.Errorf("%w (database.url, SVAR_DATABASE_URL)", err)
		}
		return end, err
	}
	opened, err := store.Open(ctx, a.database)
	if err != nil {
		return end, err
	}
	a.store = opened
	endCluster := end.do
	return stop{what: "the database", do: func(ctx context.Context) error {
		opened.Close()
		if endCluster == nil {
			return nil
		}
		return endCluster(ctx)
	}}, nil
}

func (a *App) startNATS(ctx context.Context) (stop, error) {
	settings := a.options.Config.NATS
	var end stop
	var err error
	if settings.URL != "" {
		a.natsURL = settings.URL
		a.conn, err = journal.Connect(ctx, settings.URL, settings.Token)
	} else {
		var server *journal.Embedded
		server, err = journal.StartEmbedded(ctx, journal.EmbeddedConfig{
			Dir: filepath.Join(a.options.Data, journalDirectory), ReadersFile: filepath.Join(a.options.Data, journalReaders), Listen: settings.Listen, Token: settings.Token, MaxStoreBytes: a.options.storeBytes, Log: a.options.Log,
		})
		if err == nil {
			end = stop{what: "NATS", do: server.Shutdown}
			a.natsURL, a.guard = server.ClientURL(), server.Guard()
			a.conn, err = server.Connect(string(a.node))
		}
	}
	if err != nil {
		return end, err
	}
	endServer := end.do
	end = stop{what: "NATS", do: func(ctx context.Context) error {
		var legs error
		if a.personal != nil {
			legs = a.personal.Close()
		}
		a.conn.Close()
		if endServer == nil {
			return legs
		}
		return errors.Join(legs, endServer(ctx))
	}}
	a.bus = bus.New(a.conn)
	if settings := a.options.Config.NATS; settings.URL == "" && settings.Listen == "" {
		a.bus = bus.NewAlone(a.conn)
	}
	guarded := journal.GuardedBy(a.guard)
	if a.journal, err = journal.Open(ctx, a.conn, guarded); err != nil {
		return end, err
	}
	if a.personal, err = journal.OpenPersonal(ctx, a.conn, filepath.Join(a.options.Data, legsFile), guarded); err != nil {
		return end, err
	}
	a.chats, err = journal.OpenChats(ctx, a.conn, guarded)
	return end, err
}

// startQueue begins to lead the queue, if this node may, and gives it its rules.
func (a *App) startQueue(ctx context.Context) error {
	if !a.options.Config.NATS.Engine {
		return nil
	}
	a.run("snapshots", dispatch.Snapshotter{Journal: a.journal, Log: a.options.Log}.Run)
	seen, err := a.store.Projected(ctx)
	if err != nil {
		return err
	}
	dispatcher := dispatch.New(dispatch.Config{
		Node: a.node, Journal: a.journal, Bus: a.bus, Seen: seen, Now: time.Now, Log: a.options.Log,
		Observe: a.metrics.turn,
	})
	a.dispatcher = dispatcher
	a.run("the dispatcher", dispatcher.Run)
	select {
	case <-dispatcher.Ready():
	case err := <-a.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	return a.bus.Send(ctx, contact.ChangeRules{Rules: a.options.Config.Rules()})
}

func (a *App) startGateways(ctx context.Context) error {
	config := a.options.Config
	a.pacer = media.NewPacer()
	a.onClose("the pacer", func(context.Context) error { return a.pacer.Close() })
	voice, err := webrtc.New(webrtc.Config{
		UDPAddress: config.Voice.Address.String(), TCPAddress: config.Voice.Address.String(),
		PublicAddresses: written(config.Voice.Public), Legs: config.Voice.MaxLegs,
		Pacer: a.pacer, Prompts: a.prompts, Log: a.options.Log,
	})
	if err != nil {
		return fmt.Errorf("take agents' voice on %s: %w; end what uses that port, or set voice.address (SVAR_VOICE_ADDRESS) to another one", config.Voice.Address, err)
	}
	a.voice = voice
	a.run("the agents' voice", voice.Serve)

	agents := newAgentPhones(a, voice)
	a.onClose("what is told of desk phones", agents.close)
	orphans, restorers := map[contact.Channel]channels.OrphanEnder{}, map[contact.Channel]channels.LegRestorer{}
	board := switchboard.Config{
		Node: a.node, Lines: switchboardLines(config), Dispatcher: a.bus, Personal: a.personal,
		Callers: a.directory, Agents: agents, Orphans: orphans, Restorers: restorers, Notices: a.notices,
		Destinations: func(id contact.DestinationID) (identity.Number, bool) { return a.config().Destination(id) }, Pacer: a.pacer,
		Transfers:  a.transferTo,
		VoiceGrace: config.Desk.VoiceGrace.Duration(), Hours: config.Hours.Opening(), Log: a.options.Log, Now: time.Now, NewLeg: newLegID,
	}
	dialler := &lateDialler{}
	if config.Phone.OutboundAddress() != "" {
		board.Dialler = dialler
	}
	waiting := newWaitingCallers(a.bus, a.personal, a.options.Log)
	key, err := secret(filepath.Join(a.options.Data, "session.key"))
	if err != nil {
		return err
	}
	if a.nuisance, err = newNuisanceCallers(ctx, key, a.store, a.personal, a.config, a.options.Log); err != nil {
		return err
	}
	left, err := a.openRecordings()
	if err != nil {
		return err
	}
	waiting.marked = a.nuisance.marked
	board.Callbacks, board.Nuisances, board.Recordings, board.Protection = waiting, a.nuisance, a.recordings, a.directory
	a.run("the callers who wait to be called back", waiting.run)
	if a.board, err = switchboard.New(board); err != nil {
		return err
	}
	telephone, err := phoneConfig(config, a)
	if err != nil {
		return err
	}
	if a.phone, err = phone.New(telephone); err != nil {
		return err
	}
	dialler.Dialler, agents.phones = a.phone, a.phone
	if a.chat, err = chat.New(chatConfig(config, a)); err != nil {
		return err
	}
	if err := a.phone.Listen(ctx); err != nil {
		return fmt.Errorf("%w (phone.address, SVAR_PHONE_ADDRESS)", err)
	}
	orphans[contact.Voice], restorers[contact.Chat] = a.phone, a.chat
	a.run("the phone lines", a.phone.Serve)
	a.run("the chats", a.chat.Serve)
	a.onClose("the switchboard", a.board.Close)
	if err := a.board.Start(ctx); err != nil {
		return err
	}
	a.reportRecordings(ctx, left)
	a.chat.Restored()
	return nil
}

// lateDialler makes calls by the phone lines, which are made after the switchboard that they
// hand their calls to.
type lateDialler struct{ channels.Dialler }

// startMail begins to read the mailboxes, and makes what sends for them.
func (a *App) startMail(context.Context) error {
	key, err := secret(filepath.Join(a.options.Data, "mail.key"))
	if err != nil {
		return err
	}
	config, err := mailConfig(a, key)
	if err != nil {
		return err
	}
	if a.sender, err = mail.NewSender(config); err != nil {
		return err
	}
	if len(config.Mailboxes) == 0 {
		return nil
	}
	gateway, err := mail.New(config)
	if err != nil {
		return err
	}
	a.mailboxes = gateway
	a.run("the mailboxes", gateway.Serve)
	return nil
}

func (a *App) startConsole(context.Context) error {
	key, err := secret(filepath.Join(a.options.Data, "session.key"))
	if err != nil {
		return err
	}
	ui, err := agentui.New(consoleConfig(a, key))
	if err != nil {
		return err
	}
	a.ui = ui
	a.run("the consoles", ui.Run)
	return nil
}

func (a *App) startPortal(context.Context) error {
	key, err := secret(filepath.Join(a.options.Data, "session.key"))
	if err != nil {
		return err
	}
	a.portal, err = portal.New(portalConfig(a, key))
	return err
}

// HTTPAddress is where browsers are taken without TLS.
func (a *App) HTTPAddress() net.Addr { return a.http.Addr() }

// HTTPSAddress is where browsers are taken by TLS; nil when they are not.
func (a *App) HTTPSAddress() net.Addr {
	if a.https == nil {
		return nil
	}
	return a.https.Addr()
}
