package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"svar/contact"
)

// What whole calls cost: sipp's callers, through the queue, to sipp's desk phones. Each is run by
// `make bench-sip` alone, since it wants the whole machine for minutes.
const benchSIP = "SVAR_BENCH_SIP"

// BenchmarkSIPCalls tells how long it takes from a caller's INVITE to an agent's, while some agent is free.
func BenchmarkSIPCalls(b *testing.B) {
	for _, one := range []struct{ agents, rate, seconds int }{{20, 100, 30}, {20, 300, 60}, {1000, 300, 60}, {1000, 600, 30}} {
		b.Run(fmt.Sprintf("agents=%d/rate=%d", one.agents, one.rate), func(b *testing.B) {
			desk := openDesk(b, one.agents, 0)
			for b.Loop() {
				before, _ := desk.cost()
				calls := one.rate * one.seconds
				run, failed := desk.callers(one.rate, calls)
				after, _ := desk.cost()
				rang, rangAt := run.events("rang")
				asked, askedAt := desk.phones.events("asked")
				first := map[string]time.Time{}
				for i, words := range asked {
					if _, known := first[words[1]]; !known {
						first[words[1]] = askedAt[i]
					}
				}
				var took []time.Duration
				for i, words := range rang {
					if at, was := first[strings.TrimPrefix(words[1], "+")]; was {
						took = append(took, at.Sub(rangAt[i]))
					}
				}
				slices.Sort(took)
				b.ReportMetric(float64(failed)*100/float64(calls), "failed-%")
				b.ReportMetric(percentile(took, 0.5), "p50-ms")
				b.ReportMetric(percentile(took, 0.99), "p99-ms")
				b.ReportMetric(float64(len(took)), "offered")
				b.ReportMetric((after-before).Seconds()*1000/float64(calls), "cpu-s/1000calls")
			}
		})
	}
}

// BenchmarkSIPBusy has more callers than its agents can take: it tells how soon an agent who hung up is asked
// again.
func BenchmarkSIPBusy(b *testing.B) {
	const agents, talk = 20, 500 * time.Millisecond
	desk := openDesk(b, agents, talk)
	for b.Loop() {
		calls := 20 * int(30*time.Second/talk)
		desk.callers(80, calls) // twice what they can take
		asked, askedAt := desk.phones.events("asked")
		ended, endedAt := desk.phones.events("ended")
		next := map[string][]time.Time{}
		for i, words := range asked {
			next[words[2]] = append(next[words[2]], askedAt[i])
		}
		var idle []time.Duration
		for i, words := range ended {
			times := next[words[2]]
			if at, _ := slices.BinarySearchFunc(times, endedAt[i], time.Time.Compare); at < len(times) {
				idle = append(idle, times[at].Sub(endedAt[i]))
			}
		}
		slices.Sort(idle)
		b.ReportMetric(percentile(idle, 0.5), "idle-p50-ms")
		b.ReportMetric(percentile(idle, 0.99), "idle-p99-ms")
		b.ReportMetric(float64(len(idle)), "offers")
	}
}

// BenchmarkSIPWaiting has a thousand callers with music, who send too.
func BenchmarkSIPWaiting(b *testing.B) {
	const callers, seconds = 1000, 30
	desk := openDesk(b, 0, 0)
	for b.Loop() {
		_, memory := desk.cost()
		run := runSipp(b, "waiting", desk.server.sip.String(), "-s", desk.number, "-p", strconv.Itoa(freePort(b)), "-r", "200",
			"-m", strconv.Itoa(callers), "-l", strconv.Itoa(callers), "-mp", "10000",
			"-d", strconv.Itoa((seconds+15)*1000))
		// The cost is that of the middle, when all wait.
		time.Sleep(10 * time.Second)
		before, _ := desk.cost()
		time.Sleep(seconds * time.Second)
		after, with := desk.cost()
		<-run.done
		b.ReportMetric(100*(after-before).Seconds()/seconds, "%core")
		b.ReportMetric(float64(with-memory)/(1<<20), "MB-over-idle")
	}
}

// BenchmarkSIPTalks has calls that are all connected, to phones that say again what they hear or to browsers, and tells what
// they cost and how much of the voice was lost on its ways through the server.
func BenchmarkSIPTalks(b *testing.B) {
	const seconds = 30
	for _, one := range []struct {
		talks    int
		browsers bool
	}{{100, true}, {500, false}} {
		b.Run(fmt.Sprintf("talks=%d/browsers=%t", one.talks, one.browsers), func(b *testing.B) {
			desk := openServer(b)
			desk.addAgents(one.talks)
			if !one.browsers {
				desk.registerPhones((3*seconds)*time.Second, "-rtp_echo", "-mp", "9000")
			}
			desk.open()
			for b.Loop() {
				run := runSipp(b, "waiting", desk.server.sip.String(), "-s", desk.number, "-p", strconv.Itoa(freePort(b)), "-r", "25",
					"-m", strconv.Itoa(one.talks), "-l", strconv.Itoa(one.talks), "-mp", "10000",
					"-d", strconv.Itoa((one.talks/25+seconds+20)*1000))
				for _, a := range desk.agents {
					if one.browsers {
						a.Accept(a.Ring())
					} else {
						a.waitContact(contact.StateConnected)
					}
				}
				time.Sleep(5 * time.Second) // until the beginnings of the last ones are over
				before, _ := desk.cost()
				packets := desk.gauges()
				time.Sleep(seconds * time.Second)
				after, _ := desk.cost()
				for name, value := range desk.gauges() {
					if short, is := strings.CutPrefix(name, "svar_rtp_packets_"); is {
						b.ReportMetric((value-packets[name])/seconds, strings.TrimSuffix(short, "_total")+"/s")
					}
				}
				b.ReportMetric(100*(after-before).Seconds()/seconds, "%core")
				<-run.done
			}
		})
	}
}

// BenchmarkSIPSoak lets callers come, be answered, give up in the queue and be too many for a while, and then looks
// whether anything stays behind: growth is what is left a while after the last call, over what was there after the
// first round. SVAR_BENCH_SIP may be a time instead of 1: 20m.
func BenchmarkSIPSoak(b *testing.B) {
	desk := openDesk(b, 20, 2*time.Second)
	length, err := time.ParseDuration(os.Getenv(benchSIP))
	if err != nil {
		length = 2 * time.Minute
	}
	round := func(seconds int) {
		giveUp := runSipp(b, "waiting", desk.server.sip.String(), "-s", desk.number, "-p", strconv.Itoa(freePort(b)), "-r", "5",
			"-m", strconv.Itoa(5*seconds), "-mp", "10000", "-d", "700")
		desk.callers(12, 12*seconds)
		<-giveUp.done
	}
	for b.Loop() {
		round(20)
		before := desk.atRest()
		for end := time.Now().Add(length); time.Now().Before(end); {
			round(60)
		}
		after := desk.atRest()
		for name, value := range after {
			if !strings.HasPrefix(name, "svar_rtp_") {
				b.ReportMetric(value-before[name], "more-"+name)
			}
		}
	}
}
