package phone

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"

	"svar/channels/media"
)

// sdpOf makes a description from lines, which are easier to read without their ends.
func sdpOf(lines ...string) []byte {
	return []byte("v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\n" + strings.Join(lines, "\r\n") + "\r\n")
}

func TestReadDescription(t *testing.T) {
	t.Parallel()
	const connection = "c=IN IP4 192.0.2.7\r\nt=0 0"
	remote := netip.MustParseAddrPort("192.0.2.7:4000")
	pcma := media.Format{Codec: media.PCMA, PayloadType: 8}
	g722 := media.Format{Codec: media.G722, PayloadType: 9}
	pcmu := media.Format{Codec: media.PCMU, PayloadType: 0}
	tests := map[string]struct {
		body      []byte
		keep      media.Codec
		format    media.Format
		remote    netip.AddrPort
		rtcp      netip.AddrPort
		direction media.Direction
		audio     int
		fails     bool
	}{
		"the order is the offer's":   {body: sdpOf(connection, "m=audio 4000 RTP/AVP 18 8 0"), format: pcma, remote: remote},
		"likewise":                   {body: sdpOf(connection, "m=audio 4000 RTP/AVP 0 8"), format: pcmu, remote: remote},
		"wide band first":            {body: sdpOf(connection, "m=audio 4000 RTP/AVP 9 8 0"), format: g722, remote: remote},
		"wide band last":             {body: sdpOf(connection, "m=audio 4000 RTP/AVP 8 9", "a=rtpmap:9 G722/8000"), format: pcma, remote: remote},
		"the codec of before":        {body: sdpOf(connection, "m=audio 4000 RTP/AVP 0 8"), keep: media.PCMA, format: pcma, remote: remote},
		"without the one of before":  {body: sdpOf(connection, "m=audio 4000 RTP/AVP 0"), keep: media.PCMA, fails: true},
		"dynamic payload type":       {body: sdpOf(connection, "m=audio 4000 RTP/AVP 96", "a=rtpmap:96 pcma/8000/1"), format: media.Format{Codec: media.PCMA, PayloadType: 96}, remote: remote},
		"static number, other codec": {body: sdpOf(connection, "m=audio 4000 RTP/AVP 0", "a=rtpmap:0 EVRC/8000"), fails: true},
		"wide band under our name":   {body: sdpOf(connection, "m=audio 4000 RTP/AVP 97", "a=rtpmap:97 PCMU/16000"), fails: true},
		"keys": {
			body:   sdpOf(connection, "m=audio 4000 RTP/AVP 8 100 101", "a=rtpmap:100 telephone-event/16000", "a=rtpmap:101 telephone-event/8000"),
			format: media.Format{Codec: media.PCMA, PayloadType: 8, TelephoneEvent: 101}, remote: remote,
		},
		"second medium": {
			body:   sdpOf(connection, "m=video 5000 RTP/AVP 99", "m=audio 0 RTP/AVP 8", "m=audio 4000 RTP/AVP 8", "m=audio 4002 RTP/AVP 8"),
			format: pcma, remote: remote, audio: 2,
		},
		"address of the medium":  {body: sdpOf(connection, "m=audio 4000 RTP/AVP 8", "c=IN IP4 192.0.2.8"), format: pcma, remote: netip.MustParseAddrPort("192.0.2.8:4000")},
		"RTCP elsewhere":         {body: sdpOf(connection, "m=audio 4000 RTP/AVP 8", "a=rtcp:4010 IN IP4 192.0.2.7"), format: pcma, remote: remote, rtcp: netip.MustParseAddrPort("192.0.2.7:4010")},
		"IPv6":                   {body: sdpOf("c=IN IP6 2001:db8::1", "t=0 0", "m=audio 4000 RTP/AVP 8"), format: pcma, remote: netip.MustParseAddrPort("[2001:db8::1]:4000")},
		"a name":                 {body: sdpOf("c=IN IP4 phone.example", "t=0 0", "m=audio 4000 RTP/AVP 8"), format: pcma},
		"many listeners":         {body: sdpOf("c=IN IP4 224.2.1.1/127", "t=0 0", "m=audio 4000 RTP/AVP 8"), format: pcma},
		"no address":             {body: sdpOf("t=0 0", "m=audio 4000 RTP/AVP 8"), format: pcma},
		"port out of range":      {body: sdpOf(connection, "m=audio 70000 RTP/AVP 8"), fails: true},
		"hold":                   {body: sdpOf(connection, "m=audio 4000 RTP/AVP 8", "a=sendonly"), format: pcma, remote: remote, direction: media.ReceiveOnly},
		"hold, as it was of old": {body: sdpOf("c=IN IP4 0.0.0.0", "t=0 0", "m=audio 4000 RTP/AVP 8"), format: pcma, direction: media.ReceiveOnly},
		"hold from both sides":   {body: sdpOf(connection, "a=inactive", "m=audio 4000 RTP/AVP 8"), format: pcma, remote: remote, direction: media.Inactive},
		"listening only":         {body: sdpOf(connection, "m=audio 4000 RTP/AVP 8", "a=recvonly"), format: pcma, remote: remote, direction: media.SendOnly},
		"medium before session":  {body: sdpOf(connection, "a=sendonly", "m=audio 4000 RTP/AVP 8", "a=sendrecv"), format: pcma, remote: remote},
		"encrypted":              {body: sdpOf(connection, "m=audio 4000 RTP/SAVP 8"), fails: true},
		"nothing to hear":        {body: sdpOf(connection), fails: true},
		"all refused":            {body: sdpOf(connection, "m=audio 0 RTP/AVP 8"), fails: true},
		"not SDP":                {body: []byte("hello"), fails: true},
		"too long":               {body: sdpOf(connection, "m=audio 4000 RTP/AVP 8", "a="+strings.Repeat("x", maxDescription)), fails: true},
		"too many media":         {body: sdpOf(connection, strings.Repeat("m=audio 4000 RTP/AVP 8\r\n", maxMediaLines)+"m=audio 4000 RTP/AVP 8"), fails: true},
		"too many payload types": {body: sdpOf(connection, "m=audio 4000 RTP/AVP"+strings.Repeat(" 8", maxPayloadTypes+1)), fails: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readDescription(test.body, test.keep, false)
			if test.fails {
				if reason := (*descriptionError)(nil); !errors.As(err, &reason) {
					t.Errorf("got %+v, %v; want an error", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.format != test.format || got.remote != test.remote || got.remoteRTCP != test.rtcp ||
				got.direction != test.direction || got.audio != test.audio {
				t.Errorf("got %+v\nwant %+v", got, test)
			}
		})
	}
}

func TestAnswersMirrorTheOffer(t *testing.T) {
	t.Parallel()
	s := session{id: 7, address: netip.MustParseAddr("192.0.2.1"), port: 20000}
	offer, err := readDescription(sdpOf("c=IN IP4 192.0.2.7", "t=0 0", "m=video 5000 RTP/SAVPF 99 98",
		"m=audio 4000 RTP/AVP 18 96 0 101", "a=rtpmap:96 PCMA/8000", "a=rtpmap:101 telephone-event/8000", "a=sendonly", "m=audio 6000 RTP/AVP 8"), 0, false)
	if err != nil {
		t.Fatal(err)
	}
	body, err := s.answer(offer)
	if err != nil {
		t.Fatal(err)
	}
	const want = "v=0\r\no=- 7 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" +
		"m=video 0 RTP/SAVPF 99 98\r\n" +
		"m=audio 20000 RTP/AVP 96 101\r\na=rtpmap:96 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=recvonly\r\n" +
		"m=audio 0 RTP/AVP 8\r\n"
	if string(body) != want {
		t.Errorf("got\n%s\nwant\n%s", body, want)
	}
	if again, _ := s.answer(offer); string(again) != string(body) {
		t.Errorf("the same answer has another version:\n%s", again)
	}
	offer.direction = media.SendReceive
	changed, _ := s.answer(offer)
	var parsed sdp.SessionDescription
	if err := parsed.Unmarshal(changed); err != nil || parsed.Origin.SessionVersion != 2 || parsed.Origin.SessionID != 7 {
		t.Errorf("the changed answer: %+v, %v", parsed.Origin, err)
	}
}

func FuzzNegotiation(f *testing.F) {
	f.Add(sdpOf("c=IN IP4 192.0.2.7", "t=0 0", "m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000"))
	f.Add(sdpOf("c=IN IP6 ::", "t=0 0", "m=audio 4000/2 RTP/AVP 0", "a=rtcp:1", "a=inactive"))
	f.Add(sdpOf("c=IN IP4 192.0.2.7", "t=0 0", "m=text 5000 RTP/AVP 99 98", "a=rtpmap:98 t140/1000", "a=rtpmap:99 red/1000", "a=fmtp:99 98/98", "m=audio 4000 RTP/AVP 9"))
	f.Add([]byte("v=0\r\nm=audio"))
	f.Fuzz(func(t *testing.T, body []byte) {
		offer, err := readDescription(body, 0, false)
		if err != nil {
			return
		}
		s := session{address: netip.MustParseAddr("::1"), port: 20000, textPort: 20002}
		answer, err := s.answer(offer)
		if err != nil {
			t.Fatalf("an offer that was read can not be answered: %v", err)
		}
		var parsed sdp.SessionDescription
		if err := parsed.Unmarshal(answer); err != nil {
			t.Fatalf("our answer is not readable: %v\n%q", err, answer)
		}
		if len(parsed.MediaDescriptions) != len(offer.lines) {
			t.Fatalf("%d media were answered with %d", len(offer.lines), len(parsed.MediaDescriptions))
		}
		open, want := 0, 1
		if offer.text != nil {
			want = 2
		}
		for _, line := range parsed.MediaDescriptions {
			if line.MediaName.Port.Value != 0 {
				open++
			}
		}
		if open != want {
			t.Fatalf("%d media are open", open)
		}
	})
}
