package main

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
)

// service tells systemd how the process is doing (sd_notify(3)). Without systemd it does nothing.
// It never waits for systemd for long: its socket blocks while nobody reads it.
type service struct {
	log zerolog.Logger
	// telling is full while something is being told.
	telling chan struct{}
}

// tellTime is how long systemd is waited for.
const tellTime = time.Second

func newService(log zerolog.Logger) *service {
	return &service{log: log, telling: make(chan struct{}, 1)}
}

// ready says that calls are taken.
func (s *service) ready() { s.tell(daemon.SdNotifyReady + "\nSTATUS=Takes contacts") }

// stopping says that the end has begun.
func (s *service) stopping() {
	s.tell(daemon.SdNotifyStopping + "\nSTATUS=Gives calls up to call-backs, and ends")
}

func (s *service) tell(state string) {
	late := time.NewTimer(tellTime)
	defer late.Stop()
	select {
	case s.telling <- struct{}{}:
	case <-late.C:
		return // it was logged when it began
	}
	told := make(chan error, 1)
	go func() {
		defer func() { <-s.telling }()
		_, err := daemon.SdNotify(false, state)
		told <- err
	}()
	select {
	case err := <-told:
		if err != nil {
			s.log.Warn().Err(err).Msg("systemd cannot be told how the service is doing")
		}
	case <-late.C:
		s.log.Warn().Msg("systemd does not read how the service is doing")
	}
}

// watchdog tells systemd, as often as it asks to be told (WatchdogSec=), that the process lives,
// until ctx ends. A restart ends calls, so that nothing but a process that does not run at all is
// a reason for it: what else is wrong stands in /readyz.
func (s *service) watchdog(ctx context.Context) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		s.log.Warn().Err(err).Msg("what systemd says about its watchdog cannot be read")
	}
	if err != nil || interval == 0 {
		return
	}
	const spare = 3 // times as often as needed
	_ = every(ctx, max(interval/spare, time.Millisecond), func() { s.tell(daemon.SdNotifyWatchdog) })
}
