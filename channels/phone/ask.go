package phone

import (
	"context"
	"fmt"

	"github.com/emiago/sipgo/sip"
)

// outcome is what came of a request of ours that may change the session: a final response or why
// there is none.
type outcome struct {
	method   sip.RequestMethod
	response *sip.Response
	// acknowledge sends the ACK of an INVITE's 2xx; nil otherwise. With it the other side may make the
	// next offer, so that it has to wait until the leg knows of the response.
	acknowledge func()
	err         error
}

// ask sends UPDATE or INVITE in the dialog. The outcome comes by asking; one request at a time.
func (l *leg) ask(method sip.RequestMethod, body []byte) {
	dialog, g, timing := l.nextRequest(), l.gateway, l.timing
	ctx, done, serving := g.begin(g.life)
	if !serving {
		return
	}
	outcomes := make(chan outcome, 1)
	l.asking, l.inviting = outcomes, method == sip.INVITE
	peer, allow := l.peer, l.allowed()
	go func() {
		defer done()
		ctx, cancel := context.WithTimeout(ctx, 64*g.config.T1)
		defer cancel()
		outcomes <- g.change(ctx, dialog, method, body, func(request *sip.Request) {
			request.AppendHeader(g.contactHeader(peer, dialog.Transport))
			request.AppendHeader(sip.NewHeader("Allow", allow))
			askExpiry(request, timing.expiry, timing.minimum)
		})
	}()
}

// change sends a request that may change the session and returns what comes of it. A trunk that asks who we are is
// answered.
func (g *Gateway) change(ctx context.Context, r record, method sip.RequestMethod, body []byte, complete func(*sip.Request)) outcome {
	g.doorman.open(r.CallID)
	defer g.doorman.close(r.CallID)
	var authorization sip.Header
	for challenges := 0; ; challenges++ {
		request, err := r.request(method, r.Sequence)
		if err != nil {
			return outcome{method: method, err: err}
		}
		g.address(request, r, newBranch())
		complete(request)
		if authorization != nil {
			request.AppendHeader(authorization)
		}
		if len(body) > 0 {
			describe(request, body)
		}
		o := g.changeBy(ctx, r, request, authorization)
		if o.err != nil || !isChallenge(o.response.StatusCode) || challenges == maxChallenges {
			return o
		}
		if authorization = g.config.trunkNamed(r.Trunk).credentials(request, o.response); authorization == nil {
			return o
		}
		r.Sequence++
	}
}

// changeBy sends a request of change. An INVITE's 2xx is acknowledged whenever it comes again (RFC 3261
// §13.2.2.4), and by whoever takes the outcome the first time.
func (g *Gateway) changeBy(ctx context.Context, r record, request *sip.Request, authorization sip.Header) outcome {
	method := request.Method
	failed := func(err error) outcome {
		return outcome{method: method, err: fmt.Errorf("%s without answer: %w", method, err)}
	}
	transaction, err := g.transact(ctx, request, g.config.trunkNamed(r.Trunk))
	if err != nil {
		return failed(err)
	}
	invite := method == sip.INVITE
	connection := transaction.Connection()
	acknowledge := func(response *sip.Response) { g.acknowledgeChange(r, connection, response, authorization) }
	for {
		select {
		case response := <-transaction.Responses():
			switch {
			case response.IsProvisional():
				continue
			case !invite:
				transaction.Terminate()
			case response.IsSuccess():
				g.followAnswers(r, acknowledge)
				return outcome{method: method, response: response, acknowledge: func() { acknowledge(response) }}
			}
			return outcome{method: method, response: response}
		case <-transaction.Done():
			return failed(transaction.Err())
		case <-ctx.Done():
			transaction.Terminate()
			return failed(ctx.Err())
		}
	}
}

// acknowledgeChange sends the ACK of a re-INVITE's 2xx, with the credentials of the INVITE (§22.1). One
// that is lost is asked for again.
func (g *Gateway) acknowledgeChange(r record, connection sip.Connection, response *sip.Response, authorization sip.Header) {
	if contact := response.Contact(); contact != nil {
		moved := r
		if moved.Target = target(contact); moved.validate() == nil {
			r = moved
		}
	}
	ack, err := r.request(sip.ACK, r.Sequence)
	if err != nil {
		return
	}
	g.address(ack, r, newBranch())
	if authorization != nil {
		ack.AppendHeader(authorization)
	}
	_ = connection.WriteMsg(ack)
}

// follows takes from a response what the other side says of itself: its Contact, which our next
// requests go to (RFC 3261 §12.2.1.2), and whether it takes UPDATE.
func (l *leg) follows(response *sip.Response) {
	l.learnMethods(response)
	contact := response.Contact()
	if contact == nil {
		return
	}
	changed := l.dialog
	if changed.Target = target(contact); changed.Target != l.dialog.Target && changed.validate() == nil {
		l.dialog = changed
		l.publish()
	}
}

// learnMethods remembers whether the other side takes UPDATE, if a message says so.
func (l *leg) learnMethods(message sip.Message) {
	if len(headersOf(message, "allow")) > 0 {
		l.takesUpdate = allows(message, sip.UPDATE)
	}
}

// answered takes the outcome of our request; see confirmed.
func (l *leg) answered(o outcome) sip.Header {
	l.asking, l.inviting = nil, false
	fault := l.refreshAnswered(o)
	if o.acknowledge != nil {
		o.acknowledge()
	}
	return fault
}
