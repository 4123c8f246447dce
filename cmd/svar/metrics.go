package main

import (
	"bufio"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"svar/queue/dispatch"
)

// metrics are the figures of this process, in the form of Prometheus: what is counted here as it
// happens, and what [gauges] asks the parts when somebody reads them. No label is of a
// person, and each has few values. docs/operate has a dashboard and alerts that read them.
type metrics struct {
	registry *prometheus.Registry

	turns          *prometheus.CounterVec
	commands       prometheus.Counter
	events         prometheus.Counter
	decide, append prometheus.Histogram
	sync           prometheus.Histogram
	syncFailures   prometheus.Counter
	requests       *prometheus.CounterVec
	requestTime    *prometheus.HistogramVec
}

// The results of a turn of the dispatcher.
const (
	turnRecorded = "recorded"
	turnNothing  = "nothing"
	turnFailed   = "failed"
)

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		turns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "svar_turns_total", Help: "Turns of the dispatcher's loop, by whether something was recorded, nothing had to be, or it could not be.",
		}, []string{"result"}),
		commands: counter("svar_turn_commands_total", "Commands that the dispatcher has decided."),
		events:   counter("svar_turn_events_total", "Events that followed from them."),
		decide: histogram("svar_turn_decide_seconds", "Time that the engine took to decide a turn.",
			prometheus.ExponentialBuckets(10e-6, 4, 9)), // 10 µs – 0.7 s
		append: histogram("svar_turn_append_seconds", "Time until a turn's record was on disk.",
			prometheus.ExponentialBuckets(100e-6, 2.5, 12)), // 0.1 ms – 2.4 s
		sync: histogram("svar_disk_sync_seconds", "Time that the data directory's disk took to keep a small file (fsync), tried four times a minute.",
			prometheus.ExponentialBuckets(100e-6, 2.5, 12)),
		syncFailures: counter("svar_disk_sync_failures_total", "Times that it could not."),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "svar_http_requests_total", Help: "HTTP requests that were answered, by part of the site and status code; 101 is a socket.",
		}, []string{"area", "code"}),
		requestTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "svar_http_request_seconds", Help: "Time until they were, without sockets.",
			Buckets: []float64{0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1, 2.5, 10},
		}, []string{"area"}),
	}
	for _, result := range []string{turnRecorded, turnNothing, turnFailed} {
		m.turns.WithLabelValues(result) // there from the beginning, or the first failure is no rise
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "svar_build_info", Help: "Always 1.", ConstLabels: buildLabels()})
	build.Set(1)
	m.registry.MustRegister(
		m.turns, m.commands, m.events, m.decide, m.append, m.sync, m.syncFailures, m.requests, m.requestTime, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func buildLabels() prometheus.Labels {
	labels := prometheus.Labels{"version": "", "go": "", "revision": ""}
	if info, known := debug.ReadBuildInfo(); known {
		labels["version"], labels["go"] = info.Main.Version, info.GoVersion
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				labels["revision"] = setting.Value
			}
		}
	}
	return labels
}

// turn counts a turn of the dispatcher; see [dispatch.Config.Observe].
func (m *metrics) turn(t dispatch.Turn) {
	result := turnNothing
	switch {
	case t.Failed:
		result = turnFailed
	case t.Append > 0:
		result = turnRecorded
		m.append.Observe(t.Append.Seconds())
	}
	m.turns.WithLabelValues(result).Inc()
	m.commands.Add(float64(t.Commands))
	m.events.Add(float64(t.Events))
	m.decide.Observe(t.Decide.Seconds())
}

// handler writes the figures for Prometheus.
func (m *metrics) handler() http.Handler {
	const atOnce = 4
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: atOnce})
}

// counting counts what a part of the site answers.
func (m *metrics) counting(area string, next http.Handler) http.Handler {
	elapsed := m.requestTime.WithLabelValues(area)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		watched := &watchedWriter{ResponseWriter: w}
		defer func() {
			m.requests.WithLabelValues(area, strconv.Itoa(watched.status())).Inc()
			if !watched.taken {
				elapsed.Observe(time.Since(begun).Seconds())
			}
		}()
		next.ServeHTTP(watched, r)
	})
}

// watchedWriter remembers how a request was answered.
type watchedWriter struct {
	http.ResponseWriter
	code  int
	taken bool // as a socket
}

func (w *watchedWriter) status() int {
	switch {
	case w.taken:
		return http.StatusSwitchingProtocols
	case w.code == 0:
		return http.StatusOK
	}
	return w.code
}

// WriteHeader implements [http.ResponseWriter].
func (w *watchedWriter) WriteHeader(code int) {
	// What comes before the answer (1xx) is none.
	if w.code == 0 && code >= http.StatusOK {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Flush implements [http.Flusher].
func (w *watchedWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Hijack implements [http.Hijacker].
func (w *watchedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.taken = w.taken || err == nil
	return conn, buffered, err
}

// Unwrap is for [http.ResponseController].
func (w *watchedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
