package phone

import (
	"context"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"svar/channels"
)

var update = flag.Bool("update", false, "write the golden files")

func aRecord() record {
	return record{
		Version: 1, CallID: "a84b4c76e66710", LocalTag: "314159", RemoteTag: "1928301774",
		LocalURI: "sip:+46850800100@svar.example", RemoteURI: "sip:+46846500401@carrier.example;user=phone",
		Target: "sip:gateway@192.0.2.7:5070;transport=udp",
		Routes: []string{"sip:192.0.2.1;lr", "sip:192.0.2.2:5080;lr"}, Transport: "UDP",
		Source: netip.MustParseAddrPort("192.0.2.1:5060"), Sequence: 3,
	}
}

// The record of a call that was begun by the program of yesterday is read by that of today.
func TestTheFormOfTheRecordIsFixed(t *testing.T) {
	t.Parallel()
	encoded, err := aRecord().encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "record-v1.json")
	if *update {
		if err := os.WriteFile(path, append(encoded, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(golden)) != string(encoded) {
		t.Errorf("the record is now\n%s\nand was\n%s", encoded, golden)
	}
	read, err := decodeRecord(golden)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := read.encode(); string(again) != string(encoded) {
		t.Errorf("read and written again it is\n%s", again)
	}
}

// The record of a call of ours that is not answered has a branch in place of the other tag.
func TestTheFormOfTheRecordOfACallThatRingsIsFixed(t *testing.T) {
	t.Parallel()
	r := aRecord()
	r.RemoteTag, r.Routes, r.Branch, r.Sequence = "", nil, "z9hG4bK776asdhds", inviteSequence
	encoded, err := r.encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "record-v1-ringing.json")
	if *update {
		if err := os.WriteFile(path, append(encoded, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(golden)) != string(encoded) {
		t.Errorf("the record is now\n%s\nand was\n%s", encoded, golden)
	}
	if read, err := decodeRecord(golden); err != nil || read.Branch != r.Branch {
		t.Errorf("it is read as %+v, %v", read, err)
	}
}

func TestRecordsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*record){
		"later version":        func(r *record) { r.Version = 2 },
		"no Call-ID":           func(r *record) { r.CallID = "" },
		"no remote tag":        func(r *record) { r.RemoteTag = "" },
		"line break in branch": func(r *record) { r.Branch = "z9hG4bK\r\nVia: x" },
		"line break":           func(r *record) { r.RemoteTag = "a\r\nVia: x" },
		"line break in URI":    func(r *record) { r.Target = "sip:a\r\nVia: x@b" },
		"no target":            func(r *record) { r.Target = "" },
		"target by telephone":  func(r *record) { r.Target = "tel:+46" },
		"endless":              func(r *record) { r.LocalURI = "sip:" + strings.Repeat("a", maxURI) },
		"too many routes":      func(r *record) { r.Routes = make([]string, maxRoutes+1) },
		"other transport":      func(r *record) { r.Transport = "WS" },
		"no source":            func(r *record) { r.Source = netip.AddrPort{} },
	} {
		r := aRecord()
		spoil(&r)
		encoded, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeRecord(encoded); err == nil {
			t.Errorf("%s: it was read", name)
		}
	}
}

func TestRequestsFollowTheRouteSet(t *testing.T) {
	t.Parallel()
	loose, err := aRecord().request(sip.BYE, 9)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"BYE sip:gateway@192.0.2.7:5070;transport=udp SIP/2.0\r\n", "Route: <sip:192.0.2.1;lr>\r\nRoute: <sip:192.0.2.2:5080;lr>\r\n",
		"From: <sip:+46850800100@svar.example>;tag=314159\r\n", "To: <sip:+46846500401@carrier.example;user=phone>;tag=1928301774\r\n",
		"CSeq: 9 BYE\r\n", "Max-Forwards: 70\r\n",
	} {
		if !strings.Contains(loose.String(), line) {
			t.Errorf("no %q in\n%s", line, loose)
		}
	}
	r := aRecord()
	r.Routes = []string{"sip:192.0.2.1", "sip:192.0.2.2;lr"}
	strict, err := r.request(sip.BYE, 9)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"BYE sip:192.0.2.1 SIP/2.0\r\n", "Route: <sip:192.0.2.2;lr>\r\nRoute: <sip:gateway@192.0.2.7:5070;transport=udp>\r\n"} {
		if !strings.Contains(strict.String(), line) {
			t.Errorf("no %q in\n%s", line, strict)
		}
	}
}

func TestRequestsGoToKnownAddressesOnly(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *Config, _ *switchboard) {
		c.Trunks = []Trunk{{Name: "carrier", Prefixes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}}
	})
	tests := map[string]struct {
		target, route, transport string
		want                     string
	}{
		"where it came from":       {target: "sip:192.0.2.7:5070", want: "UDP 192.0.2.7:5070"},
		"usual port":               {target: "sip:192.0.2.7", want: "UDP 192.0.2.7:5060"},
		"third party":              {target: "sip:203.0.113.9:22", want: "UDP 192.0.2.7:1234"},
		"third party over TCP":     {target: "sip:203.0.113.9:22;transport=tcp", want: "UDP 192.0.2.7:1234"},
		"behind NAT":               {target: "sip:10.0.0.7:5060", want: "UDP 192.0.2.7:1234"},
		"name":                     {target: "sip:internal.example", want: "UDP 192.0.2.7:1234"},
		"trunk":                    {target: "sip:198.51.100.4:5070", want: "UDP 198.51.100.4:5070"},
		"route of a trunk":         {target: "sip:203.0.113.9", route: "sip:198.51.100.4;lr", want: "UDP 198.51.100.4:5060"},
		"route to a third party":   {target: "sip:192.0.2.7", route: "sip:203.0.113.9;lr", want: "UDP 192.0.2.7:1234"},
		"TCP, connection is gone":  {target: "sip:192.0.2.7:5070", transport: "TCP", want: "TCP 192.0.2.7:5070"},
		"transport we do not have": {target: "sip:192.0.2.7;transport=ws", want: "UDP 192.0.2.7:1234"},
	}
	for name, test := range tests {
		r := aRecord()
		r.Target, r.Routes, r.Source = test.target, nil, netip.MustParseAddrPort("192.0.2.7:1234")
		if test.route != "" {
			r.Routes = []string{test.route}
		}
		if test.transport != "" {
			r.Transport = test.transport
		}
		transport, address := s.destination(r)
		if got := transport + " " + address.String(); got != test.want {
			t.Errorf("%s: %s; want %s", name, got, test.want)
		}
	}
}

func TestAnOrphanIsEndedByAnotherProcess(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			former, successor := serve(t), serve(t)
			c := newPeer(t, transport, former.Address()).call()
			c.headers = "Record-Route: <sip:proxy.example;lr>\r\n"
			// Where the peer takes requests when its connection is gone.
			listener := newPeerListener(t, transport)
			message := strings.Replace(c.message(sip.INVITE, c.branch, c.headers, c.body),
				"Contact: <sip:peer@"+c.local.String(), "Contact: <sip:peer@"+listener.address.String(), 1)
			message = strings.Replace(message, "Record-Route: <sip:proxy.example;lr>", "Record-Route: <sip:"+listener.address.String()+";lr>", 1)
			c.send(message)
			a := former.arrival(t)
			handedOver := a.leg.Record()
			if err := a.leg.Answer(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.ack(c.final(sip.INVITE), "")

			ended := make(chan error, 1)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			go func() { ended <- successor.EndOrphan(ctx, handedOver) }()
			bye := listener.request(t)
			if bye.Method != sip.BYE || bye.CallID().Value() != c.id || tag(bye.From().Params) != c.toTag || tag(bye.To().Params) != "peer" ||
				bye.CSeq().SeqNo <= 1000 || bye.GetHeader("Route") == nil { // freeswitch#1833
				t.Errorf("got\n%s", bye)
			}
			listener.answer(sip.NewResponseFromRequest(bye, 481, "Gone", nil).String())
			if err := await(t, ended, "end of EndOrphan"); err != nil {
				t.Errorf("EndOrphan: %v", err)
			}
			c.within(sip.BYE, "", "")
			c.final(sip.BYE)
			over(t, a.leg, channels.EndedByParty)
		})
	}
}

// The node may begin to end orphans before the goroutine that serves has come to run.
func TestAnOrphanWaitsForTheGatewayToServe(t *testing.T) {
	t.Parallel()
	s, begin := prepare(t)
	r := aRecord()
	peer := newPeerListener(t, "UDP")
	r.Source, r.Target, r.Routes = peer.address, "sip:"+peer.address.String(), nil
	encoded, err := r.encode()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.EndOrphan(ctx, encoded) }()
	begin()
	peer.answer(sip.NewResponseFromRequest(peer.request(t), 200, "OK", nil).String())
	if err := await(t, ended, "end of EndOrphan"); err != nil {
		t.Errorf("EndOrphan: %v", err)
	}
}

func TestAnOrphanWithoutAnswerIsAnError(t *testing.T) {
	t.Parallel()
	s := serve(t)
	r := aRecord()
	silent := newPeerListener(t, "UDP")
	r.Source, r.Target, r.Routes = silent.address, "sip:"+silent.address.String(), nil
	encoded, err := r.encode()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.EndOrphan(ctx, encoded); err == nil {
		t.Error("no error")
	}
	if err := s.EndOrphan(t.Context(), []byte("{}")); err == nil {
		t.Error("something that is no record was ended")
	}
	s.stop()
	if err := s.EndOrphan(t.Context(), encoded); err == nil {
		t.Error("it works after Serve has ended")
	}
}

func FuzzRecord(f *testing.F) {
	encoded, err := aRecord().encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded)
	f.Add([]byte(`{"version":1,"call_id":"a","local_tag":"b","remote_tag":"c","local_uri":"tel:1","remote_uri":"sip:[::1]","target":"sip:a@[::1]:7;x=\"<>\"?a=b","transport":"TCP","source":"[::1]:5"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRecord(data)
		if err != nil {
			return
		}
		request, err := r.request(sip.BYE, 1)
		if err != nil {
			return
		}
		_, _, _ = r.nextHop()
		text := request.String()
		head, _, _ := strings.Cut(text, "\r\n\r\n")
		if got, want := strings.Count(head, "\r\n"), 6+len(r.Routes); got != want {
			t.Fatalf("a record smuggles lines into a request (%d, want %d):\n%s", got, want, text)
		}
	})
}
