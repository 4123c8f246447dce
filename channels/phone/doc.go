// Package phone is the gateway of the telephone: it takes calls by SIP (RFC 3261) on the
// configured lines, and each call becomes a contact with a live leg. It calls users back too.
//
// # Parts
//
// The SIP library parses messages, moves them and runs transactions (RFC 3261 §17). What
// lies above is here:
//
//   - [Gateway] listens, checks each request (validate.go), and finds what it is for.
//   - A leg is one call: its dialog (RFC 3261 §12) with a method per state (dialog.go), its
//     session (RFC 3264, session.go) and its voice, which package media carries.
//   - What changes a call that goes on, hold and its end, another codec or address, is answered
//     in renegotiate.go; what we ask of the other side ourselves is in ask.go, and why, to keep the
//     session alive (RFC 4028), in expiry.go.
//   - Before the answer: ringing.go for callers, reliable if they insist (RFC 3262), early.go for
//     calls of ours, whose other sides may ring in several places and sound already.
//   - The transaction of an INVITE ends with its 2xx; copies of either that come later are afterwards.go's.
//   - Another device may take a call over (RFC 3891, takeover.go): the leg and its contact go on. Of calls that ring only those of
//     ours on a trunk, and by that trunk alone.
//   - Text beside the voice (RFC 4103) is in text.go.
//   - What can not be parsed is refused as far as it tells whom to refuse (salvage.go).
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
// A call of ours begins otherwise (dial.go, outgoing.go) and is then confirmed like any other:
//
//	 INVITE
//	    │
//	dialling ── 3xx–6xx, nothing came in 64·T1 ───┐
//	    │  └─ HangUp, shutdown, too long ─┐       │
//	   200                            cancelling ─┤
//	   ACK      CANCEL; 200 that crossed: BYE     │
//	    │                                         ▼
//	confirmed                                   ended
//
// # Calls of ours
//
// One dial plan (dialplan.go) guards every call that is made. A redirection is never followed,
// and no message from outside makes us call anybody. Trunks carry them (trunk.go): the next proxy is
// tried when one does not take a call, challenges are answered (credentials.go), and OPTIONS and
// REGISTER tell whether a trunk lives (trunkwatch.go). A trunk without fixed addresses is challenged itself
// (trunksignon.go).
//
// # Secure legs
//
// By TLS (secure.go) voice is encrypted by keys in the session description (sdes.go), and nowhere
// else. The SIP library opens no TLS connection by itself: only trunks are connected to.
//
// # Strangers
//
// Anybody can send to a SIP port. Only addresses of trunks are believed (their
// P-Asserted-Identity) and may direct us to another address; a stranger gets answers where
// the request came from, voice where his voice comes from, and nothing is ever resolved or
// dialled on his word. Everything he can make grow has a bound. What he sends that is for no
// line and no call costs neither a transaction nor a goroutine, and tells him nothing
// (strangers.go); a flood of it touches no call.
//
// # Silence
//
// A caller who sends no voice is asked by OPTIONS whether his side still knows the call
// (silence.go). If it does he is kept, however long he is silent.
//
// # Desk phones
//
// Agents may register telephones of their own (registrar.go) by digest (digest.go): with their
// account's name and a password that we made. [Gateway.Ring] rings all that an agent has registered,
// and the first that is picked up has the call (deskphone.go). Everything goes to where the phone
// registered from, over the connection that it registered by, whatever address it believes to have.
// A phone dials out and transfers by no means of its own: it is challenged, then refused with 403.
//
// # What it does not own
//
// Whether and by whom a call is answered is decided elsewhere; the gateway hands each
// contact to its [channels.Intake] and executes the leg.
package phone
