package phone

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog" //nolint:depguard // the SIP library takes no other logger, and gets one that is silent
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/rs/zerolog"

	"svar/channels"
	"svar/channels/media"
)

// farewell is how long a shutdown waits for the answers to what it sent.
const farewell = 2 * time.Second

// Gateway takes and makes telephone calls, and rings agents' desk phones. It implements
// [channels.Gateway], [channels.Dialler], [channels.Endpoint] and [channels.OrphanEnder].
type Gateway struct {
	config            Config
	log               zerolog.Logger
	lines             *lineTable
	carriers          *carriers
	gate              *gate
	registrations     map[string]*trunkRegistration // by trunk
	ports             *media.PortPool
	doorman           *doorman
	registrar         *registrar
	signOns           *trunkSignOns
	tagKey            []byte
	counters          counters
	voices            media.Ledger
	farewell, reports time.Duration // shorter in tests
	// second is the unit of session timers, and refreshPart the part of the interval after which we refresh: a
	// half. Other ones in tests.
	second, refreshPart time.Duration

	// Set by Listen.
	transport     *sip.TransportLayer
	transactions  *sip.TransactionLayer
	udp           *datagrams
	tcp           *connections
	secure        *secureConnections // nil without TLS
	port          uint16
	securePort    uint16
	socketsClosed atomic.Bool

	// served is closed when the library has the UDP socket, closing when no further calls are taken; life ends
	// when nothing is waited for any more.
	served  chan struct{}
	closing chan struct{}
	life    context.Context
	end     context.CancelFunc

	mutex sync.Mutex // guards what follows
	state serving
	// active counts handlers, legs and requests of our own; idle is signalled at zero.
	active int
	idle   *sync.Cond
	legs   map[dialogID]*leg
	// parties counts the legs by the address at the other side.
	parties map[netip.Addr]int
	// strangers counts the legs of callers outside the trunks, strangersAt by their address.
	strangers   int
	strangersAt map[netip.Addr]int
	// atDoor counts the calls that wait to be put on record, strangersAtDoor those of callers outside the trunks.
	atDoor, strangersAtDoor int
	// arriving finds the call of an INVITE, for copies of it that came another way.
	arriving map[inviteID]*leg
	// ended are dialogs that are over, as long as messages of them may still be on their way:
	// a BYE that crossed ours is answered 200, and a copy of the INVITE is absorbed.
	ended memory[dialogID]
	// acknowledged take further 2xx to INVITEs of ours that were answered; see afterwards.go.
	acknowledged map[inviteID]func(*sip.Response)
	// cancelled are INVITEs whose CANCEL came first.
	cancelled memory[inviteID]
}

type serving int

const (
	made serving = iota
	running
	stopping
	stopped
)

// dialogID identifies a dialog at our side (RFC 3261 §12).
type dialogID struct{ callID, localTag, remoteTag string }

// inviteID identifies an INVITE whatever way it took (RFC 3261 §8.2.2.2).
type inviteID struct {
	callID, fromTag string
	sequence        uint32
}

var (
	_ channels.Gateway     = (*Gateway)(nil)
	_ channels.OrphanEnder = (*Gateway)(nil)
)

// New checks the configuration. It opens nothing.
func New(config Config) (*Gateway, error) {
	config, err := config.complete()
	if err != nil {
		return nil, fmt.Errorf("configure phone: %w", err)
	}
	lines, err := newLineTable(config.Lines, config.Region)
	if err != nil {
		return nil, fmt.Errorf("configure phone: %w", err)
	}
	ports, err := media.NewPortPool(media.PortPoolConfig{
		Address: config.Address.Addr(), First: config.RTPFirst, Last: config.RTPLast,
	})
	if err != nil {
		return nil, fmt.Errorf("configure phone: %w", err)
	}
	g := &Gateway{
		config: config, log: config.Log, lines: lines, carriers: newCarriers(config), gate: newGate(config.DialPlan), ports: ports,
		tagKey: make([]byte, 32), farewell: farewell, reports: reportInterval, second: time.Second, refreshPart: 2,
		served: make(chan struct{}), closing: make(chan struct{}), legs: make(map[dialogID]*leg), arriving: make(map[inviteID]*leg), acknowledged: map[inviteID]func(*sip.Response){},
		strangersAt: make(map[netip.Addr]int), parties: make(map[netip.Addr]int),
	}
	g.idle = sync.NewCond(&g.mutex)
	g.doorman = newDoorman(g, config)
	g.registrar = newRegistrar(g, config.Phones)
	g.signOns, g.registrations = newTrunkSignOns(config), newRegistrations(config)
	_, _ = rand.Read(g.tagKey) // never fails (crypto/rand)
	return g, nil
}

// Listen opens the SIP port on UDP and TCP, so that a caller learns early that it is taken:
// then the error is an [*AddressError]. Serve does it by itself; what Listen opened is closed
// by Serve.
func (g *Gateway) Listen(ctx context.Context) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.transport != nil {
		return nil
	}
	udp, tcp, err := listen(ctx, g.config.Address)
	if err != nil {
		return err
	}
	var secure *net.TCPListener
	if g.config.TLS != nil {
		if secure, err = listenSecure(ctx, g.config.TLS.Address); err != nil {
			_ = udp.Close()
			_ = tcp.Close()
			return err
		}
	}
	g.life, g.end = context.WithCancel(context.Background())
	g.port = localPort(udp.LocalAddr())
	g.udp, g.tcp = newDatagrams(g, udp), newConnections(g, tcp)
	if secure != nil {
		g.secure, g.securePort = newSecureConnections(g, secure), localPort(secure.Addr())
	}
	log := slog.New(parseCounter{Handler: slog.DiscardHandler, gateway: g})
	g.transport = sip.NewTransportLayer(noNames, newParser(), nil, sip.WithTransportLayerLogger(log),
		sip.WithTransportLayerTransports(sip.TransportsConfig{
			TCP: &sip.TransportTCP{DialerCreate: g.guardDial, WriteTimeout: writeTimeout},
			TLS: &sip.TransportTLS{TransportTCP: &sip.TransportTCP{DialerCreate: refuseDial, WriteTimeout: writeTimeout}},
		}))
	// Before the transactions see a message: they run their handlers in the order given.
	g.transport.OnMessage(tidy)
	g.transport.OnMessage(g.countRequest)
	g.transport.OnMessage(g.giveTag)
	g.transactions = sip.NewTransactionLayer(g.transport, sip.WithTransactionLayerLogger(log),
		sip.WithTransactionLayerUnhandledResponseHandler(g.answeredAgain))
	g.transactions.OnRequest(g.handle)
	return nil
}

// Address is where SIP is taken, once Listen or Serve opened it; the zero value before.
func (g *Gateway) Address() netip.AddrPort {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.transport == nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(g.config.Address.Addr(), g.port)
}

// SecureAddress is where SIP is taken by TLS, likewise; the zero value without TLS.
func (g *Gateway) SecureAddress() netip.AddrPort {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.secure == nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(g.config.TLS.Address.Addr(), g.securePort)
}

// Serve implements [channels.Gateway]. It can be called once. At the end unanswered calls get
// 503 and connected ones BYE, whose answers are waited for up to two seconds.
func (g *Gateway) Serve(ctx context.Context) error {
	if err := g.Listen(ctx); err != nil {
		return err
	}
	g.mutex.Lock()
	if g.state != made {
		g.mutex.Unlock()
		return fmt.Errorf("serve phone: it was served before")
	}
	g.state = running
	g.mutex.Unlock()

	var readers sync.WaitGroup
	readers.Go(g.udp.serve)
	readers.Go(g.registrar.run)
	readers.Go(func() { _ = g.transport.ServeTCP(g.tcp) }) // ends when the listener is closed
	if g.secure != nil {
		readers.Go(g.secure.acceptAll)
		readers.Go(func() { _ = g.transport.ServeTLS(g.secure) })
	}
	g.watchTrunks()
	g.log.Info().Stringer("address", g.Address()).Msg("SIP is served")

	<-ctx.Done()
	g.stop()
	readers.Wait()
	g.tcp.readers.Wait()
	if g.secure != nil {
		g.secure.readers.Wait()
	}
	return nil
}

// stop ends the calls, then the transactions, then the sockets.
func (g *Gateway) stop() {
	g.mutex.Lock()
	g.state = stopping
	close(g.closing)
	g.mutex.Unlock()
	patience := time.AfterFunc(g.farewell, g.end)
	g.waitIdle()
	patience.Stop()
	g.end()

	g.mutex.Lock()
	g.state = stopped
	g.mutex.Unlock()
	g.udp.quiet.Store(true)
	time.Sleep(drain)
	g.transactions.Close()
	g.socketsClosed.Store(true)
	_ = g.tcp.Close() // nothing is left to be done when it fails
	if g.secure != nil {
		_ = g.secure.Close()
	}
	_ = g.udp.Close()
	_ = g.transport.Close() // closes what is open; that it was closed before is no fault
	g.waitIdle()            // handlers that came in the meantime
	// A message that was read before and handled after the socket was closed has made the
	// library open another one for its response.
	_ = g.transport.Close()
}

// add counts work that Serve waits for. The caller holds the mutex.
func (g *Gateway) add() { g.active++ }

// done is the counterpart of add. The caller holds the mutex.
func (g *Gateway) done() {
	if g.active--; g.active == 0 {
		g.idle.Broadcast()
	}
}

func (g *Gateway) waitIdle() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	for g.active > 0 {
		g.idle.Wait()
	}
}

// begin registers work that Serve waits for. Its context ends with the caller's, and when a
// shutdown has lost patience. It reports false when the gateway does not serve.
func (g *Gateway) begin(ctx context.Context) (context.Context, func(), bool) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.state != running && g.state != stopping {
		return nil, nil, false
	}
	g.add()
	ctx, cancel := context.WithCancel(ctx)
	unlink := context.AfterFunc(g.life, cancel)
	return ctx, func() {
		unlink()
		cancel()
		g.mutex.Lock()
		defer g.mutex.Unlock()
		g.done()
	}, true
}

// countRequest runs on a reader's goroutine for each message that the library was given.
func (g *Gateway) countRequest(message sip.Message) {
	request, isRequest := message.(*sip.Request)
	if !isRequest {
		return
	}
	g.counters.request(request.Method)
	via := request.Via()
	if via == nil {
		return
	}
	// What is not valid is not remembered: nothing was looked at yet, and it may be very long.
	branch := via.Params.GetOr("branch", "")
	if branch != "" && len(branch) <= maxToken && len(request.Method) <= maxToken && g.counters.again(branch+string(request.Method)) {
		g.counters.repeated.Add(1)
	}
}

// giveTag gives an INVITE that begins a dialog our To tag, before the transaction makes
// responses from it: the library would invent another one for each. It runs on the reader's
// goroutine, before anything else knows the message.
func (g *Gateway) giveTag(message sip.Message) {
	request, isRequest := message.(*sip.Request)
	if !isRequest || (request.Method != sip.INVITE && request.Method != sip.CANCEL) {
		return
	}
	to, from, sequence := request.To(), request.From(), request.CSeq()
	if to == nil || from == nil || sequence == nil || request.CallID() == nil || to.Params.Has("tag") {
		return
	}
	to.Params.Add("tag", g.tagFor(request))
}

// tagFor is our tag for the dialog of an INVITE: the same for its CANCEL and its copies, and
// not to be guessed.
func (g *Gateway) tagFor(request *sip.Request) string {
	mac := hmac.New(sha256.New, g.tagKey)
	for _, part := range []string{
		request.CallID().Value(), tag(request.From().Params), strconv.FormatUint(uint64(request.CSeq().SeqNo), 10),
	} {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(mac.Sum(nil)[:10])
}

// begins tells whether a request begins something new, rather than being in a dialog: it has no
// To tag, or the one that giveTag gave it.
func (g *Gateway) begins(request *sip.Request) bool {
	given := tag(request.To().Params)
	return given == "" || request.Method == sip.INVITE && given == g.tagFor(request)
}

// contactHeader is our Contact, as a peer reaches it.
func (g *Gateway) contactHeader(peer netip.Addr, transport string) sip.Header {
	uri := sip.Uri{Scheme: "sip", Host: g.localAddress(peer).String(), Port: int(g.portFor(transport))}
	if transport != "UDP" {
		uri.UriParams = sip.HeaderParams{{K: "transport", V: sip.NetworkToLower(transport)}}
	}
	return &sip.ContactHeader{Address: uri}
}

// respond sends a response without a body.
func (g *Gateway) respond(request *sip.Request, transaction *sip.ServerTx, code int, reason string, headers ...sip.Header) {
	response := sip.NewResponseFromRequest(request, code, reason, nil)
	for _, header := range headers {
		response.AppendHeader(header)
	}
	// A response that can not be sent is repeated when the request is.
	_ = transaction.Respond(response)
}

// sourceOf is where a request came from.
func sourceOf(request *sip.Request) netip.AddrPort {
	host, port, err := net.SplitHostPort(request.MessageData.Source())
	if err != nil {
		return netip.AddrPort{}
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(address.Unmap(), uint16(number))
}
