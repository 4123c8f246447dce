// Package webrtctest is an agent's browser for tests: a WebRTC client that takes the messages
// of a leg's set-up, answers, says a tone and listens for one.
//
// It is written apart from package webrtc, with the library's own tracks and nothing of our
// streams in its sending direction, so that what both agree on is not the same mistake.
package webrtctest
