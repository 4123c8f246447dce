// Package webrtc is the voice of agents in their browsers, straight to the process: no
// softphone, no media server and no SIP in the browser.
//
// # The set-up of a leg
//
// The switchboard rings an agent while the caller hears music ([Gateway.Ring]). The leg is
// the offerer of a WebRTC session (RFC 8829), so that we choose the codec, and its messages
// travel through the agent's console:
//
//  1. The leg sends {"sdp": {"type": "offer", "sdp": "…"}}: one audio section in both
//     directions with the caller's codec and telephone-event, and a T.140 data channel
//     (RFC 8865), which is there from the beginning so that text needs no second round.
//  2. It sends each of its addresses as {"candidate": {…}} (RFC 8838), and the browser its
//     own. One UDP port and one TCP port serve all legs.
//  3. The browser sends {"sdp": {"type": "answer", "sdp": "…"}}. ICE (RFC 8445) finds a way,
//     DTLS-SRTP (RFC 5764) agrees on keys.
//  4. The leg is connected. It sends silence until it is bridged, so that the browser's
//     jitter buffer has settled when the agent accepts.
//
// A leg serves one contact and is never negotiated again.
//
// [Gateway.Echo] makes a leg on which an agent hears himself.
//
// # States
//
//	        Ring                    connected
//	(none) ------> setting up -----------------> connected
//	                   |                             |
//	                   | bad message, too late,      | no sound for 5 s, closed by
//	                   | HangUp                      | the browser, HangUp
//	                   v                             v
//	                  over <-------------------------+
//
// A browser that is connected always sends sound, and silence while its microphone is muted.
// One whose sound ends (its network, its machine or its microphone is gone) is over after 5 s,
// since the caller would wait in silence: the console asks for another leg, and may do so before.
//
// # What it does not own
//
// Sound belongs to package media: the leg's [media.Stream] makes every packet, this package
// only carries them. How messages reach the agent's consoles, who is rung and who is bridged
// with whom is decided elsewhere.
package webrtc
