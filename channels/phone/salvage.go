package phone

import (
	"bytes"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Requests that can not be read as SIP, such as most of RFC 4475 §3.1.2, are refused as far as they
// tell whom to refuse: the library would drop them, and whoever sent one by mistake would send it
// again for half a minute. What is answered is copied from the request as it stands there, and
// hardly longer; it goes where the request came from and nowhere else.

const (
	// maxSalvaged is how much of a request is looked at, in bytes, and maxSalvagedLines how many
	// of its header fields.
	maxSalvaged      = 8 << 10
	maxSalvagedLines = 200
	// maxSalvagedGrowth is by how many bytes a response may be longer than its request.
	maxSalvagedGrowth = 100
)

// echoed are the header fields that a response repeats (RFC 3261 §8.2.6.2), by all their names.
var echoed = map[string]string{
	"via": "Via", "v": "Via", "from": "From", "f": "From", "to": "To", "t": "To", "call-id": "Call-ID", "i": "Call-ID", "cseq": "CSeq",
}

// salvage makes the refusal of a request that could not be parsed. It returns nil for what is no
// request, for ACK, and for what does not say enough.
func salvage(data []byte, from netip.AddrPort) []byte {
	head, _, _ := bytes.Cut(data[:min(len(data), maxSalvaged)], []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	code, reason := salvageCode(lines[0])
	if code == 0 || len(lines) > maxSalvagedLines {
		return nil
	}
	found := make(map[string][]string)
	name := ""
	for _, line := range lines[1:] {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			if values := found[name]; name != "" && len(values) > 0 {
				values[len(values)-1] += " " + strings.TrimSpace(line)
			}
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		if name = echoed[strings.ToLower(strings.TrimSpace(field))]; name != "" {
			found[name] = append(found[name], strings.TrimSpace(value))
		}
	}
	if len(found["Via"]) == 0 || len(found["Call-ID"]) != 1 || len(found["CSeq"]) != 1 || len(found["From"]) == 0 || len(found["To"]) == 0 {
		return nil
	}
	found["Via"][0] += salvagedSource(found["Via"][0], from)
	if to := found["To"][0]; !strings.Contains(strings.ToLower(to), ";tag") {
		found["To"][0] += ";tag=" + strconv.FormatUint(uint64(code), 10)
	}
	var response strings.Builder
	response.WriteString("SIP/2.0 " + strconv.Itoa(code) + " " + reason + "\r\n")
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		for i, value := range found[name] {
			if (i == 0 || name == "Via") && !strings.ContainsFunc(value, isControl) {
				response.WriteString(name + ": " + value + "\r\n")
			}
		}
	}
	response.WriteString("Content-Length: 0\r\n\r\n")
	if response.Len() > len(data)+maxSalvagedGrowth {
		return nil
	}
	return []byte(response.String())
}

// salvageCode is what a request is refused with, by its first line; 0 when it is none or is ACK.
func salvageCode(line string) (code int, reason string) {
	fields := strings.Fields(line)
	if len(fields) < 2 || strings.HasPrefix(strings.ToUpper(fields[0]), "SIP/") || strings.EqualFold(fields[0], string(sip.ACK)) {
		return 0, ""
	}
	version := fields[len(fields)-1]
	switch scheme, _, isURI := strings.Cut(fields[1], ":"); {
	case !strings.HasPrefix(strings.ToUpper(version), "SIP/"):
		return 0, ""
	case !strings.EqualFold(version, "SIP/2.0"):
		return 505, "Version Not Supported"
	case len(fields) == 3 && isURI && isScheme(scheme) && !isSIP(scheme+":") && !strings.EqualFold(scheme, "tel"):
		return 416, "Unsupported URI Scheme"
	}
	return 400, "Bad Request"
}

// isScheme tells whether a text can be the scheme of a URI (RFC 3261 §25.1).
func isScheme(text string) bool {
	for i, character := range strings.ToLower(text) {
		letter := character >= 'a' && character <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", character)) {
			return false
		}
	}
	return text != ""
}

// salvagedSource is what the topmost Via of a response says of where the request came from (RFC
// 3261 §18.2.1, RFC 3581 §4).
func salvagedSource(via string, from netip.AddrPort) string {
	if strings.Contains(strings.ToLower(via), "received") {
		return ""
	}
	return ";received=" + from.Addr().String()
}

// readable tells whether a trunk's datagram can be parsed, and refuses it otherwise.
func (d *datagrams) readable(data []byte, from netip.AddrPort) bool {
	if len(bytes.Trim(data, "\r\n\x00")) == 0 {
		return true // keeps a NAT binding open
	}
	if _, err := d.gateway.doorman.parser.ParseSIP(data); err != nil {
		d.refuseUnreadable(data, from)
		return false
	}
	return true
}

// refuseUnreadable answers a datagram that could not be parsed, if it can be answered.
func (d *datagrams) refuseUnreadable(data []byte, from netip.AddrPort) {
	d.gateway.counters.unparsable.Add(1)
	if d.gateway.config.trunkOf(from.Addr()) == nil && !d.gateway.doorman.answers.allow(from.Addr()) {
		return
	}
	if response := salvage(data, from); response != nil {
		// What can not be sent is asked for again.
		_, _ = d.WriteTo(response, net.UDPAddrFromAddrPort(from))
	}
}
