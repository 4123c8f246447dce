package store

// The statements that project places outside and who else was in a call.

const callOutside = `
	insert into outside_calls (contact, offer, agent, destination, blind, called) values ($1, $2::numeric, $3, $4, $5, $6) on conflict do nothing`

const answerOutside = `update outside_calls set answered = $3 where contact = $1 and offer = $2::numeric`

// endOutside ends the call to a place outside, as one that took the user over or as one that failed, if any of that.
const endOutside = `
	update outside_calls set ended = $3, took_over = $4, failure = $5 where contact = $1 and offer = $2::numeric`

const endSupervision = `update supervisions set ended = $3 where contact = $1 and supervisor = $2 and ended is null`

const beginSupervision = `
	insert into supervisions (contact, supervisor, mode, begun, sequence, index) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`

const keepRecording = `
	insert into recordings (contact, file, sha256, bytes, length_ms, ended, delete_after) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`
