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
	err      error
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
	peer := l.peer
	go func() {
		defer done()
		ctx, cancel := context.WithTimeout(ctx, 64*g.config.T1)
		defer cancel()
		response, err := g.change(ctx, dialog, method, body, func(request *sip.Request) {
			request.AppendHeader(g.contactHeader(peer, dialog.Transport))
			request.AppendHeader(sip.NewHeader("Allow", allowed))
			askExpiry(request, timing.expiry, timing.minimum)
		})
		outcomes <- outcome{method: method, response: response, err: err}
	}()
}

// change sends a request that may change the session and returns its final response. A trunk that asks who we are is
// answered.
func (g *Gateway) change(ctx context.Context, r record, method sip.RequestMethod, body []byte, complete func(*sip.Request)) (*sip.Response, error) {
	g.doorman.open(r.CallID)
	defer g.doorman.close(r.CallID)
	var authorization sip.Header
	for challenges := 0; ; challenges++ {
		request, err := r.request(method, r.Sequence)
		if err != nil {
			return nil, err
		}
		g.address(request, r, newBranch())
		complete(request)
		if authorization != nil {
			request.AppendHeader(authorization)
		}
		if len(body) > 0 {
			describe(request, body)
		}
		response, err := g.changeBy(ctx, r, request)
		if err != nil || !isChallenge(response.StatusCode) || challenges == maxChallenges {
			return response, err
		}
		if authorization = g.config.trunkNamed(r.Trunk).credentials(request, response); authorization == nil {
			return response, nil
		}
		r.Sequence++
	}
}

// changeBy sends a request of change. An INVITE's 2xx is acknowledged, each time that it comes (RFC 3261
// §13.2.2.4).
func (g *Gateway) changeBy(ctx context.Context, r record, request *sip.Request) (*sip.Response, error) {
	method := request.Method
	transaction, err := g.transact(ctx, request, g.config.trunkNamed(r.Trunk))
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", method, err)
	}
	invite := method == sip.INVITE
	if invite {
		transaction.OnRetransmission(func(response *sip.Response) {
			if response.IsSuccess() {
				g.acknowledgeChange(r, transaction, response)
			}
		})
	}
	for {
		select {
		case response := <-transaction.Responses():
			switch {
			case response.IsProvisional():
				continue
			case !invite:
				transaction.Terminate()
			case response.IsSuccess():
				g.acknowledgeChange(r, transaction, response)
			}
			return response, nil
		case <-transaction.Done():
			return nil, fmt.Errorf("%s without answer: %w", method, transaction.Err())
		case <-ctx.Done():
			transaction.Terminate()
			return nil, fmt.Errorf("%s without answer: %w", method, ctx.Err())
		}
	}
}

// acknowledgeChange sends the ACK of a re-INVITE's 2xx. One that is lost is asked for again.
func (g *Gateway) acknowledgeChange(r record, transaction *sip.ClientTx, response *sip.Response) {
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
	_ = transaction.Connection().WriteMsg(ack)
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
	return l.refreshAnswered(o)
}
