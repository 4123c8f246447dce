package phone

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
)

// Session timers (RFC 4028), so that neither side keeps a call that the other one has lost: one of
// the two refreshes the session, by UPDATE or INVITE, and whoever misses the refresh hangs up. A
// caller whose side asks for it gets it, however he waits or talks or holds; in calls of ours we ask.
const (
	// wantedSession is the interval that we ask for in seconds, and the longest that we agree to
	// unless the other side wants no shorter one (§4 recommends it).
	wantedSession = 1800
	// shortestSession is the shortest interval in seconds: less is refused (§5).
	shortestSession = 90
	// longestSession bounds what a Min-SE may demand: a day.
	longestSession = 86400
	// expiryMargin is how long before the expiry BYE is sent, in seconds, but a third of the interval
	// at the most (§10).
	expiryMargin = 32
	// tooSmall is the response to an interval that is (§6).
	tooSmall = 422
)

// expiry is what two sides agreed on. Its zero value is a session that does not expire.
type expiry struct {
	interval uint32 // seconds
	// ours says that we refresh.
	ours bool
}

// sessionTimer watches over an expiry.
type sessionTimer struct {
	expiry
	// minimum is the largest Min-SE that a 422 named.
	minimum          uint32
	refreshAt, endAt time.Time
	timer            *time.Timer
}

// readExpiry reads Session-Expires. refresher is uac, uas or empty.
func readExpiry(message sip.Message) (interval uint32, refresher string, found bool) {
	fields := headersOf(message, "session-expires")
	if len(fields) == 0 {
		return 0, "", false
	}
	value, parameters, _ := strings.Cut(fields[0].Value(), ";")
	if interval, found = number(value); !found || interval == 0 {
		return 0, "", false
	}
	for parameter := range strings.SplitSeq(parameters, ";") {
		if name, who, _ := strings.Cut(parameter, "="); strings.EqualFold(strings.TrimSpace(name), "refresher") {
			refresher = strings.ToLower(strings.TrimSpace(who))
		}
	}
	return interval, refresher, true
}

// shortest is the Min-SE of a message, or the one that holds without (§5).
func shortest(message sip.Message) uint32 {
	value, found := headerValue(message, "min-se")
	if !found {
		return shortestSession
	}
	interval, _ := number(value)
	return min(max(interval, shortestSession), longestSession)
}

// agree decides on the expiry that a request asks for, now being what held before (§9, table 2). It
// returns 422 when that is too short.
func agree(request *sip.Request, now expiry) (expiry, *fault) {
	interval, refresher, asked := readExpiry(request)
	able := supports(request, optionTimer)
	switch {
	case !asked:
		if !able {
			now.ours = true // only we can
		}
		return now, nil
	case interval < shortestSession && able:
		return now, refuse(tooSmall, "Session Interval Too Small", sip.NewHeader("Min-SE", strconv.Itoa(shortestSession)))
	}
	// Who can not be told that it is too short, because a proxy asked for it, gets the shortest.
	return expiry{interval: max(min(interval, max(wantedSession, shortest(request))), shortestSession), ours: !able || refresher == "uas"}, nil
}

// agreed is the expiry that a 2xx to a request of ours brings, wanted being what we asked for (§7.2).
// Without Session-Expires the session does not expire.
func agreed(response *sip.Response) expiry {
	interval, refresher, found := readExpiry(response)
	if !found {
		return expiry{}
	}
	return expiry{interval: min(max(interval, shortestSession), longestSession), ours: refresher != "uas"}
}

// tellExpiry says in the 2xx to a request what was agreed.
func tellExpiry(request *sip.Request, response *sip.Response, e expiry) {
	if e.interval == 0 {
		return
	}
	refresher := "uac"
	if e.ours {
		refresher = "uas"
	}
	if supports(request, optionTimer) {
		response.AppendHeader(sip.NewHeader("Require", optionTimer))
	}
	response.AppendHeader(sip.NewHeader("Session-Expires", strconv.FormatUint(uint64(e.interval), 10)+";refresher="+refresher))
}

// askExpiry says in a request of ours what we want: what holds, or what we usually ask for.
func askExpiry(request *sip.Request, now expiry, minimum uint32) {
	request.AppendHeader(sip.NewHeader("Supported", supported))
	value := strconv.Itoa(wantedSession)
	if now.interval != 0 {
		value = strconv.FormatUint(uint64(now.interval), 10)
		refresher := ";refresher=uas"
		if now.ours {
			refresher = ";refresher=uac"
		}
		value += refresher
	}
	if minimum > shortestSession {
		request.AppendHeader(sip.NewHeader("Min-SE", strconv.FormatUint(uint64(minimum), 10)))
	}
	request.AppendHeader(sip.NewHeader("Session-Expires", value))
}

// refreshed begins the interval anew, with what was agreed now.
func (l *leg) refreshed(e expiry) {
	l.timing.expiry = e
	if e.interval == 0 {
		l.stopTiming()
		return
	}
	second, now := l.gateway.second, time.Now()
	interval := time.Duration(e.interval) * second
	l.timing.endAt = now.Add(interval - min(expiryMargin*second, interval/3))
	l.timing.refreshAt = l.timing.endAt
	if e.ours {
		l.timing.refreshAt = now.Add(interval / l.gateway.refreshPart)
	}
	l.setTiming()
}

// setTiming sets the timer to what is due next.
func (l *leg) setTiming() {
	next := l.timing.endAt
	if l.timing.ours && l.timing.refreshAt.Before(next) {
		next = l.timing.refreshAt
	}
	if l.timing.timer == nil {
		l.timing.timer = time.NewTimer(time.Until(next))
		return
	}
	l.timing.timer.Reset(time.Until(next))
}

func (l *leg) stopTiming() {
	if l.timing.timer != nil {
		l.timing.timer.Stop()
		l.timing.timer = nil
	}
}

// sessionDue is the channel of the timer; nil while the session does not expire.
func (l *leg) sessionDue() <-chan time.Time {
	if l.timing.timer == nil {
		return nil
	}
	return l.timing.timer.C
}

// expire does what is due: it refreshes the session, or reports that the call is to end.
func (l *leg) expire() (over bool) {
	if !time.Now().Before(l.timing.endAt) {
		l.gateway.counters.expired.Add(1)
		l.log.Warn().Msg("the session was not refreshed")
		return true
	}
	if l.timing.ours && !time.Now().Before(l.timing.refreshAt) {
		l.refresh()
	}
	l.setTiming()
	return false
}

// refresh asks the other side whether the call goes on: by UPDATE where that is taken, which
// touches no media, otherwise by an INVITE that describes again what holds.
func (l *leg) refresh() {
	l.timing.refreshAt = l.timing.endAt // what comes back decides when it is tried again
	if l.asking != nil || l.pending != nil {
		l.retryRefresh(retryInterval)
		return
	}
	if l.takesUpdate {
		l.ask(sip.UPDATE, nil)
		return
	}
	body, err := l.session.again()
	if err != nil {
		l.log.Error().Err(err).Msg("the session could not be refreshed")
		return
	}
	l.ask(sip.INVITE, body)
}

// retryInterval is when a refresh is tried again that was refused for no reason of the session.
const retryInterval = 10 * time.Second

func (l *leg) retryRefresh(after time.Duration) {
	l.timing.refreshAt = time.Now().Add(after)
	l.setTiming()
}

// glareWait is how long a change waits that met one of the other side: who began the call waits
// longer (RFC 3261 §14.1).
func glareWait(began bool) time.Duration {
	const step = 10 * time.Millisecond
	if began {
		return 2100*time.Millisecond + time.Duration(rand.IntN(191))*step
	}
	return time.Duration(rand.IntN(201)) * step
}

// refreshAnswered takes the outcome of our refresh. It returns why the call is to end, if it is.
func (l *leg) refreshAnswered(o outcome) sip.Header {
	if o.err != nil {
		return because(408, "No answer to the refresh of the session")
	}
	switch code := o.response.StatusCode; {
	case o.response.IsSuccess():
		l.follows(o.response)
		if o.method == sip.INVITE {
			l.takeRefreshedAnswer(o.response)
		}
		e := agreed(o.response)
		if e.interval == 0 {
			e = expiry{interval: l.timing.interval, ours: true} // the other side needs none; we do
		}
		l.refreshed(e)
	case code == 481, code == 408:
		return because(code, "The other side no longer knows the call")
	case code == tooSmall && shortest(o.response) > l.timing.interval:
		l.timing.interval, l.timing.minimum = shortest(o.response), shortest(o.response)
		l.refresh()
		l.setTiming()
	case code == 491:
		l.retryRefresh(glareWait(l.invite == nil))
	case (code == 405 || code == 501) && o.method == sip.UPDATE:
		l.takesUpdate = false
		l.refresh()
	default:
		l.retryRefresh(retryInterval)
	}
	return nil
}

// takeRefreshedAnswer follows the answer to our INVITE, as far as it can be used: the call was up
// before.
func (l *leg) takeRefreshedAnswer(response *sip.Response) {
	answer, err := readDescription(response.Body(), l.offer.format.Codec, l.session.secure)
	if err != nil {
		l.log.Warn().Err(err).Msg("no usable answer to the refresh of the session")
		return
	}
	l.settle(answer)
}

// endExpired hangs up a call whose other side gave no sign of life.
func (l *leg) endExpired() state {
	return l.endWithBye(channels.EndedByFault, because(408, "Session expired"))
}
