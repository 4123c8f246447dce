package journal

import (
	"fmt"
	"strings"
	"sync"

	"github.com/rs/zerolog"
)

// complaintLimit is how many warnings of a start are kept for its error.
const complaintLimit = 5

// serverLog is the embedded server's logger. Unlike the server's own it does not end the process on a fatal error, but keeps it
// for whoever started the server. It is safe for concurrent use.
type serverLog struct {
	log zerolog.Logger

	mutex      sync.Mutex
	running    bool
	fatalLine  string
	complained []string
}

// Noticef takes what the server does all day; for us that is debugging.
func (l *serverLog) Noticef(format string, arguments ...any) {
	l.log.Debug().Str("part", "nats").Msgf(format, arguments...)
}

// Warnf also keeps the line for the error of a start.
func (l *serverLog) Warnf(format string, arguments ...any) {
	l.keep(format, arguments)
	l.log.Warn().Str("part", "nats").Msgf(format, arguments...)
}

// Errorf also keeps the line for the error of a start.
func (l *serverLog) Errorf(format string, arguments ...any) {
	l.keep(format, arguments)
	l.log.Error().Str("part", "nats").Msgf(format, arguments...)
}

// Fatalf keeps the line and returns: the server then gives up its start by itself.
func (l *serverLog) Fatalf(format string, arguments ...any) {
	l.mutex.Lock()
	if l.fatalLine == "" {
		l.fatalLine = fmt.Sprintf(format, arguments...)
	}
	l.mutex.Unlock()
	l.log.Error().Str("part", "nats").Msgf(format, arguments...)
}

// Debugf is called only when our own logger has the debug level.
func (l *serverLog) Debugf(format string, arguments ...any) {
	l.log.Debug().Str("part", "nats").Msgf(format, arguments...)
}

// Tracef is never called, since traces, which show what passes through, are off; and it would say nothing.
func (l *serverLog) Tracef(string, ...any) {}

func (l *serverLog) keep(format string, arguments []any) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if !l.running && len(l.complained) < complaintLimit {
		l.complained = append(l.complained, strings.TrimSpace(fmt.Sprintf(format, arguments...)))
	}
}

// started ends the keeping of warnings.
func (l *serverLog) started() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.running, l.complained = true, nil
}

func (l *serverLog) fatal() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.fatalLine
}

func (l *serverLog) complaints() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.complained
}
