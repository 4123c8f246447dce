package webrtc

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"svar/channels"
	"svar/channels/media"
	"svar/channels/webrtc/webrtctest"
)

// answerTo makes a browser's answer to an offer.
func answerTo(t testing.TB, offer webrtc.SessionDescription) string {
	t.Helper()
	answers := make(chan string, 1)
	browser := webrtctest.New(t, webrtctest.Options{HideAddresses: true, Send: func(data json.RawMessage) {
		var m message
		if json.Unmarshal(data, &m) == nil && m.SDP != nil {
			answers <- m.SDP.SDP
		}
	}})
	data, err := json.Marshal(message{SDP: &offer})
	if err != nil {
		t.Fatal(err)
	}
	if err := browser.Signal(data); err != nil {
		t.Fatalf("the browser: %v", err)
	}
	return <-answers
}

func sdpMessage(kind, sdp string) json.RawMessage {
	data, _ := json.Marshal(map[string]any{"sdp": map[string]string{"type": kind, "sdp": sdp}})
	return data
}

func TestMessagesThatMakeNoSenseEndTheLeg(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	for _, story := range []struct {
		name string
		make func(answer string) []json.RawMessage
		says string
	}{
		{"not JSON", one(`{`), "not a JSON object"},
		{"a list", one(`[]`), "not a JSON object"},
		{"nothing", one(`{}`), "0 fields"},
		{"null", one(`null`), "0 fields"},
		{"both", one(`{"sdp":null,"candidate":null}`), "2 fields"},
		{"something else", one(`{"mute":true}`), "neither sdp nor candidate"},
		{"null sdp", one(`{"sdp":null}`), "sdp is null"},
		{"sdp of a strange type", one(`{"sdp":{"type":"guess","sdp":""}}`), "sdp"},
		{"an offer", one(string(sdpMessage("offer", "v=0"))), "only an answer"},
		{"too long", one(`{"candidate":"` + strings.Repeat("x", messageLimit) + `"}`), "more than the 65536"},
		{"a long candidate", one(`{"candidate":{"candidate":"` + strings.Repeat("x", candidateLimit+1) + `"}}`), "more than the 1024"},
		{"an answer that is no SDP", one(string(sdpMessage("answer", "hello"))), "answer's SDP"},
		{"an empty answer", one(string(sdpMessage("answer", ""))), ""},
		{"no media", one(string(sdpMessage("answer", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"))), "0 media sections"},
		{"a second answer", func(answer string) []json.RawMessage {
			return []json.RawMessage{sdpMessage("answer", answer), sdpMessage("answer", answer)}
		}, "a second answer"},
		{"no microphone", edited("a=sendrecv", "a=recvonly"), "has it a microphone?"},
		{"sound refused", edited("m=audio 9", "m=audio 0"), "takes no sound"},
		{"another codec", edited("m=audio 9 UDP/TLS/RTP/SAVPF 8", "m=audio 9 UDP/TLS/RTP/SAVPF 0"), "does not take PCMA"},
		{"no fingerprint", edited("a=fingerprint:", "a=thumbprint:"), "take the answer"},
		{"candidates in crowds", edited("a=sendrecv\r\n", "a=sendrecv\r\n"+strings.Repeat("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n", 101)), "candidates, more than 100"},
		{"a candidate that is none", func(answer string) []json.RawMessage {
			return []json.RawMessage{sdpMessage("answer", answer), json.RawMessage(`{"candidate":{"candidate":"candidate:up yours"}}`)}
		}, "candidate is not one"},
		{"an early candidate that is none", func(answer string) []json.RawMessage {
			return []json.RawMessage{json.RawMessage(`{"candidate":{"candidate":"candidate:up yours"}}`), sdpMessage("answer", answer)}
		}, "candidate is not one"},
		{"a host name as address", func(answer string) []json.RawMessage {
			return []json.RawMessage{sdpMessage("answer", answer), json.RawMessage(`{"candidate":{"candidate":"candidate:1 1 udp 1 intranet.example 80 typ host"}}`)}
		}, "candidate is not one"},
		{"too many candidates", func(answer string) []json.RawMessage {
			messages := []json.RawMessage{sdpMessage("answer", answer)}
			for i := range candidatesLimit + 1 {
				messages = append(messages, json.RawMessage(fmt.Sprintf(`{"candidate":{"candidate":"candidate:%d 1 udp 1 127.0.0.1 %d typ host"}}`, i, 10000+i)))
			}
			return messages
		}, "more than 100 candidates"},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			messages := make(chan json.RawMessage, 16)
			l := startLeg(t, g, media.PCMA, func(m json.RawMessage) { messages <- m })
			answer := answerTo(t, offered(t, messages))
			made := story.make(answer)
			for i, m := range made {
				err := l.Signal(m)
				switch last := i == len(made)-1; {
				case !last && err != nil:
					t.Fatalf("message %d: %v", i, err)
				case last && err == nil:
					t.Fatalf("it was taken: %.200s", m)
				case last && !strings.Contains(err.Error(), story.says):
					t.Errorf("the error is %q and does not say %q", err, story.says)
				}
			}
			expectEnding(t, l, channels.EndedByFault)
		})
	}
}

func one(m string) func(string) []json.RawMessage {
	return func(string) []json.RawMessage { return []json.RawMessage{json.RawMessage(m)} }
}

func edited(old, replacement string) func(string) []json.RawMessage {
	return func(answer string) []json.RawMessage {
		if !strings.Contains(answer, old) {
			panic("the answer has no " + old + ":\n" + answer)
		}
		return []json.RawMessage{sdpMessage("answer", strings.ReplaceAll(answer, old, replacement))}
	}
}

// What browsers send besides, and what must do no harm.
func TestMessagesThatAreNoFault(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	messages := make(chan json.RawMessage, 16)
	l := startLeg(t, g, media.PCMA, func(m json.RawMessage) { messages <- m })
	answer := answerTo(t, offered(t, messages))
	for _, m := range []string{
		`{"candidate":null}`,
		`{"candidate":{"candidate":"","sdpMid":"0"}}`, // the end of candidates
		`{"candidate":{"candidate":"candidate:1 1 udp 2113937151 11111111-2222-4333-8444-555555555555.local 50000 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"abcd"}}`,
		`{"candidate":{"candidate":"candidate:2 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active"}}`,
		string(sdpMessage("answer", answer)),
		`{"candidate":{"candidate":"candidate:3 1 udp 1 239.1.2.3 5000 typ host"}}`,
	} {
		if err := l.Signal(json.RawMessage(m)); err != nil {
			t.Errorf("%.80s: %v", m, err)
		}
	}
	select {
	case <-l.Done():
		t.Errorf("the leg ended by %s (%v)", l.Ending(), l.cause)
	default:
	}
}

// A browser may not open channels of its own: each takes memory and a goroutine.
func TestStrangeDataChannelIsAFault(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	l, browser := connectBrowser(t, g, media.PCMA, webrtctest.Options{})
	if err := browser.OpenChannel("game"); err != nil {
		t.Fatalf("OpenChannel: %v", err)
	}
	expectEnding(t, l, channels.EndedByFault)
}

// Nothing that a browser sends may do more than end its own leg.
func FuzzSignal(f *testing.F) {
	g := newGateway(f, nil)
	messages := make(chan json.RawMessage, 16)
	l := startLeg(f, g, media.PCMA, func(m json.RawMessage) { messages <- m })
	answer := answerTo(f, offered(f, messages))
	l.HangUp()
	f.Add([]byte(sdpMessage("answer", answer)))
	f.Add([]byte(`{"sdp":{"type":"answer","sdp":"v=0\r\n"}}`))
	f.Add([]byte(`{"candidate":{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host"}}`))
	f.Add([]byte(`{"candidate":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := startLeg(t, g, media.PCMA, nil)
		<-l.offered
		err := l.Signal(data)
		if err == nil {
			l.HangUp()
		}
		<-l.Done()
		if fault := l.Ending() == channels.EndedByFault; fault != (err != nil) {
			t.Errorf("Signal said %v and the leg ended by %s", err, l.Ending())
		}
	})
}
