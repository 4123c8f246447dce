package phone

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/emiago/sipgo/sip"

	"svar/identity"
)

const (
	recordVersion = 1
	// maxRecord is what [channels.Leg.Record] allows.
	maxRecord = 8 << 10
	// orphanHeadRoom is how far the CSeq of an orphan's BYE lies above the recorded one: the
	// process that is gone may have sent requests since, and a CSeq that is not higher is
	// refused by the peer, whose call would go on (freeswitch#1833).
	orphanHeadRoom = 100_000
	// maxURI and maxToken bound what of a peer's message is kept, maxRoutes its route set.
	maxURI    = 512
	maxToken  = 256
	maxRoutes = 10
)

// record is a dialog as far as its requests need it (RFC 3261 §12.2.1.1). Its JSON form is
// the leg's record; it is read again by later versions.
type record struct {
	Version   int    `json:"version"`
	CallID    string `json:"call_id"`
	LocalTag  string `json:"local_tag"`
	RemoteTag string `json:"remote_tag"`
	// LocalURI and RemoteURI are those of To and From of the INVITE.
	LocalURI  string `json:"local_uri"`
	RemoteURI string `json:"remote_uri"`
	// Target is the peer's Contact.
	Target string `json:"target"`
	// Routes are in the order in which they are visited.
	Routes []string `json:"routes,omitempty"`
	// Transport is UDP, TCP or TLS, and Source the address that the INVITE came from.
	Transport string         `json:"transport"`
	Source    netip.AddrPort `json:"source"`
	// Sequence is the CSeq number of our last request in the dialog, 0 before the first.
	Sequence uint32 `json:"sequence"`
	// Branch is that of our INVITE as long as it is not answered; there is no RemoteTag then, and Sequence
	// is that of the INVITE.
	Branch string `json:"branch,omitempty"`
	// Latched says that everything goes to Source, whatever the peer calls itself: a desk phone's.
	Latched bool `json:"latched,omitempty"`
	// Trunk is the name of the trunk that the call goes by, whose credentials answer challenges.
	Trunk string `json:"trunk,omitempty"`
}

// newRecord describes the dialog that answering an INVITE would make. The INVITE was
// validated.
func newRecord(invite *sip.Request, localTag string, source netip.AddrPort) (record, error) {
	r := record{
		Version: recordVersion, CallID: invite.CallID().Value(), LocalTag: localTag, RemoteTag: tag(invite.From().Params),
		LocalURI: invite.To().Address.String(), RemoteURI: invite.From().Address.String(),
		Target: target(invite.Contact()), Transport: sip.NetworkToUpper(invite.Transport()), Source: source,
	}
	for _, header := range invite.GetHeaders("record-route") {
		route, isRoute := header.(*sip.RecordRouteHeader)
		if !isRoute {
			return record{}, errors.New("unreadable Record-Route")
		}
		r.Routes = append(r.Routes, route.Address.String())
	}
	if err := r.validate(); err != nil {
		return record{}, err
	}
	return r, nil
}

// target is the URI of a Contact as a Request-URI may have it (RFC 3261 §19.1.1, table 1).
func target(contact *sip.ContactHeader) string {
	uri := contact.Address.Clone()
	uri.Headers = nil
	uri.UriParams.Remove("method")
	return uri.String()
}

// validate tells whether requests can be made from the record, whoever wrote it.
func (r record) validate() error {
	tokens := map[string]string{"Call-ID": r.CallID, "local tag": r.LocalTag, "remote tag": r.RemoteTag}
	if r.Branch != "" {
		delete(tokens, "remote tag")
		tokens["branch"] = r.Branch
	}
	for name, token := range tokens {
		if token == "" || len(token) > maxToken || strings.ContainsFunc(token, isControl) {
			return fmt.Errorf("no usable %s", name)
		}
	}
	if len(r.Routes) > maxRoutes {
		return fmt.Errorf("more than %d routes", maxRoutes)
	}
	for _, text := range append([]string{r.LocalURI, r.RemoteURI, r.Target}, r.Routes...) {
		var uri sip.Uri
		if len(text) > maxURI || strings.ContainsFunc(text, isControl) || sip.ParseUri(text, &uri) != nil || uri.Wildcard {
			return errors.New("an unusable URI")
		}
	}
	if !isSIP(r.Target) {
		return errors.New("the target is no SIP URI")
	}
	for _, route := range r.Routes {
		if !isSIP(route) {
			return errors.New("a route is no SIP URI")
		}
	}
	if !isTransport(r.Transport) {
		return errors.New("a transport other than UDP, TCP and TLS")
	}
	if len(r.Trunk) > maxToken {
		return errors.New("the name of the trunk is too long")
	}
	if !r.Source.IsValid() {
		return errors.New("no source address")
	}
	return nil
}

func isControl(character rune) bool { return character < ' ' || character == 0x7F }

func isTransport(name string) bool { return name == "UDP" || name == "TCP" || name == "TLS" }

func isSIP(uri string) bool {
	scheme, _, _ := strings.Cut(strings.ToLower(uri), ":")
	return scheme == "sip" || scheme == "sips"
}

// encode writes the record; at most maxRecord bytes.
func (r record) encode() ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return nil, fmt.Errorf("write the leg's record: %w", err)
	}
	encoded := bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
	if len(encoded) > maxRecord {
		return nil, fmt.Errorf("the leg's record has %d bytes, at most %d", len(encoded), maxRecord)
	}
	return encoded, nil
}

// decodeRecord reads what encode wrote, perhaps in another version of the program.
func decodeRecord(encoded []byte) (record, error) {
	if len(encoded) > maxRecord {
		return record{}, fmt.Errorf("read the leg's record: %d bytes, at most %d", len(encoded), maxRecord)
	}
	var r record
	if err := json.Unmarshal(encoded, &r); err != nil {
		return record{}, fmt.Errorf("read the leg's record: %w", err)
	}
	if r.Version != recordVersion {
		return record{}, fmt.Errorf("read the leg's record: version %d is unknown, this program knows %d", r.Version, recordVersion)
	}
	if err := r.validate(); err != nil {
		return record{}, fmt.Errorf("read the leg's record: %w", err)
	}
	return r, nil
}

// request makes a request in the dialog, with CSeq number sequence, towards where it goes.
// viaHost and viaPort are where its responses can come to.
func (r record) request(method sip.RequestMethod, sequence uint32) (*sip.Request, error) {
	var uri sip.Uri
	if err := sip.ParseUri(r.Target, &uri); err != nil {
		return nil, fmt.Errorf("read the target: %w", err)
	}
	routes := r.Routes
	if len(routes) > 0 {
		var first sip.Uri
		if err := sip.ParseUri(routes[0], &first); err != nil {
			return nil, fmt.Errorf("read the route: %w", err)
		}
		if !first.UriParams.Has("lr") {
			// A strict router wants itself in the Request-URI, and the target as last route.
			routes = append(append([]string{}, routes[1:]...), r.Target)
			uri = first
		}
	}
	request := sip.NewRequest(method, uri)
	for _, route := range routes {
		request.AppendHeader(sip.NewHeader("Route", "<"+route+">"))
	}
	maxForwards := sip.MaxForwardsHeader(70)
	request.AppendHeader(&maxForwards)
	request.AppendHeader(sip.NewHeader("From", "<"+r.LocalURI+">;tag="+r.LocalTag))
	to := "<" + r.RemoteURI + ">"
	if r.RemoteTag != "" {
		to += ";tag=" + r.RemoteTag
	}
	request.AppendHeader(sip.NewHeader("To", to))
	callID := sip.CallIDHeader(r.CallID)
	request.AppendHeader(&callID)
	request.AppendHeader(&sip.CSeqHeader{SeqNo: sequence, MethodName: method})
	request.SetBody(nil)
	return request, nil
}

// nextHop is the address that the dialog's requests should go to, if it names one.
func (r record) nextHop() (transport string, address netip.AddrPort, known bool) {
	next := r.Target
	if len(r.Routes) > 0 {
		next = r.Routes[0]
	}
	var uri sip.Uri
	if err := sip.ParseUri(next, &uri); err != nil {
		return "", netip.AddrPort{}, false
	}
	host, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if err != nil || uri.Port < 0 || uri.Port > 65535 {
		return "", netip.AddrPort{}, false // names are not resolved
	}
	transport = r.Transport
	if strings.EqualFold(uri.Scheme, "sips") {
		transport = "TLS"
	}
	if named, found := uri.UriParams.Get("transport"); found {
		transport = sip.NetworkToUpper(named)
		if !isTransport(transport) {
			return "", netip.AddrPort{}, false
		}
	}
	port := uri.Port
	if port == 0 {
		port = sip.DefaultPort(transport)
	}
	return transport, netip.AddrPortFrom(host.Unmap(), uint16(port)), true
}

// destination chooses where a request in the dialog is sent: to the next hop if that is a
// trunk's address or the one that the call came from, and otherwise back where it came from.
// So no caller can send us to a third party, and callers behind NAT are reached.
func (g *Gateway) destination(r record) (transport string, address netip.AddrPort) {
	if r.Branch != "" {
		return r.Transport, r.Source // where the configuration says
	}
	if r.Transport != "UDP" && g.isConnected(r.Transport, r.Source) {
		return r.Transport, r.Source
	}
	transport, address, known := r.nextHop()
	if r.Transport == "TLS" && transport != "TLS" {
		known = false // keys are in what we send
	}
	if known && !r.Latched && (address.Addr() == r.Source.Addr() || g.config.trunkOf(address.Addr()) != nil) {
		return transport, address
	}
	return r.Transport, r.Source
}

// isConnected tells whether there is a connection to an address.
func (g *Gateway) isConnected(transport string, address netip.AddrPort) bool {
	connection, err := g.transport.GetConnection(transport, address.String())
	if err != nil {
		return false
	}
	_, _ = connection.TryClose() // it was only counted up by looking
	return true
}

// ourDial marks the context of a request of our own; see guardDial.
type ourDial struct{}

// address says in a request of a dialog where it goes and where its responses come to.
func (g *Gateway) address(request *sip.Request, r record, branch string) {
	transport, address := g.destination(r)
	local := g.localAddress(address.Addr())
	request.PrependHeader(&sip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: transport, Host: local.String(), Port: int(g.portFor(transport)),
		Params: sip.HeaderParams{{K: "branch", V: branch}, {K: "rport"}},
	})
	request.SetTransport(transport)
	request.SetDestination(address.String())
	if transport == "UDP" {
		// The socket that listens: peers and NAT expect our requests from there.
		request.Laddr = sip.Addr{IP: g.config.Address.Addr().AsSlice(), Port: int(g.port)}
	}
}

// request sends a request in a dialog and returns the final response's code.
func (g *Gateway) request(ctx context.Context, r record, method sip.RequestMethod, sequence uint32, headers ...sip.Header) (int, error) {
	return g.requestAs(ctx, r, method, sequence, newBranch(), headers...)
}

// requestAs is request with a branch that is known already: CANCEL has that of its INVITE. A trunk that asks who
// we are is answered, by a request with the next CSeq number.
func (g *Gateway) requestAs(ctx context.Context, r record, method sip.RequestMethod, sequence uint32, branch string, headers ...sip.Header) (int, error) {
	response, err := g.exchange(ctx, r, method, sequence, branch, headers...)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, nil
}

// exchange is requestAs that returns the whole response.
func (g *Gateway) exchange(ctx context.Context, r record, method sip.RequestMethod, sequence uint32, branch string, headers ...sip.Header) (*sip.Response, error) {
	g.doorman.open(r.CallID) // the answer may come from where nobody is trusted
	defer g.doorman.close(r.CallID)
	var authorization []sip.Header
	for challenges := 0; ; challenges++ {
		request, err := r.request(method, sequence)
		if err != nil {
			return nil, err
		}
		g.address(request, r, branch)
		for _, header := range slices.Concat(headers, authorization) {
			request.AppendHeader(header)
		}
		response, err := g.finalResponse(ctx, request, g.config.trunkNamed(r.Trunk))
		if err != nil {
			return nil, err
		}
		if method == sip.CANCEL || !isChallenge(response.StatusCode) || challenges == maxChallenges {
			return response, nil
		}
		answer := g.config.trunkNamed(r.Trunk).credentials(request, response)
		if answer == nil {
			return response, nil
		}
		authorization = []sip.Header{answer}
		sequence++
		branch = newBranch()
	}
}

// finalResponse sends a request and waits for its final response.
func (g *Gateway) finalResponse(ctx context.Context, request *sip.Request, trunk *Trunk) (*sip.Response, error) {
	transaction, err := g.transact(ctx, request, trunk)
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", request.Method, err)
	}
	defer transaction.Terminate()
	for {
		select {
		case response := <-transaction.Responses():
			if !response.IsProvisional() {
				return response, nil
			}
		case <-transaction.Done():
			return nil, fmt.Errorf("%s without answer: %w", request.Method, transaction.Err())
		case <-ctx.Done():
			return nil, fmt.Errorf("%s without answer: %w", request.Method, ctx.Err())
		}
	}
}

// EndOrphan implements [channels.OrphanEnder]: it sends BYE in the dialog of a record, and
// waits for the answer. Any final answer will do: 481 says that the peer knows no such call.
//
// A record does not tell whether 200 was ever sent, because it is taken before. If it was
// not, the caller's INVITE is still open, a BYE gets 481, and the caller's side gives up by
// its own timer; there is nothing else that another process could end.
//
// A call that we made and that was not answered gets CANCEL. If it is answered at that moment,
// its 200 gets no ACK, and the other side ends it (RFC 3261 §13.3.1.4).
func (g *Gateway) EndOrphan(ctx context.Context, encoded []byte) error {
	records := recordsIn(encoded)
	faults := make([]error, len(records))
	var all sync.WaitGroup
	for i, one := range records {
		all.Go(func() { faults[i] = g.endOrphan(ctx, one) })
	}
	all.Wait()
	return errors.Join(faults...)
}

// endOrphan ends one call of a record.
func (g *Gateway) endOrphan(ctx context.Context, encoded []byte) error {
	r, err := decodeRecord(encoded)
	if err != nil {
		return err
	}
	select {
	case <-g.served: // what serves may have been started only just now
	case <-ctx.Done():
		return fmt.Errorf("end an orphaned call: the gateway does not serve yet: %w", ctx.Err())
	}
	ctx, done, running := g.begin(ctx)
	if !running {
		return errors.New("end an orphaned call: the gateway does not serve")
	}
	defer done()
	method, sequence, branch := sip.BYE, r.Sequence+orphanHeadRoom, newBranch()
	if r.Branch != "" {
		method, sequence, branch = sip.CANCEL, r.Sequence, r.Branch
	}
	code, err := g.requestAs(ctx, r, method, sequence, branch)
	if err != nil {
		return fmt.Errorf("end an orphaned call: %w", err)
	}
	g.log.Info().Int("response", code).Msg("orphaned call ended")
	return nil
}

// caller reads who an INVITE is from.
func caller(invite *sip.Request, trusted bool, region string) identity.CallerID {
	from := invite.From()
	headers := identity.CallHeaders{
		FromDisplay: from.DisplayName, FromUser: from.Address.User, FromHost: from.Address.Host, TrustedTrunk: trusted,
	}
	if from.Address.Scheme == "tel" {
		headers.FromUser = from.Address.Raw()
	}
	for _, header := range invite.GetHeaders("p-asserted-identity") {
		headers.PAssertedIdentity = append(headers.PAssertedIdentity, header.Value())
	}
	if privacy := invite.GetHeader("privacy"); privacy != nil {
		headers.Privacy = privacy.Value()
	}
	return identity.IdentifyCaller(headers, region)
}

// tag returns a From or To tag.
func tag(parameters sip.HeaderParams) string { return parameters.GetOr("tag", "") }
