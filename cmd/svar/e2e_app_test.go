package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"svar/agentui"
	"svar/channels"
	"svar/channels/media"
	"svar/configs"
	"svar/contact"
)

// testApp is an App with all that its tests need to know of it.
type testApp struct {
	*App
	data     string
	settings map[string]string
	log      *lockedBuffer
	ended    sync.Once
	endError error
	// hangups take what SIGHUP is to a process.
	hangups chan<- os.Signal

	desks, welcomedDesks atomic.Int64
	agents               atomic.Int64
}

// The lines of a test App: each test takes one, with a skill of its own, so that it sees
// only its own callers and agents.
const (
	deskCount     = 40
	welcomedCount = 10
)

// testConfig is the configuration file of the tests: the two demo lines as they are, and
// lines without and with a welcome.
func testConfig() string {
	var text strings.Builder
	// The default services and topics need the default groups, which a list of one's own replaces.
	// A loaded machine may need long to set up a browser's voice, which is no fault here.
	text.WriteString("desk: {connect_timeout: 20s, ramp_up: 0s, preferred: {for: 0s}}\nhours: {weekly: {everyday: [\"00:00-24:00\"]}}\ngroups:\n")
	group := func(id string) { fmt.Fprintf(&text, "  - {id: %s, name: {sv: %s, en: %s}}\n", id, id, id) }
	for _, id := range []string{"staff", "pupils", "platform", "devices", "network", "mail", "english"} {
		group(id)
	}
	for i := range deskCount {
		group(deskNamed("desk", i).skill)
	}
	for i := range welcomedCount {
		group(deskNamed("welcomed", i).skill)
	}
	group(ringFirstDesk.skill)
	text.WriteString("lines:\n")
	line := func(id, number, audience, skill, flow string, lookUp bool) {
		fmt.Fprintf(&text, `  - id: %s
    number: %q
    audience: %s
    language: sv
    look_up: %t
    name: {sv: %s, en: %s}
    greeting: {sv: Hej, en: Hello}
    flow:
%s      - queue: {needs: [{skill: %s, level: 1}], target: 60s, music: queue-music}
`, id, number, audience, lookUp, id, id, flow, skill)
	}
	line("staff", "+46850800100", "staff", "staff", "      - say: welcome-staff\n", true)
	line("pupils", "+4620000000", "pupil", "pupils", "      - say: welcome-pupils\n", false)
	line(string(ringFirstDesk.id), ringFirstDesk.number, "staff", ringFirstDesk.skill, "", true)
	text.WriteString("    answer: ring_first\n    ring_for: 60s\n")
	for i := range deskCount {
		d := deskNamed("desk", i)
		line(string(d.id), d.number, "staff", d.skill, "", true)
	}
	for i := range welcomedCount {
		d := deskNamed("welcomed", i)
		line(string(d.id), d.number, "staff", d.skill, "      - say: welcome-staff\n      - say: queued\n", true)
	}
	return text.String()
}

// desk is a line of its own for one test.
type desk struct {
	id     contact.LineID
	number string
	skill  string
}

func deskNamed(kind string, i int) desk {
	id := fmt.Sprintf("%s-%02d", kind, i)
	first := map[string]int{"desk": 201, "welcomed": 301}[kind]
	return desk{id: contact.LineID(id), number: fmt.Sprintf("+46850800%d", first+i), skill: id}
}

// ringFirstDesk lets its callers hear ringing while an agent is free.
var ringFirstDesk = desk{id: "rings-first", number: "+46850800400", skill: "rings-first"}

var staffDesk = desk{id: "staff", number: "+46850800100", skill: "staff"}

// desk gives the test a line that nobody else uses, whose callers wait at once.
func (a *testApp) desk(t testing.TB) desk {
	t.Helper()
	return takeDesk(t, &a.desks, "desk", deskCount)
}

// welcomedDesk gives the test a line that says welcome for some seconds first.
func (a *testApp) welcomedDesk(t testing.TB) desk {
	t.Helper()
	return takeDesk(t, &a.welcomedDesks, "welcomed", welcomedCount)
}

func takeDesk(t testing.TB, next *atomic.Int64, kind string, count int) desk {
	t.Helper()
	i := int(next.Add(1)) - 1
	if i >= count {
		t.Fatalf("all %d lines of the kind %q are in use: raise the count", count, kind)
	}
	return deskNamed(kind, i)
}

// sharedApp is the App of all tests that need none of their own. It ends after all.
func sharedApp(t testing.TB) *testApp {
	t.Helper()
	shared.once.Do(func() {
		// An offer outlives the 10 s after which an agent without a console is unreachable.
		shared.app, shared.err = newApp(map[string]string{"SVAR_DESK_OFFER_TIMEOUT": "60s"}, nil)
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.app
}

// startApp starts an App for the test alone. Settings are environment variables of the
// configuration.
func startApp(t testing.TB, settings map[string]string, intake func(channels.Intake) channels.Intake) *testApp {
	t.Helper()
	return startAppOf(t, testConfig(), settings, intake)
}

// startAppOf starts an App with a configuration file of the test's own.
func startAppOf(t testing.TB, config string, settings map[string]string, intake func(channels.Intake) channels.Intake) *testApp {
	t.Helper()
	app, err := newAppOf(config, settings, intake)
	if err != nil {
		t.Fatal(err)
	}
	app.endWith(t)
	return app
}

// endWith ends the App with the test.
func (a *testApp) endWith(t testing.TB) {
	t.Cleanup(func() {
		if err := a.end(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the App's log:\n%s", a.log.tail())
		}
	})
}

// rtpRanges gives each App ports for voice of its own, away from the usual ones.
var rtpRanges atomic.Int64

const rtpRange = 400

func newApp(settings map[string]string, intake func(channels.Intake) channels.Intake) (*testApp, error) {
	return newAppOf(testConfig(), settings, intake)
}

func newAppOf(text string, settings map[string]string, intake func(channels.Intake) channels.Intake) (*testApp, error) {
	data, err := dataDirectoryOf(text)
	if err != nil {
		return nil, err
	}
	return newAppIn(data, settings, func(o *Options) { o.intake = intake })
}

// newAppIn starts an App in a directory that has its configuration file, and takes that away
// when it cannot.
func newAppIn(data string, settings map[string]string, change func(*Options)) (*testApp, error) {
	a := &testApp{data: data, settings: testSettings(), log: &lockedBuffer{}}
	for name, value := range settings {
		a.settings[name] = value
	}
	config, err := configs.Load(filepath.Join(data, "svar.yaml"), a.lookUp)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	hangups := make(chan os.Signal, 1)
	a.hangups = hangups
	options := Options{
		Load: func() (configs.Config, error) { return configs.Load(filepath.Join(data, "svar.yaml"), a.lookUp) }, Hangups: hangups,
		Data: filepath.Join(data, "data"), Config: config,
		Log: zerolog.New(zerolog.SyncWriter(a.log)).With().Timestamp().Logger(),
	}
	options.speaker = func(speaker media.Speaker) media.Speaker { return &allSpoken{speaker: speaker} }
	change(&options)
	a.App, err = Start(ctx, options)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	return a, nil
}

// dataDirectory makes a directory that the database's own user can pass through, with the
// configuration file in it.
func dataDirectory() (string, error) { return dataDirectoryOf(testConfig()) }

func dataDirectoryOf(config string) (string, error) {
	directory, err := os.MkdirTemp("", "svar-endtoend-")
	if err != nil {
		return "", err
	}
	prompts, err := sharedPrompts()
	if err != nil {
		return "", err
	}
	return directory, errors.Join(
		os.Chmod(directory, 0o711),
		os.WriteFile(filepath.Join(directory, "svar.yaml"), []byte(config), 0o600),
		os.Mkdir(filepath.Join(directory, "data"), 0o755),
		os.Symlink(prompts, filepath.Join(directory, "data", "prompts")),
	)
}

// sharedPrompts is where all Apps of these tests keep what the lines say: made once, since speaking
// takes longer than all else of a start. It is removed after all.
var sharedPrompts = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "svar-prompts-") })

// allSpoken speaks what no App of these tests has spoken before. To read that from sharedPrompts would cost each App's start
// seconds of a processor where races are looked for.
type allSpoken struct{ speaker media.Speaker }

// saidBefore has the clips by language and text.
var saidBefore sync.Map

func (a *allSpoken) Speak(ctx context.Context, language, text string) (*media.Clip, error) {
	key := [2]string{language, text}
	if clip, said := saidBefore.Load(key); said {
		return clip.(*media.Clip), nil
	}
	clip, err := a.speaker.Speak(ctx, language, text)
	if err == nil {
		saidBefore.Store(key, clip)
	}
	return clip, err
}

// testSettings are free ports everywhere.
func testSettings() map[string]string {
	first := 21000 + int(rtpRanges.Add(1)-1)*rtpRange%10000
	return map[string]string{
		"SVAR_HTTP_ADDRESS": "127.0.0.1:0", "SVAR_PHONE_ADDRESS": "127.0.0.1:0", "SVAR_VOICE_ADDRESS": "127.0.0.1:0",
		"SVAR_PHONE_RTP_FROM": strconv.Itoa(first), "SVAR_PHONE_RTP_TO": strconv.Itoa(first + rtpRange - 1),
	}
}

func (a *testApp) lookUp(name string) (string, bool) {
	value, set := a.settings[name]
	return value, set
}

// end closes the App once, and takes its data away.
func (a *testApp) end() error {
	a.ended.Do(func() { a.endError = errors.Join(a.Close(), os.RemoveAll(a.data)) })
	return a.endError
}

func (a *testApp) web() string { return "http://" + a.HTTPAddress().String() }

// client is a browser's HTTP client with an address of its own on this machine: sign-in is
// limited by address.
func client(t testing.TB) *http.Client {
	t.Helper()
	address := nextAddress()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: address.AsSlice()}}
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

var addresses atomic.Uint32

func nextAddress() netip.Addr {
	n := addresses.Add(1)
	return netip.AddrFrom4([4]byte{127, 1, byte(n >> 8), byte(n)})
}

// session signs an account in and returns its cookie.
func session(t testing.TB, web string, client *http.Client, account, password string) *http.Cookie {
	t.Helper()
	cookie, status, err := trySession(t.Context(), web, client, account, password)
	if err != nil || cookie == nil {
		t.Fatalf("sign %s in: status %d, %v", account, status, err)
	}
	return cookie
}

func trySession(ctx context.Context, web string, client *http.Client, account, password string) (*http.Cookie, int, error) {
	body, err := json.Marshal(map[string]string{"account": account, "password": password})
	if err != nil {
		return nil, 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, web+"/api/v1/session", bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, response.Body)
	for _, cookie := range response.Cookies() {
		if response.StatusCode == http.StatusNoContent {
			return cookie, response.StatusCode, nil
		}
	}
	return nil, response.StatusCode, nil
}

// records reads contacts as a supervisor does, by GET /api/v1/contacts.
type records struct {
	web    string
	client *http.Client
	cookie *http.Cookie
}

func (a *testApp) records(t testing.TB) *records {
	t.Helper()
	return recordsAt(t, a.web())
}

func (r *records) of(t testing.TB, line contact.LineID) []agentui.StoredContact {
	t.Helper()
	contacts, status, err := r.try(t, line)
	if err != nil || status != http.StatusOK {
		t.Fatalf("GET /api/v1/contacts: status %d, %v", status, err)
	}
	return contacts
}

// try is of for a database that may be away.
func (r *records) try(t testing.TB, line contact.LineID) ([]agentui.StoredContact, int, error) {
	t.Helper()
	query := url.Values{"line": {string(line)}, "limit": {"200"}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.web+"/api/v1/contacts?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.AddCookie(r.cookie)
	response, err := r.client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = response.Body.Close() }()
	var page struct{ Contacts []agentui.StoredContact }
	err = json.NewDecoder(response.Body).Decode(&page)
	return page.Contacts, response.StatusCode, err
}

// wait returns the line's one contact when it is as it should be: the projection follows the
// journal a moment later.
func (r *records) wait(t testing.TB, line contact.LineID, asked string, is func(agentui.StoredContact) bool) agentui.StoredContact {
	t.Helper()
	var last []agentui.StoredContact
	eventually(t, func() bool {
		last = r.of(t, line)
		return len(last) == 1 && is(last[0])
	}, func() string { return fmt.Sprintf("the contact of %s never was %s:\n%s", line, asked, asJSON(last)) })
	return last[0]
}

// closed waits until the line's contact is accounted for.
func (r *records) closed(t testing.TB, line contact.LineID) agentui.StoredContact {
	t.Helper()
	return r.wait(t, line, "closed", func(c agentui.StoredContact) bool { return c.State == contact.StateClosed })
}

// eventually asks again and again, for what tells nobody when it changes.
func eventually(t testing.TB, holds func() bool, complaint func() string) {
	t.Helper()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal(complaint())
		}
	}
}

func asJSON(value any) string {
	data, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// names lists a contact's transitions.
func names(c agentui.StoredContact) []string {
	var out []string
	for _, transition := range c.Transitions {
		out = append(out, transition.Event)
	}
	return out
}

// lockedBuffer collects a log.
type lockedBuffer struct {
	mutex sync.Mutex
	data  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.data.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.data.String()
}

// tail is the end of a log, for a test that failed.
func (b *lockedBuffer) tail() string {
	text := b.String()
	const most = 12_000
	return text[max(0, len(text)-most):]
}
