package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"svar/agentui"
	"svar/channels/media"
	"svar/channels/phone"
	"svar/configs"
	"svar/contact"
)

// gauges asks the parts of an App for their figures whenever somebody reads them.
type gauges struct{ app *App }

// figure is one kind of figure that [gauges] gives.
type figure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) figure {
	return figure{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) figure {
	return figure{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue}
}

// All figures that [gauges] gives.
var (
	queueConnected    = gauge("svar_queue_connected", "1 while this node hears the dispatcher; the figures of the queue are old otherwise.")
	contactsOpen      = gauge("svar_contacts", "Open contacts, call-backs that wait included.", "state", "channel")
	contactsWaiting   = gauge("svar_contacts_waiting", "Contacts that wait for an agent, without call-backs, by line.", "line", "channel")
	contactsLongest   = gauge("svar_contacts_longest_wait_seconds", "Time since the first of them arrived.", "line", "channel")
	groupWaiting      = gauge("svar_group_contacts_waiting", "Contacts that wait, by each competence group that they need.", "group")
	groupLongest      = gauge("svar_group_longest_wait_seconds", "Time since the first of them arrived.", "group")
	callbacksWaiting  = gauge("svar_callbacks_waiting", "Users who wait to be called back.")
	callbacksLongest  = gauge("svar_callbacks_longest_wait_seconds", "Time since the first of them arrived.")
	agentsDoing       = gauge("svar_agents", "Agents by what they are doing.", "presence")
	consolesOpen      = gauge("svar_consoles", "Windows of the console that are connected to this node.")
	sipCalls          = counter("svar_sip_calls_total", "Calls that came in and became contacts.")
	sipAnswered       = counter("svar_sip_calls_answered_total", "Calls that were answered.")
	sipActive         = gauge("svar_sip_calls_active", "Calls now.")
	sipRequests       = counter("svar_sip_requests_total", "SIP requests that were read, repetitions included.", "method")
	sipResponses      = counter("svar_sip_responses_total", "SIP responses that were sent, repetitions included.", "code")
	sipRefused        = counter("svar_sip_refused_total", "What was turned away before it was a contact, by why.", "reason")
	sipStrays         = counter("svar_sip_strays_total", "Messages of strangers for no line and no call.")
	sipStraysDropped  = counter("svar_sip_strays_dropped_total", "Those of them that got no answer.")
	sipRepeated       = counter("svar_sip_repeated_total", "Messages that were sent again, by whom: the network loses them.", "by")
	sipLostACKs       = counter("svar_sip_lost_acks_total", "Calls that ended for want of an ACK.")
	sipSilences       = counter("svar_sip_silences_total", "Silent calls whose other side was asked whether it still knows them.")
	sipDead           = counter("svar_sip_dead_calls_total", "Calls that ended because it did not.")
	sipPhones         = gauge("svar_sip_phones", "Agents whose desk phone is registered.")
	sipRegistrations  = counter("svar_sip_registrations_total", "Registrations of desk phones, by whether they were taken or refused.", "result")
	trunkUp           = gauge("svar_trunk_up", "1 while calls by the trunk can be expected to go through: a proxy lives, and we are registered if we register.", "trunk")
	trunkRegistered   = gauge("svar_trunk_registered", "1 while we are registered with the trunk; absent for those that we do not register with.", "trunk")
	trunkDead         = gauge("svar_trunk_proxies_dead", "Proxies of the trunk that do not answer OPTIONS.", "trunk")
	trunkCalls        = gauge("svar_trunk_calls", "Calls that we make by the trunk now.", "trunk")
	callsRefused      = counter("svar_outgoing_calls_refused_total", "Calls of ours that the dial plan refused, by why.", "reason")
	rtpLegs           = counter("svar_rtp_legs_total", "Voices, by who is at the other end.", "party")
	rtpReceived       = counter("svar_rtp_packets_received_total", "Packets of voice that came.", "party")
	rtpLost           = counter("svar_rtp_packets_lost_total", "Packets of voice that should have come and did not.", "party")
	rtpSent           = counter("svar_rtp_packets_sent_total", "Packets of voice that were sent.", "party")
	mailboxConnected  = gauge("svar_mailbox_connected", "1 while the mailbox is read.", "mailbox")
	databaseUp        = gauge("svar_database_up", "1 while PostgreSQL answers.")
	projectionLag     = gauge("svar_projection_lag_records", "Records of the journal that are not in PostgreSQL yet.")
	journalLast       = gauge("svar_journal_last_sequence", "Number of the journal's last record.")
	journalSize       = gauge("svar_journal_bytes", "Size of all streams: journal, personal data, chats, snapshots.")
	journalLimit      = gauge("svar_journal_limit_bytes", "Size at which they are full; absent when nothing but the disk limits them.")
	diskFree          = gauge("svar_disk_free_bytes", "Free space of the data directory's disk.")
	diskSize          = gauge("svar_disk_size_bytes", "Size of that disk.")
	certificateExpiry = gauge("svar_certificate_expiry_timestamp_seconds", "When the certificate for browsers ends.")
	checkStatus       = gauge("svar_check", "1 for the status that each check of /readyz has, 0 for the others.", "check", "status")
)

// Describe implements [prometheus.Collector]. It says nothing: which figures there are depends
// on the configuration, and Collect's are checked as they come.
func (gauges) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (g gauges) Collect(into chan<- prometheus.Metric) {
	out := sink(into)
	out.desk(g.app.ui.Gauges(), g.app.config())
	stats := g.app.phone.Stats()
	out.sip(stats)
	out.trunks(g.app.phone.Trunks())
	out.rtp("caller", stats.Media)
	out.rtp("agent", g.app.voice.Statistics())
	for _, box := range g.app.config().Mail.Mailboxes {
		connected := g.app.mailboxes != nil && g.app.mailboxes.State(box.ID).Connected
		out.put(mailboxConnected, truth(connected), string(box.ID))
	}
	seen := g.app.watch.seen()
	out.put(databaseUp, truth(seen.database == nil))
	out.put(projectionLag, float64(seen.last-min(seen.projected, seen.last)))
	out.put(journalLast, float64(seen.last))
	out.put(journalSize, float64(seen.storage.Used))
	if seen.storage.Limit > 0 {
		out.put(journalLimit, float64(seen.storage.Limit))
	}
	out.put(diskFree, float64(seen.free))
	out.put(diskSize, float64(seen.size))
	if g.app.certificates != nil {
		if leaf, _ := g.app.certificates.shown(); leaf != nil {
			out.put(certificateExpiry, float64(leaf.NotAfter.Unix()))
		}
	}
	for _, c := range g.app.checks() {
		for _, status := range statuses {
			out.put(checkStatus, truth(c.Status == status), c.Name, string(status))
		}
	}
}

// sink takes figures.
type sink chan<- prometheus.Metric

func (s sink) put(f figure, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
}

func (s sink) count(f figure, value uint64, labels ...string) { s.put(f, float64(value), labels...) }

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// openStates are those that a contact can be in while it is open.
var openStates = []contact.State{
	contact.StateArrived, contact.StateGreeted, contact.StateWaiting, contact.StateOffered, contact.StateDialling,
	contact.StateConnected, contact.StateHeld, contact.StateWrapUp,
}

// channelOf tells by which channel contacts of a line come.
func channelOf(config configs.Config) func(contact.LineID) contact.Channel {
	by := map[contact.LineID]contact.Channel{config.Portal.Form.ID: contact.Form}
	for _, line := range config.Lines {
		by[line.ID] = contact.Voice
	}
	for _, topic := range config.Chat.Topics {
		by[topic.ID] = contact.Chat
	}
	for _, box := range config.Mail.Mailboxes {
		by[box.ID] = contact.Mail
	}
	return func(line contact.LineID) contact.Channel { return by[line] }
}

var allChannels = []contact.Channel{contact.Voice, contact.Chat, contact.Mail, contact.Form}

func (s sink) desk(g agentui.Gauges, config configs.Config) {
	channel := channelOf(config)
	s.put(queueConnected, truth(g.Connected))
	for _, state := range openStates {
		for _, channel := range allChannels {
			s.put(contactsOpen, float64(g.Contacts[state][channel]), string(state), string(channel))
		}
	}
	for line, waiting := range g.Waiting {
		s.put(contactsWaiting, float64(waiting.Count), string(line), string(channel(line)))
		s.put(contactsLongest, waiting.Longest.Seconds(), string(line), string(channel(line)))
	}
	for _, group := range config.Groups {
		waiting := g.WaitingBySkill[group.ID] // zero when nobody waits: the figure is there all the same
		s.put(groupWaiting, float64(waiting.Count), string(group.ID))
		s.put(groupLongest, waiting.Longest.Seconds(), string(group.ID))
	}
	s.put(callbacksWaiting, float64(g.Callbacks.Count))
	s.put(callbacksLongest, g.Callbacks.Longest.Seconds())
	for doing, count := range g.Agents {
		s.put(agentsDoing, float64(count), doing)
	}
	s.put(consolesOpen, float64(g.Consoles))
}

func (s sink) sip(stats phone.Stats) {
	s.count(sipCalls, stats.Calls)
	s.count(sipAnswered, stats.Answered)
	s.count(sipActive, stats.Active)
	for method, count := range stats.Requests {
		s.count(sipRequests, count, method)
	}
	for code, count := range stats.Responses {
		s.count(sipResponses, count, strconv.Itoa(code))
	}
	for reason, count := range map[string]uint64{
		"call": stats.Refused, "malformed": stats.Malformed, "not-sip": stats.Unparsable, "too-many": stats.RateLimited,
		"too-large": stats.Oversized, "connections": stats.Connections, "dial": stats.DialsRefused, "scanner": stats.Scanners, "handshake": stats.Handshakes,
	} {
		s.count(sipRefused, count, reason)
	}
	for reason, count := range stats.CallsRefused {
		s.count(callsRefused, count, string(reason))
	}
	s.count(sipStrays, stats.Strays)
	s.count(sipStraysDropped, stats.StraysDropped)
	s.count(sipRepeated, stats.Repeated, "peer")
	s.count(sipRepeated, stats.AnswersRepeated, "us")
	s.count(sipLostACKs, stats.LostACKs)
	s.count(sipSilences, stats.Silences)
	s.count(sipDead, stats.DeadRTP)
	s.put(sipPhones, float64(stats.Phones))
	s.count(sipRegistrations, stats.Registrations, "taken")
	s.count(sipRegistrations, stats.RegistrationsRefused, "refused")
}

func (s sink) trunks(trunks []phone.TrunkState) {
	for _, trunk := range trunks {
		s.put(trunkUp, truth(trunk.Up), trunk.Name)
		s.put(trunkDead, float64(trunk.Dead), trunk.Name)
		s.put(trunkCalls, float64(trunk.Calls), trunk.Name)
		if trunk.Registers {
			s.put(trunkRegistered, truth(trunk.Registered), trunk.Name)
		}
	}
}

func (s sink) rtp(party string, totals media.Totals) {
	s.count(rtpLegs, totals.Legs, party)
	s.count(rtpReceived, totals.PacketsReceived, party)
	s.count(rtpLost, totals.PacketsLost, party)
	s.count(rtpSent, totals.PacketsSent, party)
}
