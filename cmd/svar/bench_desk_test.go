package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"
	"github.com/zaf/g711"

	"svar/agentui"
	"svar/contact"
	"svar/identity"
	"svar/store"
	"svar/store/private"
)

// benchDesk is a line without welcome and its agents, who answer by desk phones.
type benchDesk struct {
	b        *testing.B
	server   *program
	database string
	accounts []identity.Account
	agents   []*agent
	phones   *sippRun
	number   string
}

const benchConfig = `desk:
  connect_timeout: 20s
  ramp_up: 0s
  miss_limit: 0
  preferred: {for: 0s}
  wrap_up_limit: 1ms
  callbacks: {offer: false}
phone: {max_calls: 8000, rtp: {from: 20000, to: 59999}}
hours: {weekly: {everyday: ["00:00-24:00"]}}
lines:
  - id: bench
    number: "+46850800150"
    audience: staff
    language: sv
    look_up: false
    name: {sv: Prov, en: Bench}
    greeting: {sv: Hej, en: Hello}
    flow:
      - queue: {needs: [{skill: staff, level: 1}], target: 60s, music: queue-music}
`

// openDesk starts a server with so many agents who are ready, each with a registered desk phone that talks for
// so long. Nobody watches their consoles.
func openDesk(b *testing.B, agents int, talk time.Duration) *benchDesk {
	b.Helper()
	d := openServer(b)
	d.addAgents(agents)
	d.registerPhones(talk)
	d.open()
	for _, a := range d.agents {
		a.unwatched.Store(true)
	}
	return d
}

// openServer starts a server without agents.
func openServer(b *testing.B) *benchDesk {
	b.Helper()
	if os.Getenv(benchSIP) == "" {
		b.Skip("it wants the whole machine: make bench-sip")
	}
	directory, err := dataDirectoryOf(benchConfig)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(directory) })
	cluster, err := private.Start(b.Context(), private.Config{Dir: filepath.Join(directory, "postgres"), NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cluster.Stop(context.Background()) })
	home := &home{directory: directory, settings: testSettings(), program: itself}
	delete(home.settings, "SVAR_PHONE_RTP_FROM")
	delete(home.settings, "SVAR_PHONE_RTP_TO")
	home.settings["SVAR_PHONE_ADDRESS"] = net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(b)))
	home.settings["SVAR_CONFIG"], home.settings["SVAR_DATA"] = filepath.Join(directory, "svar.yaml"), home.data()
	home.settings["SVAR_DATABASE_URL"] = cluster.ConnString()
	home.settings["SVAR_LOG_LEVEL"] = "warn"
	return &benchDesk{b: b, server: home.serve(b), database: cluster.ConnString(), number: "+46850800150"}
}

func (d *benchDesk) books() *store.Store {
	d.b.Helper()
	books, err := store.Open(d.b.Context(), d.database)
	if err != nil {
		d.b.Fatal(err)
	}
	d.b.Cleanup(books.Close)
	return books
}

// addAgents adds accounts.
func (d *benchDesk) addAgents(agents int) {
	d.b.Helper()
	hash, err := hashedPassword()
	if err != nil {
		d.b.Fatal(err)
	}
	d.accounts = make([]identity.Account, agents)
	for i := range d.accounts {
		d.accounts[i] = identity.Account{
			Name: fmt.Sprintf("bench-%04d", i), DisplayName: "En Agent", Role: identity.Agent, Active: true,
			PasswordHash: hash, Skills: []identity.Skill{{Name: "staff", Level: 3}},
		}
	}
	if err := d.books().AddAccounts(d.b.Context(), time.Now(), d.accounts...); err != nil {
		d.b.Fatal(err)
	}
}

// registerPhones registers the agents' phones at a port that sipp then serves.
func (d *benchDesk) registerPhones(talk time.Duration, options ...string) {
	d.b.Helper()
	port := freePort(d.b)
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		d.b.Fatal(err)
	}
	books := d.books()
	passwords := make([]string, len(d.accounts))
	for i, account := range d.accounts {
		passwords[i] = identity.NewPhonePassword()
		if err := books.PutPhoneSecret(d.b.Context(), time.Now(), account.Name, identity.NewPhoneSecret(account.Name, passwords[i])); err != nil {
			d.b.Fatal(err)
		}
	}
	for i, account := range d.accounts {
		register(d.b, socket, d.server.sip, account.Name, passwords[i])
	}
	if err := socket.Close(); err != nil {
		d.b.Fatal(err)
	}
	d.phones = runSipp(d.b, "phone", append([]string{"-p", strconv.Itoa(port), "-d", strconv.FormatInt(talk.Milliseconds(), 10), "-aa"}, options...)...)
}

// open opens the agents' consoles and lets all be ready.
func (d *benchDesk) open() {
	d.b.Helper()
	for _, account := range d.accounts {
		a := signIn(d.b, d.server.web, account.Name, identity.DemoPassword)
		a.mustAsk(agentui.Request{Do: agentui.DoPresence, Presence: contact.Ready, Channels: []contact.Channel{contact.Voice}})
		d.agents = append(d.agents, a)
	}
}

// register registers a phone for an hour, by digest.
func register(b *testing.B, socket *net.UDPConn, registrar netip.AddrPort, account, password string) {
	b.Helper()
	uri := "sip:" + registrar.String()
	ask := func(sequence int, authorization string) string {
		message := fmt.Sprintf("REGISTER %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s-%d\r\nFrom: <sip:%s@%s>;tag=%s\r\nTo: <sip:%s@%s>\r\n"+
			"Call-ID: %s\r\nCSeq: %d REGISTER\r\nContact: <sip:%s@%s>\r\nExpires: 3600\r\nMax-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n",
			uri, socket.LocalAddr(), account, sequence, account, registrar, account, account, registrar, account, sequence, account, socket.LocalAddr(), authorization)
		buffer := make([]byte, 4096)
		for range 20 { // an account is known a moment after it was added
			if _, err := socket.WriteToUDPAddrPort([]byte(message), registrar); err != nil {
				b.Fatal(err)
			}
			_ = socket.SetReadDeadline(time.Now().Add(time.Second))
			if n, err := socket.Read(buffer); err == nil {
				return string(buffer[:n])
			}
		}
		b.Fatal("the registrar does not answer")
		return ""
	}
	for sequence := 1; sequence < 40; sequence += 2 {
		answer := ask(sequence, "")
		_, challenge, found := strings.Cut(answer, "WWW-Authenticate: ")
		if !found {
			b.Fatalf("no challenge: %s", answer)
		}
		challenge, _, _ = strings.Cut(challenge, "\r\n")
		parsed, err := digest.ParseChallenge(challenge)
		if err != nil {
			b.Fatal(err)
		}
		credentials, err := digest.Digest(parsed, digest.Options{Method: "REGISTER", URI: uri, Username: account, Password: password, Count: 1})
		if err != nil {
			b.Fatal(err)
		}
		answer = ask(sequence+1, "Authorization: "+credentials.String()+"\r\n")
		if strings.HasPrefix(answer, "SIP/2.0 200") {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Fatalf("%s can not register", account)
}

// sippRun is a sipp process and what it logged.
type sippRun struct {
	b         *testing.B
	process   *exec.Cmd
	directory string
	done      chan struct{} // closed when it is over; how many calls failed is in its statistics
}

// benchVoice is a second of a tone in A-law, for the callers who send.
func benchVoice() []byte {
	voice := make([]byte, 8000)
	for i := range voice {
		voice[i] = g711.EncodeAlawFrame(int16(8000 * math.Sin(2*math.Pi*400*float64(i)/8000)))
	}
	return voice
}

func runSipp(b *testing.B, scenario string, arguments ...string) *sippRun {
	b.Helper()
	file, err := filepath.Abs(filepath.Join("testdata", "sipp", "bench", scenario+".xml"))
	if err != nil {
		b.Fatal(err)
	}
	run := &sippRun{b: b, directory: b.TempDir(), done: make(chan struct{})}
	if err := os.WriteFile(filepath.Join(run.directory, "voice.alaw"), benchVoice(), 0o600); err != nil {
		b.Fatal(err)
	}
	run.process = exec.Command("sipp", append([]string{
		"-sf", file, "-i", "127.0.0.1", "-t", "u1", "-nostdin", "-trace_logs", "-log_file", "log", "-trace_err", "-error_file", "errors",
		"-buff_size", strconv.Itoa(8 << 20),
	}, arguments...)...)
	run.process.Dir, run.process.Env = run.directory, append(os.Environ(), "TERM=dumb")
	screen := &lockedBuffer{}
	run.process.Stderr = screen
	if err := run.process.Start(); err != nil {
		b.Fatalf("start sipp: %v (is the package sip-tester installed?)", err)
	}
	go func() {
		defer close(run.done)
		_ = run.process.Wait()
		if run.process.ProcessState.ExitCode() > 1 { // 1: some calls failed
			b.Errorf("sipp %s could not run: %s", scenario, screen.tail())
		}
	}()
	b.Cleanup(func() {
		_ = run.process.Process.Kill()
		<-run.done
		if complaints, err := os.ReadFile(filepath.Join(run.directory, "errors")); err == nil {
			b.Logf("sipp %s complained: %.2000s", scenario, complaints)
		}
	})
	return run
}

// events reads lines of a log: their words and when each was written.
func (r *sippRun) events(kind string) (found [][]string, at []time.Time) {
	r.b.Helper()
	file, err := os.Open(filepath.Join(r.directory, "log"))
	if err != nil {
		r.b.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 3 || words[0] != kind {
			continue
		}
		seconds, err := strconv.ParseFloat(words[len(words)-1], 64)
		if err != nil {
			r.b.Fatalf("sipp wrote %q", lines.Text())
		}
		found, at = append(found, words), append(at, time.UnixMicro(int64(seconds*1e6)))
	}
	return found, at
}

// callers ring at a rate until so many have called, and returns how many calls failed.
func (d *benchDesk) callers(rate, calls int) (run *sippRun, failed int) {
	d.b.Helper()
	numbers := filepath.Join(d.b.TempDir(), "numbers.csv")
	var text strings.Builder
	text.WriteString("SEQUENTIAL\n")
	for i := range calls {
		fmt.Fprintf(&text, "+4670%07d\n", 1740000+i)
	}
	if err := os.WriteFile(numbers, []byte(text.String()), 0o600); err != nil {
		d.b.Fatal(err)
	}
	run = runSipp(d.b, "caller", d.server.sip.String(), "-s", d.number, "-p", strconv.Itoa(freePort(d.b)), "-inf", numbers,
		"-r", strconv.Itoa(rate), "-m", strconv.Itoa(calls), "-l", strconv.Itoa(calls), "-trace_stat", "-stf", "stat", "-fd", "1",
		"-recv_timeout", "60000", "-timeout", strconv.Itoa(calls/rate+120))
	<-run.done
	statistics, err := os.ReadFile(filepath.Join(run.directory, "stat"))
	if err != nil {
		d.b.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(statistics)), "\n")
	names, last := strings.Split(lines[0], ";"), strings.Split(lines[len(lines)-1], ";")
	at := slices.Index(names, "SuccessfulCall(C)")
	succeeded, err := strconv.Atoi(last[at])
	if err != nil {
		d.b.Fatal(err)
	}
	return run, calls - succeeded
}

// cost is the processor time that the server has used, and its memory in bytes.
func (d *benchDesk) cost() (time.Duration, int64) {
	d.b.Helper()
	process := filepath.Join("/proc", strconv.Itoa(d.server.command.Process.Pid))
	stat, err := os.ReadFile(filepath.Join(process, "stat"))
	if err != nil {
		d.b.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	ticks := 0
	for _, field := range fields[11:13] { // utime and stime (proc(5)), in hundredths of a second
		n, err := strconv.Atoi(field)
		if err != nil {
			d.b.Fatal(err)
		}
		ticks += n
	}
	pages, err := strconv.ParseInt(fields[21], 10, 64)
	if err != nil {
		d.b.Fatal(err)
	}
	return time.Duration(ticks) * 10 * time.Millisecond, pages * int64(os.Getpagesize())
}

func percentile(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return -1
	}
	return float64(sorted[min(len(sorted)-1, int(share*float64(len(sorted))))].Microseconds()) / 1000
}

// atRest are the gauges of a server that nobody calls: the least of each in the time in which Go looks once at the least what
// of the heap is in use (two minutes, when little is allocated).
func (d *benchDesk) atRest() map[string]float64 {
	d.b.Helper()
	least := d.gauges()
	for end := time.Now().Add(130 * time.Second); time.Now().Before(end); time.Sleep(time.Second) {
		for name, value := range d.gauges() {
			least[name] = min(least[name], value)
		}
	}
	return least
}

// gauges are what must not grow, and the packets of voice.
func (d *benchDesk) gauges() map[string]float64 {
	d.b.Helper()
	response, err := http.Get(d.server.web + "/metrics")
	if err != nil {
		d.b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		d.b.Fatal(err)
	}
	found := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, _, _ = strings.Cut(name, "{") // whatever its labels: all together
		switch name {
		case "go_goroutines", "go_memstats_heap_alloc_bytes", "process_open_fds", "svar_sip_calls_active",
			"svar_rtp_packets_received_total", "svar_rtp_packets_lost_total", "svar_rtp_packets_sent_total":
			number, err := strconv.ParseFloat(value, 64)
			if err != nil {
				d.b.Fatal(err)
			}
			found[name] += number
		}
	}
	return found
}
