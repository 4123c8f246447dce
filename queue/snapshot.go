package queue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"svar/contact"
)

// SnapshotFormat is that of the snapshots written now. Format 1 had one contact of an agent,
// format 2 nobody on hold and no end of wrap-up, format 3 no relaxation, format 4 no place outside; snapshots of them are not read any more,
// since the journal goes back to its beginning.
const SnapshotFormat = 5

// snapshot is the state in its JSON form: structs and integers, lists sorted, so that
// equal states are equal bytes.
type snapshot struct {
	Format    int             `json:"format"`
	Last      contact.Instant `json:"last"`
	Epoch     uint64          `json:"epoch"`
	Leader    contact.NodeID  `json:"leader"`
	Settled   contact.Instant `json:"settled,omitempty"`
	LastOffer contact.OfferID `json:"last_offer"`
	LastPlace uint64          `json:"last_place"`
	Rules     contact.Rules   `json:"rules"`
	Contacts  []*ContactState `json:"contacts"`
	Agents    []*AgentState   `json:"agents"`
	// Closed are those remembered, oldest first.
	Closed []closedContact `json:"closed"`
	// Dials are those of the desk within an hour of the last one, oldest first.
	Dials []contact.Instant `json:"dials,omitempty"`
	// Handled are who handled what last, oldest first.
	Handled []handled `json:"handled,omitempty"`
	// HandlingTimes are how long contacts took lately, sorted by channel and skill, at most 512.
	HandlingTimes []handlingMean `json:"handling_times,omitempty"`
}

// Snapshot returns the whole state. Engines that have applied the same events return
// the same bytes.
func (e *Engine) Snapshot() ([]byte, error) {
	s := snapshot{
		Format: SnapshotFormat, Last: e.last, Epoch: e.epoch, Leader: e.leader, Settled: e.settled,
		LastOffer: e.lastOffer, LastPlace: e.lastPlace, Rules: e.rules,
		Closed: e.closed, Dials: e.dials, Handled: e.handled.list(),
		HandlingTimes: e.handlingMeans(), Agents: make([]*AgentState, 0, len(e.agents)),
	}
	for _, c := range e.sortedContacts() {
		s.Contacts = append(s.Contacts, &c.ContactState)
	}
	for _, id := range e.sortedAgents() {
		s.Agents = append(s.Agents, e.agents[id])
	}
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode the queue's snapshot: %w", err)
	}
	return data, nil
}

// Restore returns an engine in the state of a snapshot. It behaves as the one that the
// snapshot is of.
func Restore(data []byte) (*Engine, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("read the queue's snapshot: %w", err)
	}
	if head.Format != SnapshotFormat {
		return nil, fmt.Errorf("read the queue's snapshot: it has format %d; this version of svar reads format %d", head.Format, SnapshotFormat)
	}
	var s snapshot
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return nil, fmt.Errorf("read the queue's snapshot: %w", err)
	}
	return s.engine()
}

func (s snapshot) engine() (*Engine, error) {
	e := New()
	e.last, e.epoch, e.leader, e.settled = s.Last, s.Epoch, s.Leader, s.Settled
	e.lastOffer, e.lastPlace, e.dials = s.LastOffer, s.LastPlace, s.Dials
	if err := e.rule(s.Rules, s.Last); err != nil {
		return nil, fmt.Errorf("read the queue's snapshot: %w", err)
	}
	e.clock = s.Last
	for _, h := range s.Handled {
		e.handled.note(h, 0)
	}
	for _, mean := range s.HandlingTimes {
		e.handling[mean.handlingKey] = mean
	}
	for _, c := range s.Closed {
		e.remember(c)
	}
	if slices.Contains(s.Agents, nil) || slices.Contains(s.Contacts, nil) {
		return nil, errors.New("read the queue's snapshot: a contact or an agent of it is null")
	}
	for _, a := range s.Agents {
		e.agents[a.Agent] = a
		e.refresh(a)
	}
	for _, state := range s.Contacts {
		c := &entry{ContactState: *state}
		if err := e.adopt(c); err != nil {
			return nil, fmt.Errorf("read the queue's snapshot: contact %s: %w", state.Contact.ID, err)
		}
	}
	for _, a := range e.agents {
		for _, held := range a.Contacts {
			if c := e.contacts[held.Contact]; c == nil || !c.involves(a.Agent) {
				return nil, fmt.Errorf("read the queue's snapshot: agent %s is said to have contact %s", a.Agent, held.Contact)
			}
		}
		if c := e.offers[a.Offer]; a.Offer != 0 && (c == nil || !c.isAsked(a.Agent, a.Offer)) {
			return nil, fmt.Errorf("read the queue's snapshot: agent %s is said to be asked by offer %d", a.Agent, a.Offer)
		}
	}
	return e, nil
}

// adopt takes in a contact of a snapshot and builds what follows from it.
func (e *Engine) adopt(c *entry) error {
	id := c.Contact.ID
	if e.contacts[id] != nil {
		return fmt.Errorf("it is there twice")
	}
	if e.pools[c.Contact.Channel] == nil {
		return fmt.Errorf("it came by the unknown channel %q", c.Contact.Channel)
	}
	e.contacts[id] = c
	if len(c.PassedOver) > 0 {
		e.passedOver[id] = c
	}
	if agent := c.Prefer; agent != "" {
		e.keep(c, agent, c.PreferUntil, c.PreferRule)
	}
	e.countAsked(c, 1)
	if c.Callback {
		e.callbacks++
	}
	e.reckon(c)
	if e.stands(c) {
		e.lineUp(c)
	}
	if (c.Offer != nil) != (c.State == contact.StateOffered || c.State == contact.StateDialling) {
		return fmt.Errorf("it is %s, and its offer does not fit", c.State)
	}
	if (c.WrapUpUntil != 0) && c.State != contact.StateWrapUp {
		return fmt.Errorf("it is %s, and an end of wrap-up does not fit", c.State)
	}
	if c.Offer != nil {
		e.offers[c.Offer.Offer] = c
	}
	e.watch(c)
	if c.Connected != 0 {
		e.offers[c.Connected] = c
	}
	if c.HandedBy != 0 {
		e.offers[c.HandedBy] = c
	}
	if err := e.adoptSupervisors(c); err != nil {
		return err
	}
	if err := e.mustHave(c.holder(), c); err != nil {
		return err
	}
	if c.Offer != nil && e.agents[c.Offer.Agent].Offer != c.Offer.Offer {
		return fmt.Errorf("agent %q is not asked by offer %d", c.Offer.Agent, c.Offer.Offer)
	}
	if c.Consult == nil {
		return nil
	}
	if c.State != contact.StateHeld && (c.State != contact.StateConnected || !c.Conference) {
		return fmt.Errorf("it is %s, and a consultation does not fit", c.State)
	}
	e.offers[c.Consult.Offer] = c
	if c.Consult.talksOutside() {
		return nil
	}
	if err := e.mustHave(c.Consult.With, c); err != nil {
		return err
	}
	if !c.Consult.Connected && e.agents[c.Consult.With].Offer != c.Consult.Offer {
		return fmt.Errorf("agent %q is not asked by offer %d", c.Consult.With, c.Consult.Offer)
	}
	return nil
}

func (e *Engine) adoptSupervisors(c *entry) error {
	if c.Conference && (c.Consult == nil || c.State != contact.StateConnected) || len(c.Supervisors) > 0 && !c.State.Joined() {
		return fmt.Errorf("it is %s, and who hears it does not fit", c.State)
	}
	for _, s := range c.Supervisors {
		if e.supervising[s.Supervisor] != nil {
			return fmt.Errorf("supervisor %q is in another call", s.Supervisor)
		}
		e.supervising[s.Supervisor] = c
	}
	return nil
}

// isAsked reports whether the agent is asked for the contact by the offer, or dials it, or is asked for advice and
// does not talk yet.
func (c *entry) isAsked(agent contact.AgentID, offer contact.OfferID) bool {
	if c.asks(offer) {
		return c.Consult.isWith(agent) && !c.Consult.Connected
	}
	return c.Offer != nil && c.Offer.Offer == offer && c.Offer.Agent == agent
}

// mustHave finds a contact of the snapshot that the agent is not said to have.
func (e *Engine) mustHave(agent contact.AgentID, c *entry) error {
	if agent == "" {
		return nil
	}
	a := e.agents[agent]
	if a == nil || !slices.Contains(a.Contacts, Held{Contact: c.Contact.ID, Channel: c.Contact.Channel}) {
		return fmt.Errorf("agent %q does not have it", agent)
	}
	return nil
}
