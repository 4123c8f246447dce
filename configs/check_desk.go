package configs

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"svar/contact"
)

func (c *checker) ports(config Config) {
	if from, to := config.Phone.RTP.From, config.Phone.RTP.To; from == 0 || to <= from {
		c.fault("$.phone.rtp", "the range %d–%d holds no pair of ports", from, to)
	}
	if config.Phone.MaxCalls <= 0 {
		c.fault("$.phone.max_calls", "at least one call must be allowed")
	}
	strangers := config.Phone.Strangers
	for key, limit := range map[string]int{
		"calls_per_second": strangers.Calls, "all_calls_per_second": strangers.AllCalls, "answers_per_second": strangers.Answers,
	} {
		if limit <= 0 {
			c.fault("$.phone.strangers."+key, "at least one a second must be allowed")
		}
	}
	if strangers.AllCalls < strangers.Calls {
		c.fault("$.phone.strangers.all_calls_per_second", "all addresses together may begin at least as many calls as one: %d", strangers.Calls)
	}
	if config.Phone.ProbeAfter < 0 {
		c.fault("$.phone.probe_after", "the time cannot be below 0 s; 0s asks nobody")
	}
	if config.Voice.MaxLegs <= 0 {
		c.fault("$.voice.max_legs", "at least one agent must be allowed")
	}
	if config.NATS.Listen != "" && config.NATS.Token == "" {
		c.fault("$.nats.listen", "a NATS server that listens needs a token, or anybody on the network commands the queue")
	}
	if !config.NATS.Engine && config.NATS.URL == "" {
		c.fault("$.nats.engine", "a node without an engine needs the url of a NATS server where one is")
	}
	if config.NATS.Listen != "" && config.NATS.URL != "" {
		c.fault("$.nats.listen", "listen is for the server in this process, url for an outside one: set one of them")
	}
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	return err == nil && host != "" && port != ""
}

// pupilNumberLimit is how long requirement D3 lets a pupil's number be kept.
const pupilNumberLimit = contact.Millis(24 * 60 * 60 * 1000)

func (c *checker) retention(retention Retention) {
	switch kept := retention.PupilNumbers; {
	case kept <= 0:
		c.fault("$.retention.pupil_numbers", "a pupil's number is kept longer than 0 s: a call-back needs it")
	case kept > pupilNumberLimit:
		c.warn("$.retention.pupil_numbers", "pupils' numbers are kept for longer than 24 h (requirement D3)")
	}
}

func (c *checker) desk(desk Desk) {
	if desk.OfferTimeout <= 0 {
		c.fault("$.desk.offer_timeout", "an offer must last longer than 0 s")
	}
	if desk.ConnectTimeout <= 0 {
		c.fault("$.desk.connect_timeout", "connecting must be given longer than 0 s")
	}
	if len(desk.OutcomeCodes) == 0 {
		c.fault("$.desk.outcome_codes", "at least one outcome code is needed: every answered contact gets one")
	}
	if desk.UnreachableGrace < 0 {
		c.fault("$.desk.unreachable_grace", "the grace cannot be below 0 s; 0s keeps texts for ever")
	}
	if desk.VoiceGrace < 0 {
		c.fault("$.desk.voice_grace", "the grace cannot be below 0 s; 0s lets the caller wait in the queue at once")
	}
	c.outcomeCodes(desk.OutcomeCodes)
	c.wrapUp(desk)
	if desk.DialTimeout <= 0 {
		c.fault("$.desk.dial_timeout", "a call-back must ring longer than 0 s")
	}
	c.notTooMuch(desk)
	c.channelRules(desk.Channels)
	c.order(desk)
	c.pauseReasons(desk.PauseReasons)
	c.callbacks(desk)
	c.nuisance(desk.Nuisance)
}

// What may become of a caller who was marked as a nuisance, and for how long that is remembered.
const (
	maxNuisanceWait = contact.Millis(120_000)
	minNuisanceKeep = contact.Millis(60 * 60 * 1000)
	maxNuisanceKeep = contact.Millis(30 * 24 * 60 * 60 * 1000)
)

func (c *checker) nuisance(n Nuisance) {
	if n.Wait < 0 || n.Wait > maxNuisanceWait {
		c.fault("$.desk.nuisance.wait", "a caller waits for %s before he is queued; it must be 0s–2m: nobody is refused", n.Wait.Duration())
	}
	if n.Keep < minNuisanceKeep || n.Keep > maxNuisanceKeep {
		c.fault("$.desk.nuisance.keep", "marks are kept for %s; it must be 1h–720h (30 days)", n.Keep.Duration())
	}
}

// The most that the engine takes: it refuses the whole of the rules otherwise, and says no more
// than that.
const (
	maxRing            = contact.Millis(10 * 60 * 1000)
	maxGrace           = contact.Millis(24 * 60 * 60 * 1000)
	maxDialsPerContact = 20
	maxDialsPerHour    = 5_000
	maxCodes           = 200
	maxCode            = 128 // bytes
)

func (c *checker) notTooMuch(desk Desk) {
	for key, of := range map[string]struct{ given, most contact.Millis }{
		"offer_timeout": {desk.OfferTimeout, maxRing}, "connect_timeout": {desk.ConnectTimeout, maxRing}, "dial_timeout": {desk.DialTimeout, maxRing},
		"ramp_up": {desk.RampUp, maxRing}, "transfer_wait": {desk.TransferWait, maxGrace},
		"preferred.for": {desk.Preferred.For, maxGrace}, "preferred.within": {desk.Preferred.Within, maxPreferWithin},
		"callbacks.retry": {desk.Callbacks.Retry, maxGrace}, "callbacks.appointment_wait": {desk.Callbacks.AppointmentWait, maxGrace},
		"unreachable_grace": {desk.UnreachableGrace, maxGrace}, "wrap_up_limit": {desk.WrapUpLimit, maxGrace}, "wrap_up_extension": {desk.WrapUpExtension, maxGrace},
	} {
		c.atMost("$.desk."+key, of.given, of.most)
	}
	if desk.DialsPerContact > maxDialsPerContact {
		c.fault("$.desk.dials_per_contact", "%d is more than %d", desk.DialsPerContact, maxDialsPerContact)
	}
	if desk.DialsPerHour > maxDialsPerHour {
		c.fault("$.desk.dials_per_hour", "%d is more than %d", desk.DialsPerHour, maxDialsPerHour)
	}
}

func (c *checker) atMost(path string, given, most contact.Millis) {
	if given > most {
		c.fault(path, "%s is longer than %s", given.Duration(), most.Duration())
	}
}

func (c *checker) outcomeCodes(codes []contact.OutcomeCode) {
	if len(codes) > maxCodes {
		c.fault("$.desk.outcome_codes", "there are %d outcome codes; %d is the most", len(codes), maxCodes)
	}
	for i, code := range codes {
		path := fmt.Sprintf("$.desk.outcome_codes[%d]", i)
		if code == "" || !isCode(code) {
			c.fault(path, "%q is no outcome code: it has 1–%d bytes on one line", code, maxCode)
		}
		if slices.Contains(codes[:i], code) {
			c.fault(path, "the outcome code %q stands here twice", code)
		}
	}
}

func isCode(code contact.OutcomeCode) bool {
	return len(code) <= maxCode && utf8.ValidString(string(code)) && !strings.ContainsFunc(string(code), unicode.IsControl)
}

var channels = []contact.Channel{contact.Voice, contact.Chat, contact.Mail, contact.Form}

// maxCapacity is the most that the engine gives one agent of a channel.
const maxCapacity = 50

func (c *checker) channelRules(rules []ChannelRule) {
	seen := map[contact.Channel]bool{}
	for i, rule := range rules {
		path := fmt.Sprintf("$.desk.channels[%d]", i)
		switch {
		case !slices.Contains(channels, rule.Channel):
			c.fault(path+".channel", "there is no channel %q; there are voice, chat, mail and form", rule.Channel)
		case seen[rule.Channel]:
			c.fault(path+".channel", "there are two rules for the channel %s", rule.Channel)
		}
		seen[rule.Channel] = true
		if rule.Capacity < 1 || rule.Capacity > maxCapacity {
			c.fault(path+".capacity", "the capacity %d is not one of 1–%d", rule.Capacity, maxCapacity)
		}
		if rule.Channel == contact.Voice && rule.Capacity > 1 {
			c.fault(path+".capacity", "an agent speaks with one caller at a time")
		}
		if rule.OfferTimeout < 0 {
			c.fault(path+".offer_timeout", "an offer cannot last less than 0 s")
		}
		c.atMost(path+".offer_timeout", rule.OfferTimeout, maxRing)
		for j, other := range rule.Beside {
			at := fmt.Sprintf("%s.beside[%d]", path, j)
			switch {
			case !slices.Contains(channels, other):
				c.fault(at, "there is no channel %q; there are voice, chat, mail and form", other)
			case other == rule.Channel:
				c.fault(at, "how many of its own channel there may be is its capacity")
			case slices.Contains(rule.Beside[:j], other):
				c.fault(at, "the channel %s stands here twice", other)
			}
		}
	}
}

func (c *checker) wrapUp(desk Desk) {
	if desk.WrapUpLimit < 0 {
		c.fault("$.desk.wrap_up_limit", "wrap-up cannot last less than 0 s; 0s lets it last for ever")
	}
	switch {
	case desk.WrapUpLimit > 0 && desk.WrapUpCode == "":
		c.fault("$.desk.wrap_up_code", "a wrap-up that runs out needs a code: every answered contact gets one")
	case slices.Contains(desk.OutcomeCodes, desk.WrapUpCode):
		c.fault("$.desk.wrap_up_code", "%q is one of outcome_codes; what nobody chose must be told from what somebody chose", desk.WrapUpCode)
	case !isCode(desk.WrapUpCode):
		c.fault("$.desk.wrap_up_code", "%q is no outcome code: it has 1–%d bytes on one line", desk.WrapUpCode, maxCode)
	}
	if desk.WrapUpExtension < 0 || desk.WrapUpLimit > 0 && desk.WrapUpExtension == 0 {
		c.fault("$.desk.wrap_up_extension", "an extension must be longer than 0 s")
	}
}
