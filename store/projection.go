package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"svar/contact"
	"svar/report"
)

// Projected returns the sequence of the last record that was projected, 0 for none.
func (s *Store) Projected(ctx context.Context) (uint64, error) {
	var sequence uint64
	if err := s.pool.QueryRow(ctx, `select sequence from projection`).Scan(&sequence); err != nil {
		return 0, fmt.Errorf("ask how far the journal is projected: %w", err)
	}
	return sequence, nil
}

// Turn is what one record of the journal says, for the projection.
type Turn struct {
	Sequence uint64
	Now      contact.Instant
	Events   contact.Events
}

// Project writes what records that follow each other say and that they were projected, in one transaction, with the
// jobs that follow from it. A record that was projected before changes nothing; one that is not the next is an error.
func (s *Store) Project(ctx context.Context, turns ...Turn) error {
	if len(turns) == 0 {
		return nil
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var last uint64
		if err := tx.QueryRow(ctx, `select sequence from projection for update`).Scan(&last); err != nil {
			return err
		}
		batch := &pgx.Batch{}
		var projected contact.Events
		for _, turn := range turns {
			if turn.Sequence <= last {
				continue
			}
			if turn.Sequence != last+1 {
				return fmt.Errorf("record %d is expected", last+1)
			}
			for index, event := range turn.Events {
				if err := projectEvent(batch, turn.Sequence, index, turn.Now.Time(), event); err != nil {
					return err
				}
			}
			projected = append(projected, turn.Events...)
			last = turn.Sequence
		}
		batch.Queue(`update projection set sequence = $1`, last)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		return s.orderTranscripts(ctx, tx, projected)
	})
	if err != nil {
		return fmt.Errorf("project record %d and what follows: %w", turns[0].Sequence, err)
	}
	return nil
}

// projectEvent adds the statements for one event: the event itself, and what it changes
// of its contact.
func projectEvent(batch *pgx.Batch, sequence uint64, index int, at time.Time, event contact.Event) error {
	event, data, err := storable(event)
	if err != nil {
		return err
	}
	change := func(sql string, arguments ...any) { batch.Queue(sql, arguments...) }
	var of contact.ID
	var by contact.AgentID
	switch e := event.(type) {
	case contact.ContactArrived:
		of = e.Contact.ID
		insertContact(batch, e.Contact, e.Node)
	case contact.ContactGreeted:
		of = e.Contact
		// A call that was let ring first may wait already, or be somebody's.
		change(`update contacts set state = case when state = 'arrived' then 'greeted' else state end, greeted = $2 where id = $1`, of, at)
	case contact.ContactQueued:
		of = e.Contact
		change(`update contacts set state = 'waiting', skill_group = case when queued is null then $5 else skill_group end,
			queued = coalesce(queued, $2), class = $3, target_ms = $4 where id = $1`,
			of, at, int16(e.Class), int64(e.Target), group(e.Needs))
	case contact.ContactOffered:
		of, by = e.Contact, e.Agent
		change(`update contacts set state = 'offered' where id = $1`, of)
	case contact.OfferAccepted:
		of, by = e.Contact, e.Agent
	case contact.OfferDeclined:
		of, by = e.Contact, e.Agent
		change(`update contacts set state = 'waiting' where id = $1`, of)
	case contact.OfferMissed:
		of, by = e.Contact, e.Agent
		change(`update contacts set state = 'waiting' where id = $1`, of)
	case contact.OfferWithdrawn:
		of, by = e.Contact, e.Agent
		change(`update contacts set state = 'waiting' where id = $1`, of)
	case contact.ContactConnected:
		of, by = e.Contact, e.Agent
		change(connectContact, of, at, by)
		change(beginSegment, of, offer(e.Offer), by, at)
	case contact.ContactReplied:
		of, by = e.Contact, e.Agent
		change(`update contacts set replied = coalesce(replied, $2), answered = coalesce(answered, $2) where id = $1`, of, at)
	case contact.ContactReturned:
		of, by = e.Contact, e.Agent
		change(`update contacts set state = 'waiting', agent = '' where id = $1`, of)
		change(endSegment, of, at, report.PartedReturned)
	case contact.CallbackTaken:
		of, by = e.Contact, e.Agent
		change(`update contacts set state = 'dialling', node = $2, tries = tries + 1 where id = $1`, of, e.Node)
	case contact.CallbackScheduled:
		of, by = e.Contact, e.Agent
		change(waitForCallback, of, at, e.From.Joined())
		change(promiseSegment, of, at, report.PartedPromised)
	case contact.CallbackDue:
		of = e.Contact
	case contact.ContactRejoined:
		of = e.Contact
		change(`update contacts set callback = false, rejoined = true, node = $2 where id = $1`, of, e.Node)
	case contact.NeedsRelaxed:
		of = e.Contact
	case contact.PreferenceEnded:
		of, by = e.Contact, e.Agent
	case contact.ImpactSet:
		of, by = e.Contact, e.Agent
	case contact.ContactTransferred:
		of, by = e.Contact, e.Agent
		change(`update contacts set state = 'waiting', agent = '', transfers = transfers + 1 where id = $1`, of)
		change(endSegment, of, at, report.PartedTransferred)
	case contact.ConsultOffered:
		of, by = e.Contact, e.Agent
	case contact.ConsultAccepted:
		of, by = e.Contact, e.With
	case contact.ConsultConnected:
		of, by = e.Contact, e.With
	case contact.ConsultEnded:
		of, by = e.Contact, e.Agent
		if e.Cause == contact.ConsultCompleted {
			change(`update contacts set state = 'connected', agent = $2, transfers = transfers + 1 where id = $1`, of, e.With)
			change(endSegment, of, at, report.PartedTransferred)
			change(beginSegment, of, offer(e.Offer), e.With, at)
		}
	case contact.ContactHandedOver:
		of, by = e.Contact, e.Agent
		change(`update contacts set state = 'wrap-up', ended = $2 where id = $1`, of, at)
		change(endSegment, of, at, report.Parted(""))
		change(endOutside, of, offer(e.Offer), at, true, contact.DialFailure(""))
	case contact.OutsideCalled:
		of, by = e.Contact, e.Agent
		change(callOutside, of, offer(e.Offer), by, e.To, e.Blind, at)
	case contact.OutsideAnswered:
		of = e.Contact
		change(answerOutside, of, offer(e.Offer), at)
	case contact.OutsideEnded:
		of = e.Contact
		change(endOutside, of, offer(e.Offer), at, false, e.Failure)
	case contact.ConferenceChanged:
		of, by = e.Contact, e.Agent
		if e.On {
			change(`update contacts set state = 'connected' where id = $1`, of)
			change(resumeSegment, of, at)
		} else {
			change(`update contacts set state = 'held' where id = $1`, of)
			change(holdSegment, of, at)
		}
	case contact.SupervisionChanged:
		of, by = e.Contact, e.Supervisor
		change(endSupervision, of, by, at)
		if e.Mode != "" {
			change(beginSupervision, of, by, e.Mode, at, sequence, index)
		}
	case contact.ContactMarked:
		of, by = e.Contact, e.Agent
		change(`insert into contact_marks (contact, mark, agent, at) values ($1, $2, $3, $4) on conflict do nothing`, of, e.Mark, by, at)
	case contact.CallPlaced:
		of, by = e.Contact.ID, e.Agent
		insertContact(batch, e.Contact, e.Node)
		change(`update contacts set state = 'dialling' where id = $1`, of)
	case contact.RecordingChanged:
		of, by = e.Contact, e.Agent
		change(`update contacts set recording = $2 where id = $1`, of, e.Recording)
		if e.File != "" {
			change(keepRecording, of, e.File, e.SHA256, e.Bytes, int64(e.Length), at, timeOrNil(e.DeleteAfter))
		}
	case contact.CallbackFailed:
		of, by = e.Contact, e.Agent
		change(`update contacts set state = 'waiting' where id = $1`, of)
	case contact.ContactHeld:
		of, by = e.Contact, e.Agent
		change(`update contacts set state = 'held' where id = $1`, of)
		change(holdSegment, of, at)
	case contact.ContactResumed:
		of, by = e.Contact, e.Agent
		change(`update contacts set state = 'connected' where id = $1`, of)
		change(resumeSegment, of, at)
	case contact.ContactHungUp:
		of, by = e.Contact, e.Agent
		change(`update contacts set state = 'wrap-up', ended = $2 where id = $1`, of, at)
		change(endSegment, of, at, report.Parted(""))
	case contact.WrapUpExtended:
		of, by = e.Contact, e.Agent
	case contact.OutcomeChosen:
		of, by = e.Contact, e.Agent
	case contact.QualityReported:
		of = e.Contact
		q := report.QualityOf(e.Quality)
		change(worsenQuality, of, q.Loss, q.RemoteLoss, q.Jitter, q.RoundTrip)
	case contact.ContactDropped:
		of, by = e.Contact, e.Agent
		change(waitForCallback, of, at, e.From.Joined())
		change(endSegment, of, at, report.PartedDropped)
	case contact.ContactClosed:
		of, by = e.Contact, e.Agent
		if e.Refused != nil {
			insertContact(batch, *e.Refused, "")
		}
		change(closeContact, of, at, e.End, e.Stage, e.Code, int16(e.Response), int64(e.Waited), by, e.Ticket, e.Lapsed, e.Failure) // a SIP status code has three digits
		change(finishSegment, of, at, e.End, e.Lapsed)
		if e.Ticket != "" {
			change(linkClosed, of, at, by, e.Ticket)
		}
	case contact.PresenceChanged:
		by = e.Agent
	case contact.PresencePlanned:
		by = e.Agent
	case contact.ReachabilityChanged:
		by = e.Agent
	}
	change(`insert into events (sequence, index, at, event, contact, agent, data) values ($1, $2, $3, $4, nullif($5, ''), nullif($6, ''), $7)`,
		sequence, index, at, contact.EventName(event), of, by, data)
	return nil
}

// connectContact makes the first connection of a call its answer, or, after a fault that came
// before any answer, the moment when the user was called back. A text is answered by what
// is written.
const connectContact = `
	update contacts set state = 'connected', agent = $3, callback = false, reached_by_call = reached_by_call or callback,
		answered = case when channel = 'voice' and not callback and called_back is null then coalesce(answered, $2) else answered end,
		called_back = case when channel = 'voice' and callback and answered is null then coalesce(called_back, $2) else called_back end
	where id = $1`

// waitForCallback lets a contact go on as a call-back; $3 says that agent and user were connected.
const waitForCallback = `
	update contacts set state = 'waiting', callback = true, to_call_back = true, agent = '', ended = case when $3 then $2 else ended end
	where id = $1`

// closeContact makes the end of a text that was finished without a reply its answer.
const closeContact = `
	update contacts set state = 'closed', callback = false, closed = $2, ended = coalesce(ended, $2), ended_as = $3, stage = $4,
		outcome = $5, response = $6, waited_ms = $7, agent = case when $8 = '' then agent else $8 end,
		ticket = case when $9 = '' then ticket else $9 end, lapsed = $10, failure = $11,
		unreplied = channel <> 'voice' and $3 in ('handled', 'handed-over') and answered is null,
		answered = case when channel <> 'voice' and $3 in ('handled', 'handed-over') then coalesce(answered, $2) else answered end
	where id = $1`

// linkClosed links a finished contact to the ticket that its agent chose, when there is that
// ticket and the agent's console has not done so before.
const linkClosed = `
	with of as (
		update tickets set changed = greatest(changed, $2) where number = $4
			and not exists (select from ticket_contacts l where l.ticket = tickets.id and l.contact = $1)
		returning id, changed
	), linked as (
		insert into ticket_contacts (ticket, contact, at) select id, $1, changed from of on conflict do nothing returning ticket, at
	)
	insert into ticket_entries (ticket, at, kind, agent, text, status, contact, html)
	select ticket, at, 'link', $3, '', '', $1, false from linked`

func insertContact(batch *pgx.Batch, c contact.Contact, node contact.NodeID) {
	batch.Queue(`insert into contacts (id, channel, line, audience, person, party, service, ticket, language, node, callable, outgoing, state, arrived)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'arrived', $13) on conflict (id) do nothing`,
		c.ID, c.Channel, c.Line, c.Audience, c.Person, c.Party, c.Service, c.Ticket, c.Language, node, c.Callable, c.Outgoing, c.Arrived.Time())
}

// timeOrNil is the moment, or null for never.
func timeOrNil(at contact.Instant) *time.Time {
	if at == 0 {
		return nil
	}
	moment := at.Time()
	return &moment
}

// group is the competence group that reports count a contact under.
func group(needs contact.Needs) contact.SkillID {
	if len(needs) == 0 {
		return ""
	}
	return needs[0].Skill
}

// storable returns the event and its JSON without the character NUL, which PostgreSQL
// cannot store: somebody who types one must not stop the projection for ever.
func storable(event contact.Event) (contact.Event, []byte, error) {
	name := contact.EventName(event)
	data, err := json.Marshal(event)
	if err != nil {
		return nil, nil, fmt.Errorf("encode %s: %w", name, err)
	}
	if !bytes.Contains(data, []byte(escapedNUL)) {
		return event, data, nil
	}
	data = withoutNUL(data)
	event, err = contact.DecodeEvent(name, data)
	return event, data, err
}

const (
	escapedNUL         = `\u0000`
	escapedReplacement = `\ufffd` // U+FFFD, which stands for what cannot be shown
)

// withoutNUL replaces escaped NULs in JSON, and leaves the text `\u0000`, whose
// backslash is escaped itself.
func withoutNUL(data []byte) []byte {
	var out []byte
	for i := 0; i < len(data); {
		switch {
		case bytes.HasPrefix(data[i:], []byte(escapedNUL)):
			out = append(out, escapedReplacement...)
			i += len(escapedNUL)
		case data[i] == '\\':
			out = append(out, data[i:i+2]...)
			i += 2
		default:
			out = append(out, data[i])
			i++
		}
	}
	return out
}
