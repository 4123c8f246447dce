package store

import (
	"strconv"

	"svar/contact"
)

// The statements that project the connections of agents with contacts: what
// [report.Segment] folds. Only the last segment of a contact may be open, that is not yet
// parted.

const beginSegment = `
	insert into contact_segments (contact, offer, agent, connected) values ($1, $2::numeric, $3, $4) on conflict do nothing`

const holdSegment = `
	update contact_segments set held_since = coalesce(held_since, $2) where contact = $1 and parted = ''`

const resumeSegment = `
	update contact_segments set held_ms = held_ms + ` + heldUntil2 + `, held_since = null where contact = $1 and parted = ''`

// heldUntil2 is how long the hold that goes on has lasted at $2.
const heldUntil2 = `coalesce(greatest(round(extract(epoch from $2::timestamptz - held_since) * 1000)::bigint, 0), 0)`

// endSegment ends the connection, a hold with it, and the segment too if the two have parted
// as $3.
const endSegment = `
	update contact_segments set held_ms = held_ms + ` + heldUntil2 + `, held_since = null, ended = coalesce(ended, $2), parted = $3
	where contact = $1 and parted = ''`

// promiseSegment ends the segment of a contact that goes on as a call-back; its wrap-up, if it had begun,
// is over too.
const promiseSegment = `
	update contact_segments set held_ms = held_ms + ` + heldUntil2 + `, held_since = null, ended = coalesce(ended, $2), finished = $2, parted = $3
	where contact = $1 and parted = ''`

// finishSegment ends the segment of a contact that is closed.
const finishSegment = `
	update contact_segments set held_ms = held_ms + ` + heldUntil2 + `, held_since = null, ended = coalesce(ended, $2), finished = $2,
		parted = case $3 when 'handled' then 'finished' when 'handed-over' then 'handed-over' else 'dropped' end, lapsed = $4
	where contact = $1 and parted = ''`

// worsenQuality keeps the worst of each figure.
const worsenQuality = `
	update contacts set loss_ppm = greatest(loss_ppm, $2), remote_loss_ppm = greatest(remote_loss_ppm, $3),
		jitter_us = greatest(jitter_us, $4), round_trip_us = greatest(round_trip_us, $5)
	where id = $1`

// offer is the number of an offer as PostgreSQL takes one of 64 bits without a sign.
func offer(id contact.OfferID) string { return strconv.FormatUint(uint64(id), 10) }
