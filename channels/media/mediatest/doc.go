// Package mediatest proves voice by tones: each party of a call sends one and must hear
// the other's. It makes tones ([Tone], [TonePayloads]), finds them in what was received
// ([Listen]), and has two parties to talk to: a [Peer] over UDP and a [Recorder] that
// stands for the transport of a stream.
//
// It is for tests of every package and imports nothing of ours but channels/media.
package mediatest
