package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"time"

	"svar/channels"
	"svar/channels/phone"
	"svar/configs"
	"svar/contact"
	"svar/identity"
	"svar/store"
)

// agentPhones reach agents where they take calls: at their desk phone while it is registered, and in
// their browser otherwise. Calls of desk phones outlive the process, so they are on record as the
// users' are, and the next process ends them.
type agentPhones struct {
	app     *App
	phones  channels.Endpoint // set once the phone lines are made
	browser channels.Endpoint

	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup
}

func newAgentPhones(a *App, browser channels.Endpoint) *agentPhones {
	p := &agentPhones{app: a, browser: browser}
	p.life, p.end = context.WithCancel(context.Background())
	return p
}

// Ring implements [channels.Endpoint].
func (p *agentPhones) Ring(ctx context.Context, r channels.Ring) (channels.Leg, error) {
	leg, err := p.phones.Ring(ctx, r)
	if errors.Is(err, phone.ErrNoPhone) {
		return p.browser.Ring(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	p.running.Go(func() { p.keepRecord(r.Contact, leg) })
	return leg, nil
}

// recordTime bounds the writing of one leg's record.
const recordTime = 10 * time.Second

// keepRecord keeps the record of a leg as long as it lives.
func (p *agentPhones) keepRecord(of contact.ID, leg channels.Leg) {
	record := contact.LegRecord{Node: p.app.node, Contact: of, Channel: contact.Voice, Leg: leg.ID()}
	log := p.app.options.Log.With().Str("contact", string(of)).Str("leg", string(leg.ID())).Logger()
	put := func() {
		ctx, cancel := context.WithTimeout(p.life, recordTime)
		defer cancel()
		record.Gateway = leg.Record()
		if err := p.app.personal.PutLeg(ctx, record); err != nil {
			log.Error().Err(err).Msg("a desk phone's call could not be put on record")
		}
	}
	put()
	if picked, able := leg.(channels.PickedUp); able {
		select {
		case <-picked.PickedUp():
			put()
		case <-leg.Done():
		}
	}
	<-leg.Done() // at the latest when the phone lines end, which is before this does
	ctx, cancel := context.WithTimeout(context.Background(), recordTime)
	defer cancel()
	if err := p.app.personal.DeleteLeg(ctx, record); err != nil {
		log.Error().Err(err).Msg("the record of an ended call could not be deleted; the next start will try to end that call")
	}
}

// close waits until the records are as the calls are.
func (p *agentPhones) close(ctx context.Context) error {
	defer p.end()
	unlink := context.AfterFunc(ctx, p.end)
	defer unlink()
	p.running.Wait()
	return nil
}

// shownOnPhone is what an agent's desk phone shows of a caller: the line's name, and the number that
// his console would show. Swedish, as telephones ask for no language.
func (a *App) shownOnPhone(agent contact.AgentID, line contact.LineID, who identity.CallerID) phone.Shown {
	var shown phone.Shown
	lookUp := false
	for _, configured := range a.config().Lines {
		if configured.ID == line {
			shown.Name, lookUp = configured.Name["sv"], configured.LookUp
		}
	}
	account, known := a.directory.Account(string(agent))
	if !known {
		return shown
	}
	var matches []identity.Person
	if lookUp && who.Number != "" {
		matches = a.directory.Directory().ByNumber(who.Number)
	}
	card := identity.PresentCaller(who, matches, account.Viewer())
	if card.Kind != identity.CallerProtected && card.Kind != identity.CallerWithheld {
		shown.Number = card.Number
	}
	return shown
}

// transferTo is to whom a contact goes that an agent sends on at his desk phone by what he dialled: a place outside by
// its number or id, a colleague by the name of his account, or a competence group by its id. These are those that
// his console offers; nobody else is reached by it.
func (a *App) transferTo(agent contact.AgentID, dialled string) (contact.Destination, bool) {
	config := a.config()
	number, err := identity.ParseNumber(dialled, identity.HomeRegion)
	for _, place := range config.Destinations {
		called, right := place.Called()
		if strings.EqualFold(string(place.ID), dialled) || err == nil && right && called == number {
			return contact.Destination{Outside: place.ID}, true
		}
	}
	if _, known := a.directory.Account(dialled); known {
		return contact.Destination{Agent: contact.AgentID(dialled)}, dialled != string(agent)
	}
	for _, group := range config.Groups {
		if strings.EqualFold(string(group.ID), dialled) {
			return contact.Destination{Needs: contact.Needs{{Skill: group.ID, Level: 1}}}, true
		}
	}
	return contact.Destination{}, false
}

type userPhoneCommand struct {
	Account string `arg:"" help:"The login name."`
	Remove  bool   `help:"Take the desk phone away: it rings no more, and its password is worth nothing."`
}

// Run implements the command.
func (c userPhoneCommand) Run(ctx context.Context, out io.Writer, g *global) error {
	config, err := g.load()
	if err != nil {
		return err
	}
	return withStore(ctx, g, func(s *store.Store) error {
		if c.Remove {
			return c.remove(ctx, out, s)
		}
		password := identity.NewPhonePassword()
		err := s.PutPhoneSecret(ctx, time.Now(), c.Account, identity.NewPhoneSecret(c.Account, password))
		if errors.Is(err, store.ErrNoAccount) {
			return fmt.Errorf("%s: %w; svar user add makes one", c.Account, err)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, phoneSettings, c.Account, phoneServer(config)+phoneServerTLS(config), c.Account, c.Account, password, identity.PhoneRealm)
		return err
	})
}

// phoneSettings are what is typed into a telephone.
const phoneSettings = `The desk phone of %s is set up with this. The password is shown this once; an earlier one is worth nothing now.
  Server, registrar  %s
  User name          %s
  Authentication     %s (where it is asked for apart)
  Password           %s
  Realm              %s (where it is asked for)
`

// phoneServer is where desk phones register.
func phoneServer(config configs.Config) string {
	address := config.Phone.Address
	if !address.IsValid() {
		address = phone.DefaultAddress
	}
	return phoneHost(config, address) + " (UDP or TCP)"
}

// phoneServerTLS is where they register by TLS, as a line of its own; empty when that is not taken.
func phoneServerTLS(config configs.Config) string {
	address, err := netip.ParseAddrPort(config.Phone.TLS.Address)
	if err != nil {
		return "" // it is not set: the configuration was checked
	}
	return "\n  or, encrypted      " + phoneHost(config, address) + " (TLS, with SRTP by SDES)"
}

// phoneHost names where something is taken at an address, as a telephone is told.
func phoneHost(config configs.Config, address netip.AddrPort) string {
	host := address.Addr().String()
	if advertised := config.Phone.Advertise.Addr; advertised.IsValid() {
		host = advertised.String()
	} else if address.Addr().IsUnspecified() {
		host = "the name of this machine"
	}
	return fmt.Sprintf("%s, port %d", host, address.Port())
}

func (c userPhoneCommand) remove(ctx context.Context, out io.Writer, s *store.Store) error {
	removed, err := s.RemovePhoneSecret(ctx, c.Account)
	if err != nil {
		return err
	}
	if !removed {
		return fmt.Errorf("%s has no desk phone", c.Account)
	}
	_, err = fmt.Fprintf(out, "%s has no desk phone any more; calls ring in the browser.\n", c.Account)
	return err
}
