package phone

import (
	"context"
	"crypto/rand"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/contact"
	"svar/identity"
)

// Agents' desk phones register here (RFC 3261 §10): an account with a secret for a phone is an address
// of record, whose telephones ring instead of the agent's browser while they are registered. Whoever
// can not sign on learns nothing, not even which accounts there are.
const (
	// minRegistration and maxRegistration bound how long a registration counts, in seconds; without a
	// wish it is the longest. A shorter wish gets 423.
	minRegistration, maxRegistration = 60, 3600
	// maxPhones is how many telephones one account may have registered; one more takes the place of
	// the one that will be gone first.
	maxPhones = 3
	// phonePings is how often a registered telephone is asked whether it is still there, which keeps
	// its way through a NAT open as well.
	phonePings = 30 * time.Second
)

// Phones are the accounts that may register a desk phone. Its methods must not block.
type Phones interface {
	// PhoneSecret returns what is kept of the password of an account's phone; false when the
	// account has none, or may not work.
	PhoneSecret(account string) (identity.PhoneSecret, bool)
}

// registrar keeps which telephones are registered, in memory: after a restart they register anew.
// Safe for concurrent use.
type registrar struct {
	gateway *Gateway
	phones  Phones
	nonces  *nonces
	// nobody is checked against when an account has no secret.
	nobody identity.PhoneSecret
	pings  time.Duration // shorter in tests

	registrations, refused atomic.Uint64

	mutex    sync.Mutex // guards what follows
	bindings map[contact.AgentID][]*binding
	// followers hear of agents whose phones came or went.
	followers map[int]func(contact.AgentID)
	follower  int
	// offered are those whom both algorithms were offered lately.
	offered memory[string]
}

// binding is one registered telephone (RFC 3261 §10.3).
type binding struct {
	agent contact.AgentID
	// secret is the one that it signed on with: with another one it counts no more.
	secret identity.PhoneSecret
	// device tells telephones of one account apart: the instance (RFC 5626 §4.1), or the Contact.
	device string
	// domain is what it calls us.
	domain string
	// target is its Contact. Requests go to source, wherever that says it is: there the NAT is open.
	target    string
	transport string
	source    netip.AddrPort
	expires   time.Time
	callID    string
	sequence  uint32
	// asked counts the questions whether it is still there, for their CSeq; asking says that one is
	// under way.
	asked  uint32
	asking bool
}

func newRegistrar(gateway *Gateway, phones Phones) *registrar {
	return &registrar{
		gateway: gateway, phones: phones, nonces: newNonces(), nobody: identity.NewPhoneSecret("", rand.Text()), pings: phonePings,
		bindings: map[contact.AgentID][]*binding{}, followers: map[int]func(contact.AgentID){},
	}
}

// serves tells whether telephones are registered at all.
func (r *registrar) serves() bool { return r.phones != nil }

// PhoneRegistered reports whether a desk phone of the agent is registered: it rings instead of his
// browser.
func (g *Gateway) PhoneRegistered(agent contact.AgentID) bool { return len(g.registrar.of(agent)) > 0 }

// FollowPhones calls changed, which must not block, whenever it may be otherwise for an agent. stop
// ends that.
func (g *Gateway) FollowPhones(changed func(agent contact.AgentID)) (stop func()) {
	r := g.registrar
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.follower++
	number := r.follower
	r.followers[number] = changed
	return func() {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		delete(r.followers, number)
	}
}

// of returns an agent's telephones that may ring, the newest first.
func (r *registrar) of(agent contact.AgentID) []binding {
	if !r.serves() {
		return nil
	}
	secret, known := r.phones.PhoneSecret(string(agent))
	now := time.Now()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var found []binding
	for _, b := range r.bindings[agent] {
		if known && b.secret == secret && b.expires.After(now) {
			found = append(found, *b)
		}
	}
	slices.Reverse(found)
	return found
}

// isAt tells whether a telephone of an account is registered from an address.
func (r *registrar) isAt(account string, from netip.Addr) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return slices.ContainsFunc(r.bindings[contact.AgentID(account)], func(b *binding) bool { return b.source.Addr() == from })
}

// isPhone tells whether a telephone is registered from where a request came.
func (r *registrar) isPhone(source netip.AddrPort) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, bindings := range r.bindings {
		for _, b := range bindings {
			if b.source == source {
				return true
			}
		}
	}
	return false
}

// count returns how many agents have a phone, and how many telephones there are.
func (r *registrar) count() (agents, telephones int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, bindings := range r.bindings {
		telephones += len(bindings)
	}
	return len(r.bindings), telephones
}

// handleRegister answers REGISTER.
func (g *Gateway) handleRegister(ctx context.Context, request *sip.Request, transaction *sip.ServerTx) {
	r := g.registrar
	account, secret, refusal := r.signedOn(ctx, request)
	if refusal == nil && !strings.EqualFold(request.To().Address.User, account) {
		refusal = refuse(403, "Forbidden") // nobody registers for somebody else
	}
	var wishes []wish
	if refusal == nil {
		wishes, refusal = readWishes(request)
	}
	if refusal != nil {
		g.reject(request, transaction, refusal)
		return
	}
	agent := contact.AgentID(account)
	if refusal = r.fulfil(agent, secret, request, wishes); refusal != nil {
		g.reject(request, transaction, refusal)
		return
	}
	r.registrations.Add(1)
	g.respond(request, transaction, 200, "OK", r.contacts(agent)...)
}

// wish is what a REGISTER wants of one Contact; seconds is 0 when it is to be forgotten.
type wish struct {
	device, target string
	seconds        int
	all            bool // every Contact of the account
}

// readWishes reads the Contacts of a REGISTER (RFC 3261 §10.3, steps 6 and 7).
func readWishes(request *sip.Request) ([]wish, *fault) {
	seconds := maxRegistration
	if header := request.GetHeader("expires"); header != nil {
		seconds = registrationTime(header.Value())
	}
	var wishes []wish
	for _, header := range request.GetHeaders("contact") {
		contact, isContact := header.(*sip.ContactHeader)
		switch {
		case !isContact:
			return nil, refuse(400, "No usable Contact")
		case contact.Address.Wildcard:
			if seconds != 0 || len(request.GetHeaders("contact")) > 1 {
				return nil, refuse(400, "Contact * needs Expires: 0")
			}
			return []wish{{all: true}}, nil
		case !isSIP(contact.Address.Scheme+":") || contact.Address.Host == "":
			return nil, refuse(400, "No usable Contact")
		}
		w := wish{target: target(contact), seconds: seconds}
		if own, found := contact.Params.Get("expires"); found {
			w.seconds = registrationTime(own)
		}
		w.device, _ = contact.Params.Get("+sip.instance")
		if w.device = strings.ToLower(strings.Trim(w.device, `"`)); w.device == "" {
			w.device = w.target
		}
		if len(w.target) > maxURI || len(w.device) > maxURI {
			return nil, refuse(400, "Contact too long")
		}
		if w.seconds > 0 && w.seconds < minRegistration {
			return nil, refuse(423, "Interval Too Brief", sip.NewHeader("Min-Expires", strconv.Itoa(minRegistration)))
		}
		w.seconds = min(w.seconds, maxRegistration)
		if wishes = append(wishes, w); len(wishes) > maxPhones {
			return nil, refuse(403, "Too many Contacts")
		}
	}
	return wishes, nil
}

// isDialled tells whether a carrier could take the user of an address for a number or a code that is dialled: whatever
// does not begin with a letter.
func isDialled(target string) bool {
	var uri sip.Uri
	if sip.ParseUri(target, &uri) != nil || uri.User == "" {
		return true
	}
	first := uri.User[0] | 0x20 // in lower case
	return first < 'a' || first > 'z'
}

// registrationTime reads a number of seconds. What is none counts as no wish (RFC 3261 §10.2.1.1).
func registrationTime(text string) int {
	seconds, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return maxRegistration
	}
	return int(seconds)
}

// fulfil does what a REGISTER wants, all of it or nothing.
func (r *registrar) fulfil(agent contact.AgentID, secret identity.PhoneSecret, request *sip.Request, wishes []wish) *fault {
	now, callID, sequence := time.Now(), request.CallID().Value(), request.CSeq().SeqNo
	transport, source := sip.NetworkToUpper(request.Transport()), sourceOf(request)
	domain := ""
	if to := request.To(); to != nil && len(to.Address.Host) <= maxToken {
		domain = strings.Clone(to.Address.Host)
	}
	for _, w := range wishes {
		b := binding{agent: agent, target: w.target, transport: transport, source: source}
		if !w.all && r.gateway.pingOf(b).validate() != nil {
			return refuse(400, "No usable Contact")
		}
		if !w.all && isDialled(w.target) && r.gateway.config.trunkOf(source.Addr()) != nil {
			// What rings it would go to the carrier, who would call that number past the dial plan.
			return forbidden()
		}
	}
	r.mutex.Lock()
	bindings := slices.Clone(r.bindings[agent])
	for _, w := range wishes {
		if slices.ContainsFunc(bindings, func(b *binding) bool {
			return (w.all || b.device == w.device) && b.callID == callID && b.sequence >= sequence
		}) {
			r.mutex.Unlock()
			return refuse(500, "Out of order") // RFC 3261 §10.3, steps 6 and 7
		}
		at := slices.IndexFunc(bindings, func(b *binding) bool { return b.device == w.device })
		switch {
		case w.all:
			bindings = nil
		case at >= 0:
			bindings = slices.Delete(bindings, at, at+1)
		}
		if w.seconds == 0 {
			continue
		}
		if len(bindings) >= maxPhones {
			first := slices.MinFunc(bindings, func(a, b *binding) int { return a.expires.Compare(b.expires) })
			bindings = slices.DeleteFunc(bindings, func(b *binding) bool { return b == first })
		}
		bindings = append(bindings, &binding{
			agent: agent, secret: secret, device: w.device, domain: domain, target: w.target, transport: transport, source: source,
			expires: now.Add(time.Duration(w.seconds) * time.Second), callID: strings.Clone(callID), sequence: sequence,
		})
	}
	tell := r.replace(agent, bindings)
	r.mutex.Unlock()
	tell()
	return nil
}

// replace sets an agent's telephones and returns what tells the followers, to be called without the
// mutex, which the caller holds now.
func (r *registrar) replace(agent contact.AgentID, bindings []*binding) (tell func()) {
	had := len(r.bindings[agent]) > 0
	if len(bindings) == 0 {
		delete(r.bindings, agent)
	} else {
		r.bindings[agent] = bindings
	}
	if had == (len(bindings) > 0) {
		return func() {}
	}
	r.gateway.log.Info().Str("agent", string(agent)).Bool("registered", !had).Msg("desk phone")
	var followers []func(contact.AgentID)
	for _, changed := range r.followers {
		followers = append(followers, changed)
	}
	return func() {
		for _, changed := range followers {
			changed(agent)
		}
	}
}

// contacts are what the 200 to a REGISTER tells: all that is registered, and for how long.
func (r *registrar) contacts(agent contact.AgentID) []sip.Header {
	headers := []sip.Header{sip.NewHeader("Date", time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05")+" GMT")}
	for _, b := range r.of(agent) {
		left := max(1, int(time.Until(b.expires).Round(time.Second).Seconds()))
		headers = append(headers, sip.NewHeader("Contact", "<"+b.target+">;expires="+strconv.Itoa(left)))
	}
	return headers
}

// run forgets telephones whose time is over and asks the others whether they are there.
func (r *registrar) run() {
	if !r.serves() {
		return
	}
	tick := time.NewTicker(min(r.pings, time.Second))
	defer tick.Stop()
	asked := time.Now()
	for {
		select {
		case <-r.gateway.closing:
			return
		case now := <-tick.C:
			r.expire(now)
			if now.Sub(asked) >= r.pings {
				asked = now
				r.ping()
			}
		}
	}
}

// expire forgets telephones whose time is over, or whose secret is another one now.
func (r *registrar) expire(now time.Time) {
	r.mutex.Lock()
	var gone []*binding
	for agent, bindings := range r.bindings {
		secret, known := r.phones.PhoneSecret(string(agent))
		for _, b := range bindings {
			if !known || b.secret != secret || !b.expires.After(now) {
				gone = append(gone, b)
			}
		}
	}
	r.mutex.Unlock()
	for _, b := range gone {
		r.forget(b)
	}
}

// forget forgets one telephone, unless it has registered anew meanwhile.
func (r *registrar) forget(gone *binding) {
	r.mutex.Lock()
	bindings := slices.Clone(r.bindings[gone.agent])
	left := slices.DeleteFunc(bindings, func(b *binding) bool { return b == gone })
	tell := r.replace(gone.agent, left)
	r.mutex.Unlock()
	tell()
}

// ping asks every telephone whether it is still there. Any answer will do; one that gives none is
// forgotten until it registers again.
func (r *registrar) ping() {
	type question struct {
		of     *binding
		dialog record
	}
	var questions []question
	r.mutex.Lock()
	for _, bindings := range r.bindings {
		for _, b := range bindings {
			if !b.asking {
				b.asking = true
				b.asked++
				dialog := r.gateway.pingOf(*b)
				dialog.Sequence = b.asked
				questions = append(questions, question{b, dialog})
			}
		}
	}
	r.mutex.Unlock()
	for _, q := range questions {
		ctx, done, serving := r.gateway.begin(r.gateway.life)
		if !serving {
			return
		}
		go func() {
			defer done()
			bounded, cancel := context.WithTimeout(ctx, 64*r.gateway.config.T1)
			defer cancel()
			_, err := r.gateway.request(bounded, q.dialog, sip.OPTIONS, q.dialog.Sequence)
			r.mutex.Lock()
			q.of.asking = false
			r.mutex.Unlock()
			if err != nil && ctx.Err() == nil {
				r.forget(q.of)
			}
		}()
	}
}

// pingOf is the dialog that a question to a telephone is in: none, but it leads to it.
func (g *Gateway) pingOf(b binding) record {
	host := hostText(g.localAddress(b.source.Addr()))
	return record{
		Version: recordVersion, CallID: newID(), LocalTag: rand.Text(), Branch: newBranch(), Latched: true,
		LocalURI: "sip:" + host, RemoteURI: "sip:" + string(b.agent) + "@" + host, Target: b.target,
		Transport: b.transport, Source: b.source,
	}
}
