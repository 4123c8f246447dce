package queue

import (
	"fmt"
	"slices"

	"svar/contact"
)

// recordingSteps are what may become of a recording after each state; the empty one is before any. Who declined is
// not recorded again.
var recordingSteps = map[contact.RecordingState][]contact.RecordingState{
	"":                        {contact.RecordingBegun, contact.RecordingDeclined},
	contact.RecordingBegun:    {contact.RecordingPaused, contact.RecordingEnded, contact.RecordingDeclined},
	contact.RecordingPaused:   {contact.RecordingResumed, contact.RecordingEnded, contact.RecordingDeclined},
	contact.RecordingResumed:  {contact.RecordingPaused, contact.RecordingEnded, contact.RecordingDeclined},
	contact.RecordingEnded:    {contact.RecordingBegun, contact.RecordingDeclined},
	contact.RecordingDeclined: {},
}

// planRecording takes the node's word for what became of a recording. The end of one, with its file, is taken when the
// contact has just closed too: a recording that is on no record could not be deleted in time.
func (e *Engine) planRecording(v contact.ReportRecording, now contact.Instant) (func(), *contact.Rejection) {
	c := e.contacts[v.Contact]
	state := e.closedBy[v.Contact].Recording
	switch {
	case c == nil && !e.isClosed(v.Contact):
		return nil, reject(contact.UnknownContact)
	case c != nil && c.Contact.Channel != contact.Voice:
		return nil, reject(contact.WrongState)
	case c != nil:
		state = c.Recording
	}
	switch {
	case state == v.Recording:
		return nothing, nil
	case !slices.Contains(recordingSteps[state], v.Recording), v.Recording != contact.RecordingEnded && (c == nil || c.lapses(now)):
		return nil, reject(contact.WrongState)
	}
	return func() { e.emit(contact.RecordingChanged(v), now) }, nil
}

// recordingChanged folds it, of an open contact or of one that is remembered.
func (e *Engine) recordingChanged(v contact.RecordingChanged) error {
	c, state := e.contacts[v.Contact], e.closedBy[v.Contact].Recording
	if c != nil {
		state = c.Recording
	}
	if !slices.Contains(recordingSteps[state], v.Recording) {
		return fmt.Errorf("the recording of contact %s is %q and cannot be %q", v.Contact, state, v.Recording)
	}
	if c != nil {
		c.Recording = v.Recording
		return nil
	}
	at := slices.IndexFunc(e.closed, func(c closedContact) bool { return c.Contact == v.Contact })
	if at < 0 {
		return fmt.Errorf("contact %s is not open", v.Contact)
	}
	e.closed[at].Recording = v.Recording
	e.closedBy[v.Contact] = e.closed[at]
	return nil
}
