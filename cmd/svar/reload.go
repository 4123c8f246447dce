package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"svar/agentui"
	"svar/configs"
	"svar/contact"
)

// config returns the configuration that holds for what begins now. What began before keeps what
// it has: a call its flow, a wrap-up its end.
func (a *App) config() configs.Config { return *a.live.Load() }

// reloadTime bounds the taking over: the dispatcher records the rules.
const reloadTime = 30 * time.Second

// startReload reads the configuration again whenever the process is told to by SIGHUP.
func (a *App) startReload(context.Context) error {
	if a.options.Hangups == nil {
		return nil
	}
	a.run("the configuration", func(ctx context.Context) error {
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-a.options.Hangups:
				_, _ = a.readAgain(ctx) // it logs what is wrong
			}
		}
	})
	return nil
}

// Reload implements [agentui.Configuration]. What was begun is done though whoever asked for it has gone.
func (a *App) Reload(ctx context.Context) (agentui.Reloaded, error) {
	return a.readAgain(context.WithoutCancel(ctx))
}

// readAgain takes over either all of what may change live, or nothing. Contacts that are here already
// are touched by none of it.
func (a *App) readAgain(ctx context.Context) (agentui.Reloaded, error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	ctx, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	out, err := a.reload(ctx)
	if wrong := agentui.WrongConfiguration(nil); errors.As(err, &wrong) {
		for _, fault := range wrong {
			a.options.Log.Error().Str("fault", fault).Msg("the configuration was read again, and nothing was changed")
		}
		return out, err
	}
	if err != nil {
		a.options.Log.Error().Err(err).Msg("the configuration was read again and could not be taken over; ask for it once more")
		return out, err
	}
	for _, warning := range out.Warnings {
		a.options.Log.Warn().Msg(warning)
	}
	a.options.Log.Info().Strs("changed", out.Changed).Strs("needs_restart", out.Restart).Msg("the configuration was read again and taken over")
	return out, nil
}

func (a *App) reload(ctx context.Context) (agentui.Reloaded, error) {
	if a.options.Load == nil {
		return agentui.Reloaded{}, errors.New("this node cannot read its configuration again")
	}
	next, err := a.options.Load()
	if err != nil {
		return agentui.Reloaded{}, agentui.WrongConfiguration(strings.Split(err.Error(), "\n"))
	}
	live, difference := a.config().TakeOver(next)
	if err := live.CheckKept(); err != nil {
		return agentui.Reloaded{}, agentui.WrongConfiguration{err.Error()}
	}
	texts, err := readPrompts(ctx, a.speech, live.Prompts)
	if err != nil {
		return agentui.Reloaded{}, err
	}
	// The rules come first: contacts that are queued by a new flow may count in new hours. It is
	// also the one part that may fail. The queue is given them even if they are those that it should
	// have: an earlier time may have ended before its answer. To the same rules it does nothing.
	if a.options.Config.NATS.Engine {
		err := a.bus.Send(ctx, contact.ChangeRules{Rules: live.Rules()})
		if rejection := (*contact.Rejection)(nil); errors.As(err, &rejection) {
			return agentui.Reloaded{}, agentui.WrongConfiguration{"the queue refuses the rules: " + rejection.Error()}
		}
		if err != nil {
			return agentui.Reloaded{}, fmt.Errorf("give the queue its rules: %w", err)
		}
	}
	a.prompts.use(texts)
	a.live.Store(&live)
	if err := errors.Join(a.board.SetLines(switchboardLines(live)), a.chat.SetTopics(chatTopics(live))); err != nil {
		return agentui.Reloaded{}, err // never: the flows and topics were checked
	}
	a.portal.Reconfigure(portalCatalogue(live))
	a.ui.Reconfigure(catalogue(live))
	return agentui.Reloaded{Changed: difference.Changed, Restart: difference.Restart, Warnings: live.Warnings}, nil
}
