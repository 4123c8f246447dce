// Package phone is the gateway of the telephone: it takes calls by SIP (RFC 3261) on the
// configured lines, and each call becomes a contact with a live leg.
//
// # Parts
//
// The SIP library parses messages, moves them and runs transactions (RFC 3261 §17). What
// lies above is here:
//
//   - [Gateway] listens, checks each request (validate.go), and finds what it is for.
//   - A leg is one call: its dialog (RFC 3261 §12) with a method per state (dialog.go), its
//     session (RFC 3264, session.go) and its voice, which package media carries.
//   - A record (record.go) is what another process needs to end the dialog after a crash.
//
// # States of a dialog
//
//	       INVITE
//	          │
//	       early ── CANCEL, BYE ─────────────── 487 ──┐
//	          │  └─ HangUp, shutdown ───── 480, 503 ──┤
//	Answer: 200, resent with doubling                 │
//	          │                                       │
//	 waiting for ACK ── no ACK in 64·T1 ──── BYE ─────┤
//	          │  └─ BYE ──────────────────── 200 ─────┤
//	         ACK                                      │
//	          │                                       │
//	     confirmed ── BYE ────────────────── 200 ─────┤
//	          └─ HangUp, shutdown, peer gone ── BYE ──┤
//	                                                  ▼
//	                                                ended
//
// # Strangers
//
// Anybody can send to a SIP port. Only addresses of trunks are believed (their
// P-Asserted-Identity) and may direct us to another address; a stranger gets answers where
// the request came from, voice where his voice comes from, and nothing is ever resolved or
// dialled on his word. Everything he can make grow has a bound.
//
// # What it does not own
//
// Whether and by whom a call is answered is decided elsewhere; the gateway hands each
// contact to its [channels.Intake] and executes the leg. There is no registrar, no
// outgoing call and no transfer yet.
package phone
