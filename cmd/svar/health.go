package main

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"svar/channels/mail"
	"svar/channels/phone"
	"svar/queue/journal"
)

// status is how a part of the service is doing.
type status string

// The statuses. A node with one that is degraded does its work; with one that fails it takes no
// new contacts, or nobody can answer them.
const (
	statusOK       status = "ok"
	statusDegraded status = "degraded"
	statusFailed   status = "failed"
)

var statuses = []status{statusOK, statusDegraded, statusFailed}

// check is what /readyz says about one part.
type check struct {
	Name   string `json:"name"`
	Status status `json:"status"`
	// Words are for people: what is missing, and what goes on meanwhile.
	Words string `json:"words"`
}

// readiness is the answer of /readyz.
type readiness struct {
	Format int `json:"format"`
	// Status is "ready", "degraded" (ready, but look) or "not ready".
	Status string `json:"status"`
	// Checks are left out for strangers.
	Checks []check `json:"checks,omitempty"`
}

const readinessFormat = 1

func newReadiness(checks []check) readiness {
	r := readiness{Format: readinessFormat, Status: "ready", Checks: checks}
	for _, c := range checks {
		switch {
		case c.Status == statusFailed:
			r.Status = "not ready"
		case c.Status == statusDegraded && r.Status == "ready":
			r.Status = "degraded"
		}
	}
	return r
}

// healthz says that the process lives: it answers as long as there is any use in waiting for it.
func (a *App) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
}

// readyz says whether the node takes contacts: 200, or 503 while something is missing. Those who
// may read the figures are told what.
func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	answer := newReadiness(a.checks())
	if !a.isOperator(r) {
		answer.Checks = nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if answer.Status == "not ready" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(answer) // who asked is gone
}

// operatorsOnly serves those who watch over the service.
func (a *App) operatorsOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.isOperator(r) {
			next.ServeHTTP(w, r)
			return
		}
		if a.options.Config.Metrics.Token != "" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="metrics"`)
			http.Error(w, "The figures are for those who have the token (metrics.token).", http.StatusUnauthorized)
			return
		}
		http.Error(w, "The figures are for addresses in metrics.allow.", http.StatusForbidden)
	})
}

// isOperator tells who may read figures and details: this machine itself, the addresses in
// metrics.allow, and who has the token.
func (a *App) isOperator(r *http.Request) bool {
	settings := a.options.Config.Metrics
	if token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); is && settings.Token != "" {
		return subtle.ConstantTimeCompare([]byte(token), []byte(settings.Token.Reveal())) == 1
	}
	// A proxy that http.proxies does not name brings everybody's requests, from its own address.
	forwarded := r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" || r.Header.Get("Via") != ""
	address := remoteAddress(r)
	if address.IsLoopback() || forwarded && !byProxy(r) {
		return !forwarded
	}
	for _, prefix := range settings.Allow {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// What is close enough to trouble to be said.
const (
	littleSpace    = 1 << 30 // bytes that are free
	fewOf          = 20      // a twentieth of the disk
	manyRecords    = 1000    // that are not projected
	certificateEnd = 14 * 24 * time.Hour
)

// checks looks at every part. It asks nothing that may have to be waited for.
func (a *App) checks() []check {
	seen := a.watch.seen()
	if a.guard != nil {
		seen.storage = a.guard.Storage() // it costs nothing, and is newer
	}
	checks := []check{a.checkQueue(), checkJournal(seen), checkDisk(seen), checkDatabase(seen), checkProjection(seen), a.checkPhone(), a.checkVoice()}
	if a.certificates != nil {
		checks = append(checks, checkCertificates(a.certificates, time.Now()))
	}
	for _, trunk := range a.phone.Trunks() {
		if trunk.Watched {
			checks = append(checks, checkTrunk(trunk))
		}
	}
	for _, box := range a.options.Config.Mail.Mailboxes {
		if a.mailboxes != nil {
			checks = append(checks, checkMailbox(string(box.ID), a.mailboxes.State(box.ID)))
		}
	}
	if a.ending.Load() {
		checks = append(checks, check{"process", statusFailed, "the process is ending"})
	}
	return checks
}

func (a *App) checkQueue() check {
	c := check{"queue", statusOK, "contacts are offered to agents"}
	if a.dispatcher != nil {
		if state := a.dispatcher.State(); !state.Leading {
			c.Status, c.Words = statusFailed, "no contact is taken or offered"
			if state.Failure != nil {
				c.Words += fmt.Sprintf(" since %s: %v", state.Since.UTC().Format(time.RFC3339), state.Failure)
			}
			return c
		}
	}
	if !a.ui.Gauges().Connected {
		c.Status, c.Words = statusFailed, "the dispatcher is not heard: consoles show what was last known"
	}
	return c
}

func checkJournal(seen sightings) check {
	const meanwhile = "; live talk goes on, new contacts are turned away"
	switch storage := seen.storage; storage.Level {
	case journal.Unwritable, journal.Reserved:
		return check{"journal", statusFailed, storage.Problem + meanwhile}
	case journal.Low:
		return check{"journal", statusDegraded, storage.Problem}
	case journal.Ample:
	}
	if seen.journal != nil {
		return check{"journal", statusFailed, fmt.Sprintf("the journal does not answer (%v)%s", seen.journal, meanwhile)}
	}
	const most = 90 // per cent
	if limit := seen.storage.Limit; limit > 0 && seen.storage.Used > limit/100*most {
		return check{"journal", statusDegraded, fmt.Sprintf("the streams have %d of the %d MB that they may have", seen.storage.Used>>20, limit>>20)}
	}
	return check{"journal", statusOK, "records are kept"}
}

func checkDisk(seen sightings) check {
	switch {
	case seen.disk != nil:
		return check{"disk", statusFailed, diskWords(seen.disk) + ": new calls are turned away, mails stay in their mailboxes, live talk goes on"}
	case seen.size > 0 && seen.free < min(littleSpace, seen.size/fewOf):
		return check{"disk", statusDegraded, fmt.Sprintf("the disk of the data directory has only %d MB left", seen.free>>20)}
	}
	return check{"disk", statusOK, "the data directory is written"}
}

func checkDatabase(seen sightings) check {
	if seen.database != nil {
		return check{"database", statusDegraded, fmt.Sprintf("PostgreSQL has not answered since %s: calls go on; figures and tickets wait", seen.databaseSince.UTC().Format(time.RFC3339))}
	}
	return check{"database", statusOK, "PostgreSQL answers"}
}

func checkProjection(seen sightings) check {
	if seen.last > seen.projected+manyRecords {
		return check{"projection", statusDegraded, fmt.Sprintf("figures are behind: %d records of the journal are not in PostgreSQL yet", seen.last-seen.projected)}
	}
	return check{"projection", statusOK, "figures follow the journal"}
}

func (a *App) checkPhone() check {
	active, most := a.phone.Stats().Active, a.options.Config.Phone.MaxCalls
	if int(active) >= most {
		return check{"phone", statusDegraded, fmt.Sprintf("all %d calls that phone.max_calls allows are taken: further ones get 503", most)}
	}
	return check{"phone", statusOK, "calls are taken on " + a.phone.Address().String()}
}

func checkTrunk(trunk phone.TrunkState) check {
	name := "trunk " + trunk.Name
	switch {
	case trunk.Registers && !trunk.Registered:
		return check{name, statusDegraded, "we are not registered with it: calls from it may not find us"}
	case !trunk.Up:
		return check{name, statusDegraded, "none of its proxies answers: calls by it wait for another trunk, or fail"}
	case trunk.Dead > 0:
		return check{name, statusOK, fmt.Sprintf("%d of its %d proxies do not answer: calls go by the others", trunk.Dead, trunk.Proxies)}
	}
	return check{name, statusOK, "it answers"}
}

func (a *App) checkVoice() check {
	if most := a.options.Config.Voice.MaxLegs; a.voice.Legs() >= most {
		return check{"voice", statusDegraded, fmt.Sprintf("all %d connections that voice.max_legs allows are taken: further agents get no sound", most)}
	}
	return check{"voice", statusOK, "agents' voice is taken on " + a.voice.UDPAddress().String()}
}

func checkCertificates(c certificates, now time.Time) check {
	leaf, fault := c.shown()
	out := check{"certificate", statusOK, ""}
	switch {
	case leaf == nil:
		out.Status, out.Words = statusFailed, "browsers cannot come by HTTPS: there is no certificate yet"
	case now.After(leaf.NotAfter):
		out.Status, out.Words = statusFailed, "browsers refuse the certificate: it ended on "+leaf.NotAfter.UTC().Format(time.RFC3339)
	default:
		out.Words = "the certificate for browsers ends on " + leaf.NotAfter.UTC().Format(time.RFC3339)
		// Certificates that live for days only are renewed late.
		if soon := min(certificateEnd, leaf.NotAfter.Sub(leaf.NotBefore)/6); fault != nil || leaf.NotAfter.Sub(now) < soon {
			out.Status = statusDegraded
		}
	}
	if fault != nil {
		out.Words += fmt.Sprintf("; %v", fault)
	}
	return out
}

func checkMailbox(id string, state mail.State) check {
	if !state.Connected {
		return check{"mailbox " + id, statusDegraded, fmt.Sprintf("not read since %s: %s; mails stay there until it is", state.Since.UTC().Format(time.RFC3339), state.Problem)}
	}
	return check{"mailbox " + id, statusOK, "mails are fetched"}
}
