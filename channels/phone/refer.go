package phone

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
	"svar/contact"
)

// REFER (RFC 3515) is the transfer key of an agent's desk phone: it sends the user on without asking before (RFC 5589
// §6). Here is only read what was dialled, and told how it went. Nothing is called from here: whoever follows the
// leg's transfers knows whom a contact may be sent to, and what is called outside goes by [Gateway.Dial] as every
// other call. Callers, trunks and whatever took a call over can make us call nobody.

// referralTime is for how many seconds a telephone is told that the outcome may be open. Whatever is rung ends sooner.
const referralTime = maxRinging * 2

// referral is a REFER that was accepted, until its outcome was told. It belongs to the goroutine of its leg.
type referral struct {
	// event is the Event header of what is told (RFC 3515 §2.4.6), silent that nothing is to be (RFC 4488).
	event  string
	silent bool
	// outcome takes the SIP response that says how it went, once.
	outcome chan int
	// answers takes what the telephone says to what it is told, and waiting says that it has not yet: what came
	// second would be refused if it overtook what came first (RFC 3261 §12.2.2).
	answers chan outcome
	waiting bool
}

// results is the outcome, once it can be told; nil until then.
func (r *referral) results() <-chan int {
	if r == nil || r.waiting {
		return nil
	}
	return r.outcome
}

// answered is what the telephone says; nil when nothing is awaited.
func (r *referral) answered() <-chan outcome {
	if r == nil {
		return nil
	}
	return r.answers
}

// allowed are the methods that are served in the dialog.
func (l *leg) allowed() string {
	if l.onRefer == nil || !l.dialog.Latched {
		return allowed
	}
	return allowed + ", REFER"
}

// refer answers REFER.
func (l *leg) refer(in received) {
	r, fault := l.askReferral(in.request)
	if fault != nil {
		l.gateway.reject(in.request, in.transaction, fault)
		return
	}
	headers := []sip.Header{l.gateway.contactHeader(l.peer, l.dialog.Transport)}
	if r.silent {
		headers = append(headers, sip.NewHeader("Refer-Sub", "false"))
	}
	l.gateway.respond(in.request, in.transaction, 202, "Accepted", headers...)
	l.referral, l.referred = r, true
	l.notify(100, false)
}

// mayRefer tells whether a request comes from the desk phone that was rung, in a talk: not from another device
// that took the call over, which another trunk or agent may have.
func (l *leg) mayRefer(request *sip.Request) bool {
	return l.onRefer != nil && !l.confirmedAt.IsZero() && l.dialog.Latched && sourceOf(request).Addr() == l.peer
}

// askReferral reads a REFER and asks whether somebody takes what it wants.
func (l *leg) askReferral(request *sip.Request) (*referral, *fault) {
	switch {
	case !l.mayRefer(request):
		return nil, forbidden()
	case l.referral != nil:
		return nil, refuse(491, "Request Pending")
	}
	dialled, fault := l.readReferTo(request)
	if fault != nil {
		return nil, fault
	}
	r := &referral{event: "refer", outcome: make(chan int, 1), answers: make(chan outcome, 1)}
	if l.referred {
		r.event += ";id=" + strconv.FormatUint(uint64(request.CSeq().SeqNo), 10)
	}
	if value, found := headerValue(request, "refer-sub"); found {
		r.silent = strings.EqualFold(value, "false")
	} else {
		r.silent = requires(request, optionNoRefSub)
	}
	err := l.onRefer(dialled, func(failure contact.DialFailure) {
		select {
		case r.outcome <- outcomeCode(failure):
		default: // it was told already
		}
	})
	switch {
	case errors.Is(err, channels.ErrNobodyThere):
		return nil, refuse(404, "Not Found")
	case err != nil:
		l.log.Info().Err(err).Msg("a transfer at a desk phone is refused")
		return nil, forbidden()
	}
	l.log.Info().Msg("transfer at a desk phone")
	return r, nil
}

// readReferTo reads whom the user is to be sent to: a number or name at this desk, as it is dialled. Whatever would
// make of it another request, another call's end or another place is refused.
func (l *leg) readReferTo(request *sip.Request) (string, *fault) {
	fields := headersOf(request, "refer-to")
	if len(fields) != 1 || len(fields[0].Value()) > maxURI {
		return "", refuse(400, "No usable Refer-To") // RFC 3515 §2.4.2
	}
	var uri sip.Uri
	var parameters sip.HeaderParams
	if _, err := sip.ParseAddressValue(fields[0].Value(), &uri, &parameters); err != nil || uri.Wildcard {
		return "", refuse(400, "No usable Refer-To")
	}
	dialled := uri.User
	switch {
	case strings.EqualFold(uri.Scheme, "tel"):
		dialled = uri.Raw()
	case !isSIP(uri.Scheme + ":"):
		return "", refuse(416, "Unsupported URI Scheme")
	case len(uri.Headers) > 0, uri.Password != "", !isPlain(uri.UriParams):
		// With Replaces it is a consulted transfer: agents make those in the console, which knows both calls.
		return "", forbidden()
	case !l.isOwnDomain(uri.Host):
		return "", forbidden()
	}
	if dialled == "" || len(dialled) > channels.MaxDialled || strings.ContainsFunc(dialled, isNotDialled) {
		return "", refuse(404, "Not Found")
	}
	return dialled, nil
}

// isPlain tells whether parameters of a URI say only how a request would go.
func isPlain(parameters sip.HeaderParams) bool {
	for _, parameter := range parameters {
		switch strings.ToLower(parameter.K) {
		case "user", "transport":
		default:
			return false
		}
	}
	return true
}

// isNotDialled tells what no number or name has: escapes and parameters by which a dial plan is led around, and all
// that is not ASCII.
func isNotDialled(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("+-._", r)
}

// isOwnDomain tells whether a host is us, as the telephone knows us.
func (l *leg) isOwnDomain(host string) bool {
	if host == "" {
		return false
	}
	if address, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && address.Unmap() == l.gateway.localAddress(l.peer).Unmap() {
		return true
	}
	return strings.EqualFold(host, l.domain)
}

// outcomeCode is the SIP response that tells how a transfer went.
func outcomeCode(failure contact.DialFailure) int {
	switch failure {
	case "":
		return 200
	case contact.DialBusy:
		return 486
	case contact.DialNoAnswer:
		return 480
	case contact.DialCancelled:
		return 487
	case contact.DialFault:
		return 503
	default:
		return 603
	}
}

// fragments are the status lines that a telephone is told (RFC 3515 §2.4.5, RFC 3420).
var fragments = map[int]string{
	100: "Trying", 200: "OK", 480: "Temporarily Unavailable", 486: "Busy Here", 487: "Request Terminated", 503: "Service Unavailable", 603: "Decline",
}

// notify tells the telephone how the transfer is going; last ends that.
func (l *leg) notify(code int, last bool) {
	r := l.referral
	if last {
		l.referral = nil
	}
	if r.silent {
		return
	}
	subscription := "active;expires=" + strconv.Itoa(int(referralTime.Seconds()))
	if last {
		subscription = "terminated;reason=noresource"
	}
	dialog, g, peer := l.nextRequest(), l.gateway, l.peer
	ctx, done, serving := g.begin(g.life)
	if !serving {
		return
	}
	told := make(chan struct{})
	r.waiting, l.told = true, told
	go func() {
		defer done()
		defer close(told)
		ctx, cancel := context.WithTimeout(ctx, 64*g.config.T1)
		defer cancel()
		o := g.change(ctx, dialog, sip.NOTIFY, nil, func(request *sip.Request) {
			request.AppendHeader(g.contactHeader(peer, dialog.Transport))
			request.AppendHeader(sip.NewHeader("Event", r.event))
			request.AppendHeader(sip.NewHeader("Subscription-State", subscription))
			request.AppendHeader(sip.NewHeader("Content-Type", "message/sipfrag;version=2.0"))
			request.SetBody([]byte("SIP/2.0 " + strconv.Itoa(code) + " " + fragments[code] + "\r\n"))
		})
		select {
		case r.answers <- o:
		default: // the leg is over
		}
	}()
}

// notified goes on once the telephone was told. One that knows of nothing is told no more (RFC 6665 §4.2.2).
func (l *leg) notified(o outcome) {
	l.referral.waiting = false
	if o.err != nil || o.response.StatusCode == 481 {
		l.referral.silent = true
	}
}

// endReferral tells the outcome before the call ends, or that nothing will be told any more when it is open.
func (l *leg) endReferral() {
	if l.referral == nil {
		return
	}
	select {
	case code := <-l.referral.outcome:
		l.notify(code, true)
	default:
		l.notify(100, true)
	}
}

func forbidden() *fault { return refuse(403, "Forbidden") }

// FollowTransfers implements [channels.Transferring].
func (l *deskLeg) FollowTransfers(ask func(dialled string, done func(contact.DialFailure)) error) {
	l.transfers.Store(&ask)
}

// errNotInTalk refuses a transfer by a telephone that nobody follows.
var errNotInTalk = errors.New("the telephone is in no talk")

// askTransfer passes on what the telephone that was picked up wants.
func (l *deskLeg) askTransfer(ring *dialled, dialled string, done func(contact.DialFailure)) error {
	ask := l.transfers.Load()
	if ask == nil || l.taken.Load() != ring {
		return errNotInTalk
	}
	return (*ask)(dialled, done)
}
