package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log" //nolint:depguard // net/http takes no other logger; what it says goes to ours
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// The limits of an HTTP request before its handler's own. A socket that a handler has taken
// over has none of them.
const (
	headerTime  = 10 * time.Second // a TLS handshake likewise
	requestTime = 2 * time.Minute  // with its body
	answerTime  = 5 * time.Minute  // an attachment over a slow line
	idleTime    = 2 * time.Minute
	// lastRequests is how long a shutdown waits for the requests that are under way.
	lastRequests = 5 * time.Second
	maxHeader    = 32 << 10
)

// openSite opens the ports for browsers and reads the certificates, before anything that takes
// long: what is wrong with them is told at once. Who comes meanwhile waits.
func (a *App) openSite(ctx context.Context) error {
	settings := a.options.Config
	open := func(address, setting string) (net.Listener, error) {
		listener, err := listenFor(ctx, address, setting)
		if err == nil {
			a.onClose("the port for browsers", func(context.Context) error {
				_ = listener.Close() // who served it has closed it already
				return nil
			})
		}
		return listener, err
	}
	var err error
	if a.http, err = open(settings.HTTP.Address, "http.address (SVAR_HTTP_ADDRESS)"); err != nil || settings.HTTPS.Address == "" {
		return err
	}
	if a.https, err = open(settings.HTTPS.Address, "https.address (SVAR_HTTPS_ADDRESS)"); err != nil {
		return err
	}
	a.certificates, err = a.startCertificates()
	return err
}

// startHTTP takes browsers by HTTP and, if it is set, by HTTPS.
func (a *App) startHTTP(context.Context) error {
	settings := a.options.Config.HTTP
	entrance := newDoor(settings.Connections, settings.ConnectionsPerAddress, settings.Proxies)
	site := a.site()
	if a.https == nil {
		a.serveHTTP("HTTP", entrance.before(a.http), site, nil)
		return nil
	}
	a.serveHTTP("HTTP", entrance.before(a.http), answersProofs(a.certificates, a.redirecting(site)), nil)
	a.serveHTTP("HTTPS", entrance.before(a.https), a.strict(site), &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: protocols(a.certificates), GetCertificate: a.certificates.certificate,
	})
	if by, is := a.certificates.(*acmeCertificates); is {
		a.run("the certificates", by.run)
	}
	return nil
}

// listenFor opens a port; its error says in words what is wrong, and which setting changes it.
func listenFor(ctx context.Context, address, setting string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("take browsers on %s: another program uses that port; end it, or set %s to another one", address, setting)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("take browsers on %s: the user that runs Svar may not open that port; give the process CAP_NET_BIND_SERVICE, as svar.service does, or set %s to one above 1023", address, setting)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("take browsers on %s: this machine does not have that address; set %s to one that it has", address, setting)
	case err != nil:
		return nil, fmt.Errorf("take browsers on %s: %w; see %s", address, err, setting)
	}
	return listener, nil
}

// serveHTTP serves until the App is closed: by TLS when secure is set.
func (a *App) serveHTTP(what string, listener net.Listener, handler http.Handler, secure *tls.Config) {
	server := &http.Server{
		Handler: handler, TLSConfig: secure, MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerTime,
		ReadTimeout: requestTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		ErrorLog: log.New(libraryLog{a.options.Log, what}, "", 0),
	}
	a.run(what, func(ctx context.Context) error {
		ended := make(chan struct{})
		context.AfterFunc(ctx, func() {
			defer close(ended)
			bounded, cancel := context.WithTimeout(context.Background(), lastRequests)
			defer cancel()
			if server.Shutdown(bounded) != nil {
				_ = server.Close()
			}
		})
		serve := server.Serve
		if secure != nil {
			serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
		}
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		<-ended // Serve returns before the requests do
		return nil
	})
}

// libraryLog takes what net/http says: mostly of strangers whose handshakes fail.
type libraryLog struct {
	log  zerolog.Logger
	what string
}

// Write implements [io.Writer].
func (l libraryLog) Write(line []byte) (int, error) {
	level := zerolog.DebugLevel
	// At the beginning only: further on the line may quote a stranger.
	if strings.HasPrefix(string(line), "http: panic") || strings.HasPrefix(string(line), "http2: panic") {
		level = zerolog.ErrorLevel
	}
	l.log.WithLevel(level).Str("by", l.what).Msg(strings.TrimSpace(string(line)))
	return len(line), nil
}

// site is everything that browsers are served.
func (a *App) site() http.Handler {
	mux := http.NewServeMux()
	serve := func(area string, handler http.Handler, paths ...string) {
		for _, path := range paths {
			mux.Handle(path, a.metrics.counting(area, handler))
		}
	}
	serve("portal", a.portal.Handler(), "/")
	serve("chat", a.chat.Handler(), "/widget.js", "/chat/")
	serve("console", a.ui.Handler(), "/console", "/console/")
	serve("api", a.ui.Handler(), "/api/")
	serve("operation", http.HandlerFunc(a.healthz), "GET /healthz")
	serve("operation", http.HandlerFunc(a.readyz), "GET /readyz")
	serve("operation", a.operatorsOnly(a.metrics.handler()), "GET /metrics")
	return a.behindProxies(mux)
}

// behindProxies gives a request that came by a proxy the address of its browser: the last one
// in X-Forwarded-For that is no proxy of ours. What strangers write there is not believed.
func (a *App) behindProxies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.isProxy(remoteAddress(r)) {
			hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
			for _, hop := range slices.Backward(hops) {
				address, err := netip.ParseAddr(strings.TrimSpace(hop))
				if err != nil {
					break
				}
				// The port is unknown; see byProxy.
				r.RemoteAddr = netip.AddrPortFrom(address.Unmap().WithZone(""), 0).String()
				if !a.isProxy(address) {
					break
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// byProxy tells whether the address of a request is the one that a proxy of ours gave: no
// connection has the port 0.
func byProxy(r *http.Request) bool {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && address.Port() == 0
}

func (a *App) isProxy(address netip.Addr) bool {
	return slices.ContainsFunc(a.options.Config.HTTP.Proxies, func(p netip.Prefix) bool { return p.Contains(address.Unmap()) })
}

// remoteAddress is who sent a request; the zero value if that cannot be read.
func remoteAddress(r *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap().WithZone("")
}

// strict tells browsers to come by HTTPS only from now on (RFC 6797). A certificate that signs
// itself keeps from it: nobody could pass by the browser's warning any more.
func (a *App) strict(next http.Handler) http.Handler {
	settings := a.options.Config.HTTPS.HSTS
	value := "max-age=" + strconv.FormatInt(int64(settings.MaxAge.Duration()/time.Second), 10)
	if settings.IncludeSubdomains {
		value += "; includeSubDomains"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if leaf, _ := a.certificates.shown(); settings.MaxAge > 0 && leaf != nil && !signsItself(leaf) {
			w.Header().Set("Strict-Transport-Security", value)
		}
		next.ServeHTTP(w, r)
	})
}

// redirecting sends who comes from another machine without TLS to HTTPS. Connections within this
// machine, and those by a proxy that speaks TLS, are served; so is what load balancers ask.
func (a *App) redirecting(site http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(a.https.Addr().String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); {
		case local != nil && local.IP.IsLoopback(),
			a.isProxy(remoteAddress(r)) && r.Header.Get("X-Forwarded-Proto") == "https",
			r.URL.Path == "/healthz", r.URL.Path == "/readyz":
			site.ServeHTTP(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "This server takes what you send by HTTPS only. / Skicka med HTTPS.", http.StatusForbidden)
			return
		}
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		host = strings.Trim(host, "[]")
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		if host == "" {
			http.Error(w, "The request names no host.", http.StatusBadRequest)
			return
		}
		if port != "443" {
			host += ":" + port
		}
		w.Header().Set("Cache-Control", "no-store")                                           // the administrator may take HTTPS away again
		http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusPermanentRedirect) //nolint:gosec // G710: to the host that the browser itself asked for
	})
}
