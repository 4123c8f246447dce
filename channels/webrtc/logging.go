package webrtc

import (
	"github.com/pion/logging"
	"github.com/rs/zerolog"
)

// libraryLog passes on what the WebRTC library says. It names addresses of agents' browsers,
// which are personal data: whatever it thinks of them, its lines appear only to those who ask
// for the finest levels.
type libraryLog struct{ log zerolog.Logger }

// NewLogger makes the log of one part of the library.
func (l libraryLog) NewLogger(scope string) logging.LeveledLogger {
	return libraryLog{l.log.With().Str("library", "pion/"+scope).Logger()}
}

// Trace is dropped, as Debug is: they are many, and for the authors of the library.
func (l libraryLog) Trace(string) {}

// Tracef is as Trace.
func (l libraryLog) Tracef(string, ...any) {}

// Debug is as Trace.
func (l libraryLog) Debug(string) {}

// Debugf is as Trace.
func (l libraryLog) Debugf(string, ...any) {}

// Info tells of states and candidates.
func (l libraryLog) Info(text string) { l.log.Trace().Msg(text) }

// Infof is as Info.
func (l libraryLog) Infof(format string, values ...any) { l.log.Trace().Msgf(format, values...) }

// Warn tells of what browsers do wrong.
func (l libraryLog) Warn(text string) { l.log.Trace().Msg(text) }

// Warnf is as Warn.
func (l libraryLog) Warnf(format string, values ...any) { l.log.Trace().Msgf(format, values...) }

// Error tells of what the library could not do; the leg that it concerns ends by itself.
func (l libraryLog) Error(text string) { l.log.Debug().Msg(text) }

// Errorf is as Error.
func (l libraryLog) Errorf(format string, values ...any) { l.log.Debug().Msgf(format, values...) }
