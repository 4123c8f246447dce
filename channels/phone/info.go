package phone

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// maxInfo bounds the body of an INFO, in bytes. A key takes about thirty.
const maxInfo = 256

// Content types with which INFO carries a key. No RFC has them: application/dtmf-relay holds
// lines of which one is Signal=5, application/dtmf the key alone.
const (
	keyRelay = "application/dtmf-relay"
	keyAlone = "application/dtmf"
)

// keyNames are the keys as INFO writes them: by character, or the last six by number (RFC 4733
// §3.2).
var keyNames = map[string]byte{
	"0": '0', "1": '1', "2": '2', "3": '3', "4": '4', "5": '5', "6": '6', "7": '7', "8": '8', "9": '9',
	"*": '*', "#": '#', "A": 'A', "B": 'B', "C": 'C', "D": 'D',
	"10": '*', "11": '#', "12": 'A', "13": 'B', "14": 'C', "15": 'D',
}

// hookFlash is a key that is none (RFC 4733 §3.2): it is taken and means nothing here.
const hookFlash = "16"

// info answers INFO (RFC 6086). Without a body it is a sign of life.
func (l *leg) info(in received) {
	key, pressed, fault := readKey(in.request)
	if fault != nil {
		l.gateway.reject(in.request, in.transaction, fault)
		return
	}
	if pressed {
		select {
		case l.informed <- key:
		default: // many keys at once; the peer is faster than anybody's fingers
		}
	}
	l.gateway.respond(in.request, in.transaction, 200, "OK")
}

// readKey returns the key of an INFO. pressed is false when it holds none.
func readKey(request *sip.Request) (key byte, pressed bool, fault *fault) {
	body := string(request.Body())
	if strings.TrimSpace(body) == "" {
		return 0, false, nil
	}
	kind := ""
	if contentType := request.ContentType(); contentType != nil {
		kind, _, _ = strings.Cut(contentType.Value(), ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
	}
	if kind != keyRelay && kind != keyAlone {
		return 0, false, refuse(415, "Unsupported Media Type", sip.NewHeader("Accept", keyRelay+", "+keyAlone))
	}
	if len(body) > maxInfo {
		return 0, false, refuse(413, "Request Entity Too Large")
	}
	name := body
	if kind == keyRelay {
		name = signal(body)
	}
	name = strings.ToUpper(strings.TrimSpace(name))
	if name == hookFlash {
		return 0, false, nil
	}
	key, pressed = keyNames[name]
	if !pressed {
		return 0, false, refuse(400, "No key in the body")
	}
	return key, true, nil
}

// signal returns the value of the line Signal.
func signal(body string) string {
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(line, "=")
		if strings.EqualFold(strings.TrimSpace(name), "signal") {
			return value
		}
	}
	return ""
}
