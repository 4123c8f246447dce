// Package media is the voice of every leg: what a caller or an agent hears, and
// what is heard of them.
//
// # The voice of a leg
//
// A telephone call has two directions that share nothing but an address. In the
// outgoing direction many things speak in turn to the same ear: silence, a
// prompt, queue music, an agent, another agent after a transfer. A receiver must
// never notice that: RTP (RFC 3550) identifies what it hears by SSRC, sequence
// number and timestamp, and a receiver whose timestamps jump backwards stays
// silent for the rest of the call. Therefore a [Stream] owns, for its leg and for
// the whole call, one SSRC, one sequence and one timestamp that follows the clock,
// whatever speaks at the moment, and sets the marker bit at each switch. RTCP ends
// at each leg for the same reason.
//
// # Parts
//
//   - [Stream] is the media of one leg. Its sources are silence, [Stream.Play],
//     [Stream.Loop], another stream ([Connect]) and the party itself ([Stream.Echo]); keys
//     ([Stream.Press]) go before any of them. [Stream.Unheard] tells a dead party.
//   - [Conference] is a talk of three and more, or one that is recorded: who hears whom is a matter of kinds. Only there does
//     a voice pass a jitter buffer; two who are connected set each other's pace, and their receivers have buffers of their own.
//   - [Recording] is such a talk in a file.
//   - [TextStream] is what is typed beside a voice, over RTP; [TextQueue] its way to a reader.
//   - [Pacer] drives all playing streams and conferences of a node, 20 ms a frame.
//   - [PortPool] and [Socket] are RTP and RTCP over UDP, for legs that have no
//     transport of their own.
//   - [Clip] is a recorded or synthesised sound, encoded once for each codec.
//     [SpeechCache] makes clips from text, [Music] returns the queue music.
//   - [Statistics] are a leg's accounts, [Ledger] sums those of a gateway.
//   - [Codec] and [Format] say what was negotiated. G.711 and G.722 are here whole.
//
// # Hold
//
// On hold the user hears music and the agent silence: [Disconnect], then Loop on the user's
// stream; [Connect] resumes. Another leg takes a talk over by Connect alone, which lets the
// former one go; its end afterwards changes nothing.
//
// # Comfort noise
//
// A party may say by comfort noise (RFC 3389) that it is silent, and sends nothing then. Whoever is connected with it hears soft white
// noise of the level that it told; it is taken whether it was negotiated or not, and never sent.
//
// # What it does not own
//
// Signalling and SDP belong to the gateways (they negotiate a Format and hand it
// over), encryption belongs to the transport behind a [Sink], and who is bridged
// with whom is decided elsewhere: this package executes.
package media
