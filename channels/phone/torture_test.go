package phone

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"svar/contact"
)

// taken is an INVITE that arrives, and unanswered what gets no answer at all.
const (
	taken      = 100
	unanswered = 0
)

// tortures are the messages of RFC 4475 and RFC 5118 and what they are answered with when they come
// from a trunk, and from a stranger if he gets another answer: who asks for nobody here gets 404,
// whatever he asks for. There is no registrar here; torture_registrar_test.go
// has one.
var tortures = []struct {
	name            string
	trunk, stranger int
	why             string
}{
	// RFC 4475 §3.1.1: valid, however they look.
	{"rfc4475/wsinv", 481, 481, "valid, in a dialog that is none"},
	{"rfc4475/intmeth", 405, 404, "valid, of a method that we do not have"},
	{"rfc4475/esc01", 404, 404, "valid, for a user who is not here"},
	{"rfc4475/escnull", 405, 404, "valid"},
	{"rfc4475/esc02", 405, 404, "valid, of a method that only looks like REGISTER"},
	{"rfc4475/lwsdisp", 200, 200, "valid"},
	{"rfc4475/longreq", taken, taken, "valid"},
	{"rfc4475/dblreq", 405, 404, "valid; what follows in the datagram is ignored"},
	{"rfc4475/semiuri", 200, 200, "valid"},
	{"rfc4475/transports", 200, 200, "valid"},
	{"rfc4475/mpart01", 405, 404, "valid"},
	{"rfc4475/unreason", unanswered, unanswered, "a response"},
	{"rfc4475/noreason", unanswered, unanswered, "a response"},
	// §3.1.2: invalid.
	{"rfc4475/badinv01", 400, 400, "empty parameters"},
	{"rfc4475/clerr", 400, 400, "shorter than it says"},
	{"rfc4475/ncl", 400, 400, "a negative length"},
	{"rfc4475/scalar02", 400, 400, "numbers that are too large"},
	{"rfc4475/scalarlg", unanswered, unanswered, "a response with numbers that are too large"},
	{"rfc4475/quotbal", 400, 400, "an open quote"},
	{"rfc4475/ltgtruri", 400, 400, "a Request-URI in brackets"},
	{"rfc4475/lwsruri", 400, 400, "a space in the Request-URI"},
	{"rfc4475/lwsstart", 400, 400, "spaces in the first line"},
	{"rfc4475/trws", 400, 400, "spaces behind the first line"},
	{"rfc4475/escruri", 400, 400, "header fields in the Request-URI"},
	{"rfc4475/baddate", taken, taken, "a date in no zone that there is, which may be ignored"},
	{"rfc4475/regbadct", 405, 404, "a Contact without brackets; we are no registrar"},
	{"rfc4475/badaspec", 400, 400, "spaces within brackets"},
	{"rfc4475/baddn", 200, 404, "a name that needs quotes, which may be missing"},
	{"rfc4475/badvers", 505, 505, "a version that there is not"},
	{"rfc4475/mismatch01", 400, 400, "another method in CSeq"},
	{"rfc4475/mismatch02", 400, 400, "another method in CSeq, and an unknown one"},
	{"rfc4475/bigcode", unanswered, unanswered, "a response of no code that there is"},
	// §3.2 and §3.3: what only the transaction or the application can tell.
	{"rfc4475/badbranch", 400, 400, "a branch that says nothing"},
	{"rfc4475/insuf", 400, 400, "without From, To and Call-ID"},
	{"rfc4475/unkscm", 416, 416, "an unknown scheme"},
	{"rfc4475/novelsc", 416, 416, "a scheme that is known elsewhere"},
	{"rfc4475/unksm2", 405, 404, "unknown schemes in the header"},
	{"rfc4475/bext01", 420, 420, "extensions that nobody has"},
	{"rfc4475/invut", 415, 415, "a body of an unknown kind"},
	{"rfc4475/regaut01", 405, 404, "we are no registrar"},
	{"rfc4475/multi01", 400, 400, "header fields twice"},
	{"rfc4475/mcl01", 400, 400, "two lengths"},
	{"rfc4475/bcast", unanswered, unanswered, "a response that names a broadcast address"},
	{"rfc4475/zeromf", 200, 200, "it has arrived, however many hops are left"},
	{"rfc4475/cparam01", 405, 404, "we are no registrar"},
	{"rfc4475/cparam02", 405, 404, "we are no registrar"},
	{"rfc4475/regescrt", 405, 404, "we are no registrar"},
	{"rfc4475/sdp01", 406, 406, "the sender would not read our answer"},
	// §3.4: that of old, which nobody needs any more.
	{"rfc4475/inv2543", 400, 400, "no tag"},
	// RFC 5118.
	{"rfc5118/ipv6-good", 405, 404, "valid"},
	{"rfc5118/ipv6-bad", 400, 400, "an address without brackets"},
	{"rfc5118/port-ambiguous", 405, 404, "valid, an address without a port"},
	{"rfc5118/port-unambiguous", 405, 404, "valid"},
	{"rfc5118/via-received-param-with-delim", 481, 481, "valid, in a dialog that is none"},
	{"rfc5118/via-received-param-no-delim", 200, 404, "valid"},
	{"rfc5118/ipv6-in-sdp", 488, 488, "valid, of a codec that we do not have"},
	{"rfc5118/mult-ip-in-header", 481, 481, "valid, in a dialog that is none"},
	{"rfc5118/mult-ip-in-sdp", taken, taken, "valid"},
	{"rfc5118/ipv4-mapped-ipv6", 488, 488, "valid, of a codec that we do not have"},
	{"rfc5118/ipv6-bug-abnf-3-colons", 200, 200, "valid by the grammar of RFC 3261"},
	{"rfc5118/ipv6-correct-abnf-2-colons", 200, 200, "valid"},
}

// Each is answered as the RFC says, by a gateway of its own: some have the same branch. Nothing is sent anywhere
// but back, no connection is opened, and nothing is left of them.
func torment(t *testing.T) {
	for _, test := range tortures {
		for i, who := range []string{"trunk", "stranger"} {
			t.Run(test.name+" by a "+who, func(t *testing.T) {
				t.Parallel()
				s, begin := prepare(t, func(c *Config, _ *switchboard) {
					for _, user := range []string{"user", "joe", "UserB"} {
						c.Lines = append(c.Lines, Line{ID: contact.LineID("line-" + user), Number: user})
					}
					if who == "trunk" {
						trusting(c, nil)
					}
				})
				from := netip.AddrFrom4([4]byte{127, 47, byte(i), byte(slices.Index(tortures, test) + 1)})
				s.udp.watch = func(to net.Addr) {
					if got := to.(*net.UDPAddr).AddrPort().Addr().Unmap(); got != from {
						t.Errorf("something was sent to %s", got)
					}
				}
				begin()
				want := test.stranger
				if who == "trunk" {
					want = test.trunk
				}
				if got, _ := torture(t, s, tortureMessage(t, test.name), from); got != want {
					t.Errorf("got %d; want %d (%s)", got, want, test.why)
				}
				if got := s.Stats(); got.DialsRefused != 0 || got.Active != 0 {
					t.Errorf("stats: %+v", got)
				}
				s.mutex.Lock()
				defer s.mutex.Unlock()
				if len(s.legs)+len(s.arriving)+len(s.parties)+s.strangers != 0 {
					t.Errorf("left: %d legs, %d INVITEs, %d parties, %d strangers", len(s.legs), len(s.arriving), len(s.parties), s.strangers)
				}
			})
		}
	}
}

func TestEveryTortureMessageIsTried(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "torture", "*", "*.sip"))
	if err != nil || len(files) != len(tortures) || len(files) != 49+12 {
		t.Errorf("%d files, %d tests, %v", len(files), len(tortures), err)
	}
}

// The messages name many addresses, none of which is ours to write to. So they are tried where there is no network but
// the loopback, if the system lets us make such a place, and here otherwise: every send is watched in both.
func TestTorture(t *testing.T) {
	t.Parallel()
	const inside = "SVAR_TEST_NAMESPACE"
	if os.Getenv(inside) != "" {
		raiseLoopback(t)
		torment(t)
		tormentRegistrar(t)
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "-test.run=^TestTorture$", "-test.timeout=2m")
	command.Env = append(os.Environ(), inside+"=1")
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if id := os.Getuid(); id != 0 {
		command.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
	}
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		if !strings.Contains(string(output), "PASS") {
			t.Errorf("no test ran:\n%s", output)
		}
	case errors.As(err, &exit):
		t.Errorf("%v\n%s", err, tail(output))
	default:
		t.Logf("no network namespace can be made (%v): the messages are tried in this one", err)
		torment(t)
		tormentRegistrar(t)
	}
}

// raiseLoopback brings up the loopback of a new network namespace.
func raiseLoopback(t *testing.T) {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(socket)
	request := struct { // struct ifreq of netdevice(7)
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(request.name[:], "lo")
	if _, _, fault := syscall.Syscall(syscall.SYS_IOCTL, uintptr(socket), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); fault != 0 {
		t.Fatal(fault)
	}
}

// viaPort finds the port of the topmost Via.
var viaPort = regexp.MustCompile(`(?im)^v(?:ia)?\s*:\s*SIP[^;,\r]*?:(\d+)\s*(?:;|$|\r)`)

func tortureMessage(t *testing.T, name string) []byte {
	t.Helper()
	message, err := os.ReadFile(filepath.Join("testdata", "torture", filepath.FromSlash(name)+".sip"))
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// torture sends a message and returns the code that answers it, and the answer if there is one.
func torture(t *testing.T, s *server, message []byte, from netip.Addr) (code int, answer string) {
	t.Helper()
	port := 5060
	if match := viaPort.FindSubmatch(message); match != nil {
		port, _ = strconv.Atoi(string(match[1]))
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: from.AsSlice(), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.WriteToUDPAddrPort(message, s.Address()); err != nil {
		t.Fatal(err)
	}
	// An answer comes at once; what is asked behind is answered behind, by the same reader.
	probe := fmt.Sprintf("OPTIONS sip:user@x SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKprobe\r\nFrom: <sip:probe@x>;tag=1\r\nTo: <sip:user@x>\r\n"+
		"Call-ID: probe\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n", conn.LocalAddr())
	buffer := make([]byte, 65536)
	for answered := time.Now().Add(patience); time.Now().Before(answered); {
		_ = conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		count, err := conn.Read(buffer)
		if err != nil {
			if len(s.board.arrivals) > 0 {
				a := s.arrival(t)
				a.leg.HangUp()
				until(t, "end of the call", func() bool { return s.Stats().Active == 0 })
				return taken, ""
			}
			if _, err := conn.WriteToUDPAddrPort([]byte(probe), s.Address()); err != nil {
				t.Fatal(err)
			}
			continue
		}
		response := string(buffer[:count])
		code, err := strconv.Atoi(response[len("SIP/2.0 "):len("SIP/2.0 xxx")])
		switch {
		case err != nil:
			t.Fatalf("got\n%s", response)
		case strings.Contains(response, "\r\nCall-ID: probe\r\n"):
			return unanswered, ""
		case code >= 200:
			return code, response
		}
	}
	t.Fatal("the gateway no longer answers")
	return 0, ""
}
