package switchboard

import (
	"errors"
	"strings"

	"golang.org/x/time/rate"

	"svar/channels"
	"svar/contact"
	"svar/queue/bus"
)

// What one call takes of its agent, a second and at once. Nobody presses keys faster, and a
// window that asks for its voice again and again must not cost a connection each time.
const (
	keysPerSecond, keysAtOnce       = 20, 20
	changesPerSecond, changesAtOnce = 2, 10
)

// longestConsole bounds the id of a window, a UUID, in octets.
const longestConsole = 64

// telephoneKeys are those of [channels.KeyPresser].
const telephoneKeys = "0123456789*#ABCD"

var errTooFast = errors.New("too many requests for this call at once; wait a moment")

// asked is what an agent does with his call; done answers him.
type asked struct {
	control bus.Control
	done    func(error)
}

func reject(code contact.RejectionCode) error { return &contact.Rejection{Code: code} }

// control takes in what an agent does with a call.
func (s *Switchboard) control(control bus.Control, done func(error)) {
	if !valid(control) {
		done(reject(contact.Invalid))
		return
	}
	s.mutex.Lock()
	call := s.calls[control.Contact]
	s.mutex.Unlock()
	switch {
	case call == nil:
		done(reject(contact.NotYours))
	case !call.post(asked{control, done}):
		done(call.tooLate(control))
	}
}

func valid(control bus.Control) bool {
	if control.Agent == "" {
		return false
	}
	switch control.Kind {
	case bus.ControlHold, bus.ControlResume, bus.ControlHangUp, bus.ControlRecordingPause, bus.ControlRecordingResume:
		return true
	case bus.ControlKey:
		return len(control.Key) == 1 && strings.Contains(telephoneKeys, control.Key)
	case bus.ControlVoice:
		return control.Console != "" && len(control.Console) <= longestConsole
	default:
		return false
	}
}

// tooLate answers what comes after the call's end. One who hung up and asks again is told
// that it is done, however long the dispatcher is not. It may be called from any goroutine
// once nothing can be posted.
func (c *call) tooLate(control bus.Control) error {
	if control.Kind == bus.ControlHangUp && control.Agent == c.last {
		return nil
	}
	return reject(contact.WrongState)
}

// refuse answers those of the items that somebody waits for.
func (c *call) refuse(items []any) {
	for _, item := range items {
		switch item := item.(type) {
		case asked:
			item.done(c.tooLate(item.control))
		case transferAsked:
			item.done(contact.DialCancelled)
		}
	}
}

// carryOut does what an agent asks of his call. Nothing that he does is logged: keys are
// secrets, and the rest is on record.
func (c *call) carryOut(control bus.Control) error {
	if c.ended {
		return c.tooLate(control)
	}
	v := c.voiceOf(control.Agent)
	switch {
	case v == nil:
		return reject(contact.NotYours)
	case control.Kind == bus.ControlVoice:
		if !c.allows(c.changeLimit) {
			return errTooFast
		}
		return c.renew(v, control.Console, control.Take)
	case control.Kind == bus.ControlHangUp && (v.supervises || v.offer == c.consult.offer):
		c.hangUpBy(v)
		return nil
	case v.supervises || c.connected != v.offer:
		return reject(contact.WrongState)
	}
	switch control.Kind {
	case bus.ControlHold, bus.ControlResume:
		if hold := control.Kind == bus.ControlHold; hold != c.holdsUser() {
			if !c.allows(c.changeLimit) {
				return errTooFast
			}
			c.hold(v, hold)
		}
	case bus.ControlHangUp:
		c.hangUpBy(v)
	case bus.ControlKey:
		return c.press(control.Key[0])
	case bus.ControlRecordingPause, bus.ControlRecordingResume:
		return c.pauseRecording(v.agent, control.Kind == bus.ControlRecordingPause)
	case bus.ControlVoice: // above
	}
	return nil
}

func (c *call) allows(limit *rate.Limiter) bool { return limit.AllowN(c.board.config.Now(), 1) }

// holdsUser reports whether the user is on hold: one who is in a conference is not.
func (c *call) holdsUser() bool { return c.held && !c.conference }

// hold puts the user on hold, where whoever is consulted talks on with the agent, or takes him back, which ends that.
// While the agent's voice is gone the user hears music either way.
func (c *call) hold(v *voice, hold bool) {
	if hold {
		c.held, c.conference = true, false
		c.goOnTalking()
		c.tell(contact.Hold{Contact: c.contact.ID, Agent: v.agent})
		return
	}
	if c.consult.offer != 0 {
		// Who takes his user back asks nobody any more. A conference that is on its way would hide that: the user is no longer on
		// hold then.
		c.tell(contact.EndConsult{Contact: c.contact.ID, Agent: v.agent})
	}
	c.dropConsult()
	c.held = false
	c.goOnTalking()
	c.tell(contact.Resume{Contact: c.contact.ID, Agent: v.agent})
	c.endTransfer(contact.DialCancelled)
}

// press presses a key towards the user's phone, or towards the place outside that talks with the agent: that may have a menu.
func (c *call) press(key byte) error {
	leg := c.leg
	if p := c.consult.place; p != nil && c.consult.joined {
		leg = p.leg
	}
	presser, able := leg.(channels.KeyPresser)
	if !able {
		return reject(contact.WrongState)
	}
	if !c.allows(c.keyLimit) {
		return errTooFast
	}
	err := presser.Press(key)
	if errors.Is(err, channels.ErrLegOver) {
		return reject(contact.WrongState)
	}
	return err
}
