// Package chat is the gateway of chats: a widget on any page of the City, the page inside of
// it, and the socket over which a visitor writes.
//
// # The way of a chat
//
//  1. A page loads widget.js, which shows a button and, when it is pressed, a frame with our
//     own page /chat/. Nothing of the page around is read or passed on.
//  2. The frame opens the socket /chat/socket and says hello with its topic and language. It is
//     welcomed with a token: a secret of 256 bits, of which we keep only the hash.
//  3. The first message is the arrival: the contact and its leg go to the intake, and then the
//     text into the conversation's own stream. It is acknowledged when the stream has it.
//  4. From then on the socket follows the stream. Agents write to it elsewhere; this package
//     knows nobody who answers.
//  5. A socket that is cut says hello again with the token and the newest sequence that it has,
//     and gets what it missed. What was not acknowledged the page sends again under the same
//     id: it is kept once. That works after a crash too, since the leg's record has the hash.
//
// Who writes again after the end begins a new contact that follows the old one, for a day at most: the
// token of the old chat, which the page says, proves that it is the same visitor (follow.go).
//
// Outside opening hours no chat is opened: the page has a form, whose text becomes a ticket.
//
// # States of a leg
//
//	           first message, on record                Joined
//	(token) ──────────────────────────────▶ waiting ⇄ joined
//	                                           │   Left   │
//	       HangUp, the visitor's end, away too long       │
//	                                           ▼          ▼
//	                                         ended (can be read for ten minutes more)
//
// Answer returns when the first message is kept, so that nothing is said before it.
//
// The package decides neither who answers nor how long anybody waits, and keeps no text.
package chat
