package switchboard

import (
	"context"
	"sync/atomic"
	"time"

	"svar/channels/media"
	"svar/contact"
)

// Recording is how a line records its calls: after an announcement, and never against the caller's will.
type Recording struct {
	// Announcement is the prompt that says so and names the key. It is played to its end before the queue.
	Announcement string
	// DeclineKey is the key by which the caller declines, from the first word of it to the end of the call.
	DeclineKey byte
	// Retention is how long the file may be kept after the call.
	Retention time.Duration
}

// Recordings is where calls are recorded. Its methods may be called concurrently.
type Recordings interface {
	// Begin makes the file of a contact, which may be kept until then. file is its name on record.
	Begin(id contact.ID, until contact.Instant) (recording *media.Recording, file string, err error)
	// End says that the file is closed and whole.
	End(file string) error
}

// Protection knows whose calls are never recorded. It must not block.
type Protection interface {
	// IsProtected reports whether somebody with a protected identity may be calling.
	IsProtected(p contact.Personal) bool
}

// consent is what the caller said of being recorded.
type consent int32

const (
	// notAsked: the line does not record, the caller is protected, or he has not heard yet that it does.
	notAsked consent = iota
	// asking: he is to hear it.
	asking
	// consents: he heard it to its end.
	consents
	declines
)

// recorder is the recording of one call.
type recorder struct {
	consent atomic.Int32

	// What follows belongs to run's goroutine.

	file string
	// said says that the recording is on record, paused that the agent paused it.
	said, paused bool
	// withheld says that it stands still while a place outside talks, which has not agreed to it.
	withheld bool
	until    contact.Instant
	// stopWatching ends the watch over the caller's keys; nil while there is none.
	stopWatching context.CancelFunc
}

func (r *recorder) is(state consent) bool { return consent(r.consent.Load()) == state }

// mayRecord reports whether the caller is to be asked.
func (s *Switchboard) mayRecord(line Line, p contact.Personal) bool {
	return line.Recording != nil && s.config.Recordings != nil && (s.config.Protection == nil || !s.config.Protection.IsProtected(p))
}

// announceRecording says that the call is recorded, to its end, or until the caller declines. Who hangs up in
// it, is taken out of it, or could not hear it, has not consented.
func (c *call) announceRecording(ctx context.Context) (over bool) {
	if !c.recorder.is(asking) {
		return false
	}
	playing, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan bool, 1)
	prompt, keys := c.prompt(c.line.Recording.Announcement), c.freshKeys()
	said := false // belongs to the goroutine until it ended
	c.helpers.Go(func() {
		var over bool
		said, over = c.playWhole(playing, prompt)
		ended <- over
	})
	for {
		select {
		case over := <-ended:
			if said && ctx.Err() == nil {
				c.recorder.consent.CompareAndSwap(int32(asking), int32(consents))
			}
			return over
		case key, open := <-keys:
			switch {
			case !open:
				keys = nil // the leg is over, which ends the prompt too
			case c.declinesBy(key):
				cancel()
				return <-ended
			}
		}
	}
}

// declinesBy reports whether the caller declines by the key, and has that put on record. What was recorded with an earlier
// agent is forgotten too.
func (c *call) declinesBy(key byte) bool {
	if !c.asksConsent() || key != c.line.Recording.DeclineKey {
		return false
	}
	c.decline()
	return true
}

// decline may be called from any goroutine. That he declined counts even if the call ends before run reads it.
func (c *call) decline() {
	if c.recorder.consent.CompareAndSwap(int32(asking), int32(declines)) || c.recorder.consent.CompareAndSwap(int32(consents), int32(declines)) {
		c.tell(contact.ReportRecording{Contact: c.contact.ID, Recording: contact.RecordingDeclined})
		c.post(recordingDeclined{})
	}
}

// asksConsent reports whether the caller may decline now.
func (c *call) asksConsent() bool { return c.recorder.is(asking) || c.recorder.is(consents) }

// beginRecording makes the file of a caller who consented, before he is connected. A talk that cannot be
// recorded is a talk.
func (c *call) beginRecording() {
	if c.recording != nil || c.ended || !c.recorder.is(consents) {
		return
	}
	until := c.board.now().Add(contact.MillisOf(c.line.Recording.Retention))
	recording, file, err := c.board.config.Recordings.Begin(c.contact.ID, until)
	if err != nil {
		c.log.Error().Err(err).Msg("a call cannot be recorded; it goes on without")
		return
	}
	c.recording, c.recorder.file, c.recorder.until = recording, file, until
}

// sayRecorded puts on record that the talk is recorded, once.
func (c *call) sayRecorded() {
	if c.recording != nil && !c.recorder.said {
		c.recorder.said = true
		c.tell(contact.ReportRecording{Contact: c.contact.ID, Recording: contact.RecordingBegun})
	}
}

// pauseRecording leaves out what comes, or goes on, at the agent's wish.
func (c *call) pauseRecording(agent contact.AgentID, pause bool) error {
	switch {
	case c.recording == nil || c.recorder.withheld:
		return reject(contact.WrongState)
	case pause == c.recorder.paused:
		return nil
	case !c.allows(c.changeLimit):
		return errTooFast
	}
	c.recorder.paused = pause
	state := contact.RecordingResumed
	if pause {
		state = contact.RecordingPaused
		c.recording.Pause()
	} else {
		c.recording.Resume()
	}
	c.tell(contact.ReportRecording{Contact: c.contact.ID, Recording: state, Agent: agent})
	return nil
}

// withholdRecording says that the recording stands still while a place outside talks, and that it goes on.
func (c *call) withholdRecording() {
	withheld := c.recording != nil && c.recorder.said && c.consult.place != nil && c.consult.joined
	if withheld == c.recorder.withheld {
		return
	}
	c.recorder.withheld = withheld
	if c.recorder.paused || c.recording == nil {
		return // it is on record as paused, or is no more
	}
	state := contact.RecordingResumed
	if withheld {
		state = contact.RecordingPaused
	}
	c.tell(contact.ReportRecording{Contact: c.contact.ID, Recording: state})
}

// recordingDeclined says that the caller pressed the key.
type recordingDeclined struct{}

// watchDecline reads the caller's keys while he talks and is recorded, and only then: a caller who waits has other
// keys too.
func (c *call) watchDecline() {
	watch := c.talking && c.recording != nil
	if watch == (c.recorder.stopWatching != nil) {
		return
	}
	if !watch {
		c.recorder.stopWatching()
		c.recorder.stopWatching = nil
		return
	}
	ctx, stop := context.WithCancel(c.board.life)
	c.recorder.stopWatching = stop
	keys, key := c.keys(), c.line.Recording.DeclineKey
	c.helpers.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.leg.Done():
				return
			case pressed, open := <-keys:
				switch {
				case !open:
					return
				case pressed == key:
					c.decline()
				}
			}
		}
	})
}

// declineRecording forgets what was recorded: the caller wants none. The talk goes on.
func (c *call) declineRecording() {
	recording := c.recording
	if recording == nil || c.ended {
		return // there is none, or [call.endRecording] saw to it
	}
	c.recording = nil
	c.goOnTalking()
	c.discardDeclined(recording)
}

// discardDeclined removes the file in the background.
func (c *call) discardDeclined(recording *media.Recording) {
	c.helpers.Go(func() {
		if err := recording.Discard(); err != nil {
			c.log.Error().Err(err).Msg("the recording of a caller who wants none could not be removed")
		}
	})
}

// endRecording makes the file safe in the background, and puts on record where it is. Whoever talks with the caller
// from now on is not recorded.
func (c *call) endRecording() {
	recording, file := c.recording, c.recorder.file
	if recording == nil {
		return
	}
	c.recording = nil
	c.recorder.consent.CompareAndSwap(int32(consents), int32(notAsked)) // who declined has declined
	declined := c.recorder.is(declines)
	if c.talk.mix != nil {
		c.talk.mix.Record(nil)
	}
	c.watchDecline()
	if declined { // in this moment
		c.discardDeclined(recording)
		return
	}
	if !c.recorder.said {
		c.helpers.Go(func() { _ = recording.Discard() }) // nobody talked
		return
	}
	report := contact.ReportRecording{Contact: c.contact.ID, Recording: contact.RecordingEnded, File: file, DeleteAfter: c.recorder.until}
	c.helpers.Go(func() {
		recorded, err := recording.Close()
		if err == nil {
			err = c.board.config.Recordings.End(file)
		}
		if err != nil {
			c.log.Error().Err(err).Msg("a recording did not end well")
		}
		if recorded.Lost > 0 {
			c.log.Warn().Dur("lost", recorded.Lost).Msg("the disk was too slow for a recording")
		}
		report.SHA256, report.Bytes, report.Length = recorded.SHA256, recorded.Bytes, contact.MillisOf(recorded.Length)
		c.tell(report)
	})
}
