package phone

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/emiago/sipgo/sip"
)

// largeMessage is above how many bytes a request goes by TCP: fragments of a datagram get lost on the way
// (RFC 3261 §18.1.1).
const largeMessage = 1300

// portFor is the port where we take what comes by a transport.
func (g *Gateway) portFor(transport string) uint16 {
	if transport == "TLS" {
		return g.securePort
	}
	return g.port
}

// transact begins the transaction of a request of ours, which says in its Via how it goes. trunk is who it is for; nil when
// it is for nobody who is configured. What is too large for UDP goes by TCP, and by UDP if there is no TCP at the other
// side (RFC 3261 §18.1.1); the request tells how it went.
func (g *Gateway) transact(ctx context.Context, request *sip.Request, trunk *Trunk) (*sip.ClientTx, error) {
	ctx = context.WithValue(ctx, ourDial{}, true)
	if request.Transport() == "UDP" && len(request.String()) > largeMessage {
		goBy(request, "TCP")
		laddr := request.Laddr
		request.Laddr = sip.Addr{}
		bounded, cancel := context.WithTimeout(ctx, dialTimeout/2)
		transaction, err := g.transactions.Request(bounded, request)
		cancel()
		if err == nil {
			return transaction, nil
		}
		goBy(request, "UDP")
		request.Laddr = laddr
	}
	if request.Transport() == "TLS" {
		address, err := netip.ParseAddrPort(request.Destination())
		if err == nil {
			if trunk == nil {
				trunk = g.config.trunkOf(address.Addr())
			}
			err = g.connect(ctx, trunk, address)
		}
		if err != nil {
			return nil, err
		}
	}
	transaction, err := g.transactions.Request(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	return transaction, nil
}

// goBy changes the transport of a request.
func goBy(request *sip.Request, transport string) {
	request.Via().Transport = transport
	request.SetTransport(transport)
}
