package webrtc

import (
	"github.com/pion/logging"
	"github.com/rs/zerolog"
)

// libraryLog passes on what the WebRTC library says. It names addresses of agents' browsers,
// which are personal data: whatever it thinks of them, its lines appear only to those who ask
// for the finest levels.
type libraryLog struct{ log zerolog.Logger }

func (l libraryLog) NewLogger(scope string) logging.LeveledLogger {
	return libraryLog{l.log.With().Str("library", "pion/"+scope).Logger()}
}

func (l libraryLog) Trace(string)              {}
func (l libraryLog) Tracef(string, ...any)     {}
func (l libraryLog) Debug(string)              {}
func (l libraryLog) Debugf(string, ...any)     {}
func (l libraryLog) Info(m string)             { l.log.Trace().Msg(m) }
func (l libraryLog) Infof(f string, a ...any)  { l.log.Trace().Msgf(f, a...) }
func (l libraryLog) Warn(m string)             { l.log.Trace().Msg(m) }
func (l libraryLog) Warnf(f string, a ...any)  { l.log.Trace().Msgf(f, a...) }
func (l libraryLog) Error(m string)            { l.log.Debug().Msg(m) }
func (l libraryLog) Errorf(f string, a ...any) { l.log.Debug().Msgf(f, a...) }
