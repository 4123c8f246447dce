package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/report"
)

// selectAgentContacts walks the agent's segments from the newest on, by the index, and
// shows each contact at its last one.
const selectAgentContacts = `
	select c.id, c.channel, c.line, c.audience, c.person, c.state, c.ended_as, s.parted, c.outcome, c.ticket,
		s.connected, c.arrived, coalesce(c.answered, c.called_back), c.closed,
		own.talk_ms, own.held_ms, own.wrap_up_ms, s.lapsed,
		c.loss_ppm, c.remote_loss_ppm, c.jitter_us, c.round_trip_us
	from contact_segments s
	join contacts c on c.id = s.contact
	cross join lateral (
		select sum(talk_ms) as talk_ms, sum(held_ms) as held_ms, sum(wrap_up_ms) as wrap_up_ms
		from contact_segments where contact = s.contact and agent = s.agent
	) own
	where s.agent = $1 and s.connected < $2
		and not exists (
			select from contact_segments later
			where later.contact = s.contact and later.agent = s.agent and (later.connected, later.offer) > (s.connected, s.offer)
		)
	order by s.connected desc, s.offer desc
	limit $3`

// AgentContacts returns the contacts that the agent had, those given back among them, by when
// they were taken last, the newest first: those taken before the instant, at most limit,
// which must be above 0. A contact is in the list once.
func (s *Store) AgentContacts(ctx context.Context, agent contact.AgentID, before contact.Instant, limit int) ([]report.AgentContact, error) {
	rows, err := s.pool.Query(ctx, selectAgentContacts, agent, before.Time(), limit)
	if err != nil {
		return nil, fmt.Errorf("read an agent's contacts: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanAgentContact)
	if err != nil {
		return nil, fmt.Errorf("read an agent's contacts: %w", err)
	}
	return list, nil
}

func scanAgentContact(row pgx.CollectableRow) (report.AgentContact, error) {
	var c report.AgentContact
	var taken, arrived time.Time
	var answered, closed *time.Time
	var loss, remoteLoss, jitter, roundTrip *uint32
	err := row.Scan(&c.Contact, &c.Channel, &c.Line, &c.Audience, &c.Person, &c.State, &c.End, &c.Parted, &c.Code, &c.Ticket,
		&taken, &arrived, &answered, &closed, &c.Talk, &c.Held, &c.WrapUp, &c.Lapsed, &loss, &remoteLoss, &jitter, &roundTrip)
	c.Taken, c.Arrived = contact.InstantOf(taken), contact.InstantOf(arrived)
	c.Answered, c.Closed = instantOr0(answered), instantOr0(closed)
	c.Quality = qualityOf(loss, remoteLoss, jitter, roundTrip)
	return c, err
}

// qualityOf returns nil when nothing was reported: then all are nil.
func qualityOf(loss, remoteLoss, jitter, roundTrip *uint32) *report.CallQuality {
	if loss == nil || remoteLoss == nil || jitter == nil || roundTrip == nil {
		return nil
	}
	return &report.CallQuality{Loss: *loss, RemoteLoss: *remoteLoss, Jitter: *jitter, RoundTrip: *roundTrip}
}

func instantOr0(at *time.Time) contact.Instant {
	if at == nil {
		return 0
	}
	return contact.InstantOf(*at)
}
