package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"svar/channels/mail"
	"svar/configs"
	"svar/queue/journal"
)

// What stores are in trouble, and what of it keeps a node from taking contacts.
func TestChecksSayInWordsWhatIsMissing(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 28, 7, 0, 0, 0, time.UTC)
	healthy := sightings{last: 5, projected: 5, free: 50 << 30, size: 100 << 30, databaseSince: at}
	with := func(change func(*sightings)) sightings {
		seen := healthy
		change(&seen)
		return seen
	}
	for name, test := range map[string]struct {
		check check
		is    status
		says  string
	}{
		"all is well":     {checkDisk(healthy), statusOK, "is written"},
		"disk full":       {checkDisk(with(func(s *sightings) { s.disk = &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC} })), statusFailed, "disk of the data directory is full"},
		"read only":       {checkDisk(with(func(s *sightings) { s.disk = fmt.Errorf("open: %w", syscall.EROFS) })), statusFailed, "may not be written any more"},
		"permission lost": {checkDisk(with(func(s *sightings) { s.disk = fs.ErrPermission })), statusFailed, "live talk goes on"},
		"disk broken":     {checkDisk(with(func(s *sightings) { s.disk = syscall.EIO })), statusFailed, "input/output error"},
		"little space":    {checkDisk(with(func(s *sightings) { s.free = 900 << 20 })), statusDegraded, "only 900 MB"},
		"a small disk":    {checkDisk(with(func(s *sightings) { s.free, s.size = 900<<20, 10<<30 })), statusOK, ""},
		"journal silent":  {checkJournal(with(func(s *sightings) { s.journal = errors.New("no responders") })), statusFailed, "no responders); live talk goes on"},
		"journal unwritable": {checkJournal(with(func(s *sightings) {
			s.storage = journal.Storage{Level: journal.Unwritable, Problem: "the disk is full"}
		})), statusFailed, "the disk is full; live talk goes on"},
		"journal's reserve":    {checkJournal(with(func(s *sightings) { s.storage = journal.Storage{Level: journal.Reserved, Problem: "little room"} })), statusFailed, "new contacts are turned away"},
		"journal's warning":    {checkJournal(with(func(s *sightings) { s.storage = journal.Storage{Level: journal.Low, Problem: "less room"} })), statusDegraded, "less room"},
		"journal nearly full":  {checkJournal(with(func(s *sightings) { s.storage.Used, s.storage.Limit = 95<<20, 100<<20 })), statusDegraded, "95 of the 100 MB"},
		"journal without end":  {checkJournal(with(func(s *sightings) { s.storage.Used = 95 << 20 })), statusOK, "kept"},
		"PostgreSQL away":      {checkDatabase(with(func(s *sightings) { s.database = errors.New("refused") })), statusDegraded, "since 2026-11-28T07:00:00Z: calls go on; figures and tickets wait"},
		"PostgreSQL there":     {checkDatabase(healthy), statusOK, "answers"},
		"projection behind":    {checkProjection(with(func(s *sightings) { s.last = 2000 })), statusDegraded, "1995 records"},
		"projection follows":   {checkProjection(with(func(s *sightings) { s.last = 900 })), statusOK, "follow"},
		"projection is before": {checkProjection(with(func(s *sightings) { s.last = 0 })), statusOK, "follow"},
		"mailbox away":         {checkMailbox("desk", mail.State{Since: at, Problem: "the password is wrong"}), statusDegraded, "since 2026-11-28T07:00:00Z: the password is wrong"},
		"mailbox read":         {checkMailbox("desk", mail.State{Connected: true}), statusOK, "fetched"},
	} {
		if test.check.Status != test.is || !strings.Contains(test.check.Words, test.says) {
			t.Errorf("%s: %+v; it should be %s and say %q", name, test.check, test.is, test.says)
		}
	}
}

// fixedCertificates shows what a test sets.
type fixedCertificates struct {
	leaf  *x509.Certificate
	fault error
}

func (f fixedCertificates) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return &tls.Certificate{Leaf: f.leaf}, nil
}
func (f fixedCertificates) shown() (*x509.Certificate, error) { return f.leaf, f.fault }

func TestCertificatesAreCheckedBeforeTheyEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 7, 0, 0, 0, time.UTC)
	lives := func(life, left time.Duration) *x509.Certificate {
		return &x509.Certificate{NotBefore: now.Add(left - life), NotAfter: now.Add(left)}
	}
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		shown fixedCertificates
		is    status
		says  string
	}{
		"none yet":           {fixedCertificates{fault: errNoCertificate}, statusFailed, "there is no certificate yet"},
		"ended":              {fixedCertificates{leaf: lives(90*day, -time.Hour)}, statusFailed, "it ended on 2026-11-28T06:00:00Z"},
		"long before":        {fixedCertificates{leaf: lives(90*day, 20*day)}, statusOK, "ends on 2026-12-18"},
		"shortly before":     {fixedCertificates{leaf: lives(90*day, 13*day)}, statusDegraded, "ends on 2026-12-11"},
		"lives for six days": {fixedCertificates{leaf: lives(6*day, 2*day)}, statusOK, ""},
		"and was not taken":  {fixedCertificates{leaf: lives(6*day, 20*time.Hour)}, statusDegraded, ""},
		"cannot be renewed":  {fixedCertificates{lives(90*day, 60*day), errors.New("no such file")}, statusDegraded, "no such file"},
	} {
		if got := checkCertificates(test.shown, now); got.Status != test.is || !strings.Contains(got.Words, test.says) {
			t.Errorf("%s: %+v; it should be %s and say %q", name, got, test.is, test.says)
		}
	}
}

// The form of /readyz is for programs of others: change its number with it.
func TestTheFormOfReadiness(t *testing.T) {
	t.Parallel()
	ok := check{"queue", statusOK, "contacts are offered to agents"}
	degraded := check{"database", statusDegraded, "PostgreSQL has not answered since 2026-11-28T07:00:00Z: calls go on; figures and tickets wait"}
	failed := check{"disk", statusFailed, "the disk of the data directory is full"}
	for want, checks := range map[string][]check{"ready": {ok}, "degraded": {degraded, ok}, "not ready": {failed, degraded, ok}} {
		if got := newReadiness(checks).Status; got != want {
			t.Errorf("%v is %s, want %s", checks, got, want)
		}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(newReadiness([]check{ok, degraded, failed})); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "readyz.golden.json")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("it differs from %s:\n%s", golden, &text)
	}
}

func TestWhoMayReadFiguresAndDetails(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdef"
	app := &App{options: Options{Config: configs.Config{
		HTTP:    configs.HTTP{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32"), netip.MustParsePrefix("10.0.0.0/8")}},
		Metrics: configs.Metrics{Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.9.0.0/16")}, Token: token},
	}}}
	for name, test := range map[string]struct {
		from    string
		headers map[string]string
		may     bool
	}{
		"this machine":                            {from: "127.0.0.1:1", may: true},
		"this machine by IPv6":                    {from: "[::1]:1", may: true},
		"another machine":                         {from: "203.0.113.7:1"},
		"an allowed one":                          {from: "192.0.2.7:1", may: true},
		"an allowed one by IPv4 in IPv6":          {from: "[::ffff:192.0.2.7]:1", may: true},
		"the token":                               {from: "203.0.113.7:1", headers: map[string]string{"Authorization": "Bearer " + token}, may: true},
		"a wrong token":                           {from: "203.0.113.7:1", headers: map[string]string{"Authorization": "Bearer x" + token}},
		"no token":                                {from: "203.0.113.7:1", headers: map[string]string{"Authorization": "Bearer "}},
		"a stranger who calls himself allowed":    {from: "203.0.113.7:1", headers: map[string]string{"X-Forwarded-For": "192.0.2.7"}},
		"a stranger who calls himself local":      {from: "203.0.113.7:1", headers: map[string]string{"X-Forwarded-For": "127.0.0.1"}},
		"a stranger by a proxy":                   {from: "10.0.0.1:1", headers: map[string]string{"X-Forwarded-For": "127.0.0.1, 203.0.113.7"}},
		"a stranger by a proxy that is not named": {from: "127.0.0.1:1", headers: map[string]string{"X-Forwarded-For": "203.0.113.7"}},
		"a stranger by an allowed machine":        {from: "192.0.2.7:1", headers: map[string]string{"X-Forwarded-For": "203.0.113.7"}},
		"somebody whom a proxy cannot name":       {from: "10.0.0.1:1", headers: map[string]string{"X-Forwarded-For": "203.0.113.7:99"}},
		"the same by an allowed proxy":            {from: "10.9.0.1:1", headers: map[string]string{"X-Forwarded-For": "203.0.113.7:99"}},
		"a stranger by a local proxy":             {from: "127.0.0.9:1", headers: map[string]string{"X-Forwarded-For": "203.0.113.7"}},
		"an allowed one by a proxy":               {from: "10.0.0.1:1", headers: map[string]string{"X-Forwarded-For": "203.0.113.7, 192.0.2.7"}, may: true},
		"an allowed one by two proxies":           {from: "10.0.0.1:1", headers: map[string]string{"X-Forwarded-For": "192.0.2.7, 10.0.0.2"}, may: true},
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		request.RemoteAddr = test.from
		for header, value := range test.headers {
			request.Header.Set(header, value)
		}
		answer := httptest.NewRecorder()
		app.behindProxies(app.operatorsOnly(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		}))).ServeHTTP(answer, request)
		if may := answer.Code == http.StatusNoContent; may != test.may || !may && answer.Code != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, answer.Code)
		}
	}
}
