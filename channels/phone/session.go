package phone

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"svar/channels/media"
)

const (
	// maxDescription bounds a session description, in bytes.
	maxDescription = 8 << 10
	// maxMediaLines and maxPayloadTypes bound what a description may list.
	maxMediaLines   = 16
	maxPayloadTypes = 64
	// offeredEvent is the payload type for telephone-event in our own offers.
	offeredEvent = 101
)

// descriptionError says why a session description is not acceptable. Its text goes to the
// peer in a Warning and holds nothing personal.
type descriptionError struct {
	warning int // its code (RFC 3261 §20.43)
	text    string
}

func (e *descriptionError) Error() string { return "session description not acceptable: " + e.text }

// Codes of warnings (RFC 3261 §20.43).
const (
	warningTransport = 302
	warningMediaType = 304
	warningFormat    = 305
	warningAttribute = 306
	warningOther     = 399 // for people to read
)

// unfit is a descriptionError for people to read.
func unfit(text string, values ...any) error {
	return &descriptionError{warningOther, fmt.Sprintf(text, values...)}
}

// description is what the other side's offer or answer means for us (RFC 3264).
type description struct {
	// remote is where voice should go; invalid when it names no usable address.
	remote, remoteRTCP netip.AddrPort
	format             media.Format
	// direction is ours: an offer to send is one to receive for us.
	direction media.Direction
	// multiplexed says that RTCP may come by the ports of RTP (RFC 5761).
	multiplexed bool
	// lines are all media of the offer and audio the index of the one taken: the answer
	// has as many, in the same order.
	lines []*sdp.MediaDescription
	audio int
	// crypto is the key by which the other side encrypts; its tag is empty when it does not.
	crypto cryptoLine
	// text is beside the voice; nil when there is none for us.
	text *textDescription
}

// readDescription reads an offer or an answer and takes the first audio of it that we can
// speak, with the first codec of it that we know. With keep set (a call that goes on) only
// that codec is taken. With secure set the voice must be encrypted, and otherwise it must not.
func readDescription(body []byte, keep media.Codec, secure bool) (description, error) {
	if len(body) > maxDescription {
		return description{}, unfit("longer than %d bytes", maxDescription)
	}
	var parsed sdp.SessionDescription
	if err := parsed.Unmarshal(body); err != nil {
		return description{}, unfit("not readable as SDP")
	}
	if len(parsed.MediaDescriptions) > maxMediaLines {
		return description{}, unfit("more than %d media", maxMediaLines)
	}
	protocol := plainVoice
	if secure {
		protocol = encryptedVoice
	}
	missing := noMedia
	for index, line := range parsed.MediaDescriptions {
		if len(line.MediaName.Formats) > maxPayloadTypes {
			return description{}, unfit("more than %d payload types", maxPayloadTypes)
		}
		d := description{lines: parsed.MediaDescriptions, audio: index}
		found := false
		if d.format, d.crypto, found = chooseAudio(line, protocol, keep, &missing); !found {
			continue
		}
		d.text = readText(&parsed, protocol)
		d.address(&parsed, line)
		return d, nil
	}
	return description{}, missing.fault(protocol)
}

// lack is what a description lacks for us, as far as the best of its media came.
type lack int

const (
	noMedia lack = iota
	noProtocol
	noCodec
	noKey
)

// fault says what is lacking.
func (l lack) fault(protocol string) error {
	switch l {
	case noProtocol:
		return &descriptionError{warningTransport, "no audio over " + protocol}
	case noCodec:
		return &descriptionError{warningFormat, "no audio with PCMA, PCMU or G722"}
	case noKey:
		return &descriptionError{warningAttribute, "no key that can be used"}
	default:
		return &descriptionError{warningMediaType, "no audio"}
	}
}

// chooseAudio takes a media if it is an audio that we can speak, and remembers what it lacks otherwise.
func chooseAudio(line *sdp.MediaDescription, protocol string, keep media.Codec, missing *lack) (format media.Format, crypto cryptoLine, found bool) {
	lacks := noMedia
	switch {
	case line.MediaName.Media != "audio" || line.MediaName.Port.Value == 0:
	case strings.Join(line.MediaName.Protos, "/") != protocol:
		lacks = noProtocol
	default:
		lacks = noCodec
		if format, found = chooseFormat(line, keep); found && protocol == encryptedVoice {
			lacks = noKey
			crypto, found = chooseCrypto(line)
		}
	}
	*missing = max(*missing, lacks)
	return format, crypto, found
}

// chooseFormat takes the first codec of the offer that we speak, and telephone-event if it
// is offered (RFC 4733 §2.4.1).
func chooseFormat(line *sdp.MediaDescription, keep media.Codec) (media.Format, bool) {
	names := map[uint8]string{}
	for _, codec := range offeredCodecs {
		names[codec.PayloadType()] = codec.Name()
	}
	for _, attribute := range line.Attributes {
		if attribute.Key != "rtpmap" {
			continue
		}
		number, encoding, _ := strings.Cut(attribute.Value, " ")
		payloadType, err := strconv.ParseUint(number, 10, 7)
		if err != nil {
			continue
		}
		name, parameters, _ := strings.Cut(strings.TrimSpace(encoding), "/")
		if parameters != "8000" && parameters != "8000/1" {
			name = "" // the same name at another rate is another codec
		}
		names[uint8(payloadType)] = strings.ToUpper(name)
	}
	var format media.Format
	for _, number := range line.MediaName.Formats {
		payloadType, err := strconv.ParseUint(number, 10, 7)
		if err != nil {
			continue
		}
		name := names[uint8(payloadType)]
		if codec, known := media.CodecByName(name); known {
			if format.Codec == 0 && (keep == 0 || keep == codec) {
				format.Codec, format.PayloadType = codec, uint8(payloadType)
			}
		} else if name == "TELEPHONE-EVENT" && format.TelephoneEvent == 0 {
			format.TelephoneEvent = uint8(payloadType)
		}
	}
	return format, format.Codec != 0
}

// offeredCodecs are those of our own offers, best liked first: what carriers speak without transcoding comes before
// wide band, which a peer gets that offers it first itself.
var offeredCodecs = []media.Codec{media.PCMA, media.PCMU, media.G722}

// address reads where voice goes and which way.
func (d *description) address(session *sdp.SessionDescription, line *sdp.MediaDescription) {
	connection := line.ConnectionInformation
	if connection == nil {
		connection = session.ConnectionInformation
	}
	held := false
	if connection != nil && connection.Address != nil && connection.NetworkType == "IN" {
		// A host name is not resolved: voice then goes where the caller's comes from.
		if address, err := netip.ParseAddr(connection.Address.Address); err == nil {
			held = address.IsUnspecified() // the hold of RFC 2543
			port := line.MediaName.Port.Value
			if !held && !address.IsMulticast() && address.Zone() == "" && port > 0 && port < 65536 {
				d.remote = netip.AddrPortFrom(address.Unmap(), uint16(port))
			}
		}
	}
	if value, found := line.Attribute("rtcp"); found && d.remote.IsValid() {
		// RFC 3605: a port, perhaps with an address.
		number, _, _ := strings.Cut(value, " ")
		if port, err := strconv.ParseUint(number, 10, 16); err == nil && port > 0 {
			d.remoteRTCP = netip.AddrPortFrom(d.remote.Addr(), uint16(port))
		}
	}
	_, d.multiplexed = line.Attribute("rtcp-mux")
	theirs := media.SendReceive
	for _, attributes := range [][]sdp.Attribute{session.Attributes, line.Attributes} {
		for _, attribute := range attributes {
			switch attribute.Key {
			case "sendrecv":
				theirs = media.SendReceive
			case "sendonly":
				theirs = media.SendOnly
			case "recvonly":
				theirs = media.ReceiveOnly
			case "inactive":
				theirs = media.Inactive
			}
		}
	}
	sends := theirs == media.SendReceive || theirs == media.SendOnly
	receives := (theirs == media.SendReceive || theirs == media.ReceiveOnly) && !held
	switch {
	case sends && receives:
		d.direction = media.SendReceive
	case sends:
		d.direction = media.ReceiveOnly
	case receives:
		d.direction = media.SendOnly
	default:
		d.direction = media.Inactive
	}
}

// session is our side of a call's description. Its version rises only when it changes
// (RFC 3264 §8).
type session struct {
	id      uint64
	version uint64
	address netip.Addr
	port    uint16
	// textPort is that of text, 0 without any, and text what the peer said of it, nil when there is none now.
	textPort uint16
	text     *textDescription
	// offersText says that our first offer has text.
	offersText bool
	last       string // what was sent last, less its version
	lines      []*sdp.MediaDescription
	// secure says that the media are encrypted, by keys of their own.
	secure         bool
	keys, textKeys keyring
}

// answer describes our side in reply to an offer.
func (s *session) answer(offer description) ([]byte, error) {
	var lines []*sdp.MediaDescription
	for index, line := range offer.lines {
		switch {
		case index == offer.audio:
			line := s.protected(s.audio(offer.direction, offer.format), &s.keys, offer.crypto)
			if offer.multiplexed {
				line = line.WithPropertyAttribute("rtcp-mux")
			}
			lines = append(lines, line)
			continue
		case offer.text != nil && index == offer.text.line && s.textPort != 0:
			lines = append(lines, s.textLine(offer.text.format, offer.text.crypto))
			continue
		}
		lines = append(lines, refused(line))
	}
	return s.describe(lines)
}

// refused is a media that is not taken, or not any more (RFC 3264 §6 and §8.2).
func refused(line *sdp.MediaDescription) *sdp.MediaDescription {
	without := &sdp.MediaDescription{MediaName: line.MediaName}
	without.MediaName.Port = sdp.RangedPort{}
	return without
}

// offer describes what we can speak: what the call speaks, once it is settled, comes first.
func (s *session) offer(settled media.Format, direction media.Direction) ([]byte, error) {
	var formats []media.Format
	if settled.Codec != 0 {
		formats = append(formats, settled)
	}
	for _, codec := range offeredCodecs {
		if codec != settled.Codec && codec.PayloadType() != settled.PayloadType || settled.Codec == 0 {
			formats = append(formats, media.Format{Codec: codec, PayloadType: codec.PayloadType()})
		}
	}
	if formats[0].TelephoneEvent == 0 {
		formats[0].TelephoneEvent = offeredEvent
	}
	var text *sdp.MediaDescription
	if s.text != nil {
		format := s.text.format
		format.Direction = direction
		text = s.textLine(format, cryptoLine{})
	} else if s.offersText {
		text = s.textLine(offeredText, cryptoLine{})
	}
	return s.describe(s.inPlace(s.protected(s.audio(direction, formats...), &s.keys, cryptoLine{}), text))
}

// inPlace puts our media where they were described before; what is there no more keeps its place, with port 0
// (RFC 3264 §8). text may be nil.
func (s *session) inPlace(audio, text *sdp.MediaDescription) []*sdp.MediaDescription {
	lines := slices.Clone(s.lines)
	for i, line := range lines {
		switch {
		case line.MediaName.Port.Value == 0:
		case line.MediaName.Media == "audio" && audio != nil:
			lines[i], audio = audio, nil
		case line.MediaName.Media == "text" && text != nil:
			lines[i], text = text, nil
		default:
			lines[i] = refused(line)
		}
	}
	for _, line := range []*sdp.MediaDescription{audio, text} {
		if line != nil {
			lines = append(lines, line)
		}
	}
	return lines
}

// audio is our one audio line.
func (s *session) audio(direction media.Direction, formats ...media.Format) *sdp.MediaDescription {
	line := &sdp.MediaDescription{MediaName: sdp.MediaName{
		Media: "audio", Port: sdp.RangedPort{Value: int(s.port)}, Protos: []string{"RTP", "AVP"},
	}}
	event := uint8(0)
	for _, format := range formats {
		line = line.WithCodec(format.PayloadType, format.Codec.Name(), format.Codec.ClockRate(), 0, "")
		event = max(event, format.TelephoneEvent)
	}
	if event != 0 {
		line = line.WithCodec(event, "telephone-event", 8000, 0, "0-15")
	}
	line = line.WithValueAttribute("ptime", strconv.Itoa(int(media.FrameDuration.Milliseconds())))
	return line.WithPropertyAttribute(directionNames[direction])
}

var directionNames = map[media.Direction]string{
	media.SendReceive: "sendrecv", media.SendOnly: "sendonly", media.ReceiveOnly: "recvonly", media.Inactive: "inactive",
}

// elsewhere is a session of the same voice in another dialog, whose other side has another way to us.
func (s session) elsewhere(address netip.Addr, secure bool) session {
	return session{id: s.id + 1, address: address, port: s.port, textPort: s.textPort, secure: secure}
}

// again describes what was described last, without a change (RFC 4028 §7.4).
func (s *session) again() ([]byte, error) { return s.describe(s.lines) }

func (s *session) describe(lines []*sdp.MediaDescription) ([]byte, error) {
	s.lines = lines
	family := "IP4"
	if s.address.Is6() {
		family = "IP6"
	}
	described := sdp.SessionDescription{
		Origin: sdp.Origin{
			Username: "-", SessionID: s.id, NetworkType: "IN", AddressType: family, UnicastAddress: s.address.String(),
		},
		SessionName:           "-",
		ConnectionInformation: &sdp.ConnectionInformation{NetworkType: "IN", AddressType: family, Address: &sdp.Address{Address: s.address.String()}},
		TimeDescriptions:      []sdp.TimeDescription{{}},
		MediaDescriptions:     slices.Clone(lines),
	}
	content, err := described.Marshal()
	if err != nil {
		return nil, fmt.Errorf("write session description: %w", err)
	}
	if string(content) != s.last {
		s.last = string(content)
		s.version++
	}
	described.Origin.SessionVersion = s.version
	body, err := described.Marshal()
	if err != nil {
		return nil, fmt.Errorf("write session description: %w", err)
	}
	return body, nil
}
