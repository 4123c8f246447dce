package phone

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"

	"svar/channels"
	"svar/channels/media"
)

// maxTextRate bounds what is believed of how many characters a second a peer takes.
const maxTextRate = 1000

// textDescription is what an offer or answer says of text beside the voice (RFC 4103).
type textDescription struct {
	line               int // of the description
	remote, remoteRTCP netip.AddrPort
	format             media.TextFormat
	// crypto is the key by which the other side encrypts it; its tag is empty when it does not.
	crypto cryptoLine
}

// offeredText is the text of our own first offers.
var offeredText = media.TextFormat{T140: 98, Redundant: 99}

// readText takes the first text of a description that we can speak by the voice's protocol, nil when there is none: beside an
// encrypted voice nothing goes in the clear.
func readText(session *sdp.SessionDescription, protocol string) *textDescription {
	for index, line := range session.MediaDescriptions {
		if line.MediaName.Media != "text" || line.MediaName.Port.Value == 0 || strings.Join(line.MediaName.Protos, "/") != protocol {
			continue
		}
		format, found := textFormat(line)
		var crypto cryptoLine
		if found && protocol == encryptedVoice {
			crypto, found = chooseCrypto(line)
		}
		if !found {
			continue
		}
		var place description
		place.address(session, line)
		format.Direction = place.direction
		return &textDescription{line: index, remote: place.remote, remoteRTCP: place.remoteRTCP, format: format, crypto: crypto}
	}
	return nil
}

// textFormat takes t140, and red of it (RFC 4103 §10.1 and §10.2).
func textFormat(line *sdp.MediaDescription) (format media.TextFormat, found bool) {
	names, parameters := map[string]string{}, map[string]string{}
	for _, attribute := range line.Attributes {
		number, value, _ := strings.Cut(attribute.Value, " ")
		switch attribute.Key {
		case "rtpmap":
			names[number] = strings.ToLower(strings.TrimSpace(value))
		case "fmtp":
			parameters[number] = strings.TrimSpace(value)
		}
	}
	t140 := ""
	for _, number := range line.MediaName.Formats {
		payloadType, err := strconv.ParseUint(number, 10, 7)
		if err == nil && names[number] == "t140/1000" && !found {
			t140, found = number, true
			format.T140, format.Rate = uint8(payloadType), textRate(parameters[number])
		}
	}
	for _, number := range line.MediaName.Formats {
		payloadType, err := strconv.ParseUint(number, 10, 7)
		if err != nil || names[number] != "red/1000" || number == t140 || !found || format.Redundant != 0 {
			continue
		}
		redundant := true
		for _, of := range strings.Split(parameters[number], "/") {
			redundant = redundant && of == t140
		}
		if redundant {
			format.Redundant = uint8(payloadType)
		}
	}
	return format, found
}

// textRate reads "cps=30"; 0 when there is nothing to be believed.
func textRate(parameters string) int {
	for _, parameter := range strings.Split(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if rate, err := strconv.Atoi(value); err == nil && name == "cps" && rate > 0 && rate <= maxTextRate {
			return rate
		}
	}
	return 0
}

// textLine is our text line, which answers to a key, or offers ours.
func (s *session) textLine(format media.TextFormat, answersTo cryptoLine) *sdp.MediaDescription {
	line := &sdp.MediaDescription{MediaName: sdp.MediaName{
		Media: "text", Port: sdp.RangedPort{Value: int(s.textPort)}, Protos: []string{"RTP", "AVP"},
	}}
	if format.Redundant != 0 {
		levels := strings.Repeat(fmt.Sprint("/", format.T140), media.TextRedundancy+1)
		line = line.WithCodec(format.Redundant, "red", media.TextClockRate, 0, levels[1:])
	}
	line = line.WithCodec(format.T140, "t140", media.TextClockRate, 0, "")
	return s.protected(line.WithPropertyAttribute(directionNames[format.Direction]), &s.textKeys, answersTo)
}

// textWay leads a leg's text to its socket, once there is one.
type textWay struct{ socket atomic.Pointer[media.Socket] }

// WriteRTP implements [media.Sink].
func (w *textWay) WriteRTP(header *rtp.Header, payload []byte) error {
	if socket := w.socket.Load(); socket != nil {
		return socket.WriteRTP(header, payload)
	}
	return nil
}

// answer describes our side in reply to an offer, and opens the ports that it needs. Where no port is left for text, the call goes on without.
func (l *leg) answer(offer description) ([]byte, error) {
	if offer.text != nil {
		l.openText()
	}
	return l.session.answer(offer)
}

// openText opens the ports of text, unless they are open or none are left.
func (l *leg) openText() {
	if l.textWay.socket.Load() != nil {
		return
	}
	socket, err := l.gateway.ports.Open()
	if err != nil {
		l.log.Warn().Err(err).Msg("no ports for the text of a call")
		return
	}
	l.protectBy(socket, &l.session.textKeys, cryptoLine{})
	l.textWay.socket.Store(socket)
	l.session.textPort = socket.Port()
	_ = socket.Start(l.text) // fails only when it was closed
}

// offerText offers text in a call of ours, as far as there are ports.
func (l *leg) offerText() {
	l.openText()
	l.session.offersText = l.session.textPort != 0
}

// withoutText gives up the text that we offered, and its ports.
func (l *leg) withoutText() {
	if socket := l.textWay.socket.Swap(nil); socket != nil {
		_ = socket.Close()
	}
	l.session.textPort, l.session.offersText = 0, false
	for i, line := range l.session.lines {
		if line.MediaName.Media == "text" {
			l.session.lines[i] = refused(line)
		}
	}
}

// mayText tells whether a party of a call types, as far as it is known before it is answered.
func mayText(party channels.Leg) bool {
	switch l := party.(type) {
	case *leg:
		return l.texts.Load()
	case *dialled:
		return l.texts.Load()
	}
	_, able := party.(channels.RealTimeText)
	return able
}

// settleText follows what the peer says of text.
func (l *leg) settleText(text *textDescription) {
	socket := l.textWay.socket.Load()
	l.texts.Store(text != nil && socket != nil)
	if text == nil || socket == nil {
		l.text.Stop()
		l.session.text = nil
		return
	}
	l.aim(socket, text.remote, text.remoteRTCP, l.session.text == nil || l.session.text.remote != text.remote)
	l.protectBy(socket, &l.session.textKeys, text.crypto)
	l.session.text = text
	if err := l.text.Start(text.format); err != nil && !errors.Is(err, media.ErrClosed) {
		l.log.Error().Err(err).Msg("the text of a call could not begin")
	}
}

// endText ends the text of the leg.
func (l *leg) endText() {
	l.text.Close()
	if socket := l.textWay.socket.Load(); socket != nil {
		_ = socket.Close()
	}
}

var (
	_ channels.RealTimeText = (*leg)(nil)
	_ channels.RealTimeText = (*deskLeg)(nil)
)

// TextAble implements [channels.RealTimeText].
func (l *leg) TextAble() bool { return l.text.Able() }

// Text implements [channels.RealTimeText].
func (l *leg) Text() <-chan string { return l.text.Typed() }

// WriteText implements [channels.RealTimeText].
func (l *leg) WriteText(text string) error { return l.mediaError(l.text.Write(text)) }

// passText hands on what is typed at a telephone.
func (l *deskLeg) passText(ring *dialled) {
	for text := range ring.Text() {
		select {
		case l.typed <- text:
		case <-ring.over:
			return
		}
	}
}

// TextAble implements [channels.RealTimeText].
func (l *deskLeg) TextAble() bool { return l.current().TextAble() }

// Text implements [channels.RealTimeText].
func (l *deskLeg) Text() <-chan string { return l.typed }

// WriteText implements [channels.RealTimeText]; it does nothing before the leg is answered.
func (l *deskLeg) WriteText(text string) error {
	if l.taken.Load() == nil {
		return nil
	}
	return l.current().WriteText(text)
}
