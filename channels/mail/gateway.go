package mail

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/emersion/go-imap/v2"
	"github.com/rs/zerolog"

	"svar/channels"
	"svar/contact"
)

// maxTries is how often a mail is given to [Post.Take] before it is set aside.
const maxTries = 3

// Gateway takes mails from mailboxes. It implements [channels.Gateway].
type Gateway struct {
	config Config
	signer signer

	mutex  sync.Mutex // guards states
	states map[contact.LineID]State
}

var _ channels.Gateway = (*Gateway)(nil)

// State is how a mailbox fares.
type State struct {
	// Connected says that the mailbox is read, Since from when on it is or is not.
	Connected bool
	Since     time.Time
	// Problem is why not, in words.
	Problem string
}

// New returns a gateway. It does nothing before [Gateway.Serve].
func New(config Config) (*Gateway, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	if config.Post == nil {
		return nil, errors.New("nobody was given who takes the mails")
	}
	g := &Gateway{config: config, signer: signer{config.Key}, states: map[contact.LineID]State{}}
	for _, mailbox := range config.Mailboxes {
		g.states[mailbox.Line] = State{Since: config.Now(), Problem: "not connected yet"}
	}
	return g, nil
}

// State returns how each mailbox fares.
func (g *Gateway) State(line contact.LineID) State {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.states[line]
}

// Serve takes mails until ctx ends; see [channels.Gateway].
func (g *Gateway) Serve(ctx context.Context) error {
	var readers sync.WaitGroup
	for _, mailbox := range g.config.Mailboxes {
		r := &reader{
			gateway: g, mailbox: mailbox,
			parser: parser{mailbox: mailbox, signer: g.signer, receiptLimit: g.config.ReceiptLimit},
			log:    g.config.Log.With().Str("line", string(mailbox.Line)).Logger(),
		}
		readers.Go(func() { r.run(ctx) })
	}
	readers.Wait()
	<-ctx.Done() // without mailboxes too
	return nil
}

// reader reads one mailbox.
type reader struct {
	gateway *Gateway
	mailbox Mailbox
	parser  parser
	log     zerolog.Logger
	// tried counts how often the mail at the place could not be stored.
	tried   int
	triedAt Cursor
}

// run connects, reads, and connects again after a while, until ctx ends.
func (r *reader) run(ctx context.Context) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 500*time.Millisecond, time.Minute
	for ctx.Err() == nil {
		err := r.read(ctx, pause.Reset)
		if ctx.Err() != nil {
			return
		}
		wait := pause.NextBackOff()
		r.note(State{Problem: plain(err)})
		r.log.Warn().Err(err).Dur("again_in", wait).Msg("the mailbox is not read")
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// read takes what has come, and then whatever comes, until something fails.
func (r *reader) read(ctx context.Context, healthy func()) error {
	config := r.gateway.config
	s, err := open(ctx, r.mailbox.IMAP, config.Timeout, config.MaxSize)
	if err != nil {
		return err
	}
	defer s.close()
	r.note(State{Connected: true})
	for {
		if err := r.takeNew(ctx, s); err != nil {
			return withCause(ctx, err)
		}
		healthy()
		if err := s.wait(ctx, config.IdleRefresh, config.Poll); err != nil {
			return withCause(ctx, err)
		}
	}
}

// takeNew takes everything behind the cursor, in order.
func (r *reader) takeNew(ctx context.Context, s *session) error {
	cursor, err := r.gateway.config.Post.Cursor(ctx, r.mailbox.Line)
	if err != nil {
		return fmt.Errorf("ask how far the mailbox was taken: %w", err)
	}
	if cursor.UIDValidity != s.validity {
		// The UIDs that we know are void. What was taken already is known by its Message-ID.
		r.log.Info().Uint32("uid_validity", s.validity).Msg("the mailbox is read from its beginning")
		cursor = Cursor{UIDValidity: s.validity}
	}
	uids, err := s.after(cursor.UID)
	if err != nil {
		return err
	}
	for _, uid := range uids {
		got, found, err := s.fetch(uid)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if err := r.take(ctx, got); err != nil {
			return err
		}
		if err := s.markSeen(uid); err != nil {
			r.log.Debug().Err(err).Msg("a mail could not be marked as seen")
		}
	}
	return nil
}

// take stores one mail, or sets it aside. An error means that it has to be tried again.
func (r *reader) take(ctx context.Context, got source) error {
	post, line := r.gateway.config.Post, r.mailbox.Line
	now := r.gateway.config.Now()
	if got.received.IsZero() {
		got.received = now
	}
	log := r.log.With().Uint32("uid_validity", got.at.UIDValidity).Uint32("uid", got.at.UID).Int("bytes", len(got.raw)).Logger()
	incoming, err := r.parser.parse(got, now)
	var unreadable *unreadableError
	if errors.As(err, &unreadable) {
		return r.quarantine(ctx, log, got, unreadable.reason)
	}
	if err != nil {
		return err
	}
	err = post.Take(ctx, incoming)
	if err == nil {
		log.Info().Bool("automatic", incoming.Automatic).Bool("bounce", incoming.Bounce != nil).Str("ticket", string(incoming.Ticket)).
			Int("attachments", len(incoming.Attachments)).Msg("a mail was taken")
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// It is the mail's fault only when everything else goes on: a database that is away must
	// not set a whole morning's mail aside (glpi#24200, glpi#24760).
	if _, asked := post.Cursor(ctx, line); asked != nil {
		return fmt.Errorf("store a mail: %w", err)
	}
	if r.triedAt != got.at {
		r.tried, r.triedAt = 0, got.at
	}
	if r.tried++; r.tried < maxTries {
		return fmt.Errorf("store a mail, try %d of %d: %w", r.tried, maxTries, err)
	}
	log.Error().Err(err).Msg("a mail could not be stored")
	return r.quarantine(ctx, log, got, fmt.Sprintf("the mail could not be stored in %d tries", maxTries))
}

func (r *reader) quarantine(ctx context.Context, log zerolog.Logger, got source, reason string) error {
	if err := r.gateway.config.Post.Quarantine(ctx, r.mailbox.Line, got.at, got.raw, reason); err != nil {
		return fmt.Errorf("set a mail aside: %w", err)
	}
	log.Error().Str("reason", reason).Msg("a mail was set aside")
	return nil
}

// note keeps how the mailbox fares, and since when.
func (r *reader) note(now State) {
	g := r.gateway
	g.mutex.Lock()
	defer g.mutex.Unlock()
	before := g.states[r.mailbox.Line]
	now.Since = before.Since
	if before.Connected != now.Connected {
		now.Since = g.config.Now()
	}
	g.states[r.mailbox.Line] = now
}

// plain says for people what is wrong with a mailbox, without what servers say.
func plain(err error) string {
	var refused *imap.Error
	switch {
	case errors.As(err, &refused):
		return "the mail server refuses us: " + string(refused.Code)
	case errors.Is(err, errConnectionLost):
		return "the connection to the mail server was lost"
	}
	return "the mail server or the database cannot be reached"
}
