package ivr

import (
	"svar/channels"
	"svar/contact"
	"svar/ivr/spoken"
)

// never is later than any wait.
const never = contact.Millis(1<<62 - 1)

// waiting is what a contact is told while it waits, by how long it has waited.
type waiting struct {
	// due is when each announcement comes next, in the order of the queue step; the offer of a call-back is
	// behind them.
	due []contact.Millis
	// asked is the announcement that the answer to [Ask] is for; -1: none.
	asked int
	// offered says that the call-back was offered: its key counts for as long as the contact waits, so
	// that who hesitates has not lost it.
	offered bool
}

// begin returns what who waits will be told.
func (r *Run) begin(queue Queue, in Input) *waiting {
	w := &waiting{asked: -1}
	for _, told := range queue.Announcements {
		w.due = append(w.due, told.First)
	}
	if offer := queue.Callback; offer != nil && r.visit.Callable {
		due := offer.After
		if in.Expected >= offer.After {
			due = 0
		}
		w.due = append(w.due, due)
	}
	return w
}

// wait lets the contact hear that it waits, and from time to time what there is to tell.
func (r *Run) wait(queue Queue, in Input) Action {
	w := r.waiting
	if w.offered && in.Digit != 0 && queue.Callback.Key == string(rune(in.Digit)) {
		return CallBack{Prompt: r.prompt(queue.Callback.Done)}
	}
	if w.asked >= 0 {
		told := queue.Announcements[w.asked]
		w.asked = -1
		if text := r.composed(told.Tell, in); text != "" {
			return r.announce(channels.Prompt{Name: string(told.Tell), Language: r.visit.Language, Text: text})
		}
	}
	at := w.first()
	switch {
	case at < 0 && queue.Music == "":
		r.todo = nil
		return nil
	case at < 0:
		if !w.offered {
			r.todo = nil
		}
		return Loop{Prompt: r.prompt(queue.Music), Keys: w.offered}
	case w.due[at] > in.Waited:
		return Loop{Prompt: r.prompt(queue.Music), Until: w.due[at] - in.Waited, Keys: w.offered}
	case at == len(queue.Announcements):
		w.offered = true
		w.again(at, in.Waited, queue.Callback.Every)
		return r.announce(r.prompt(queue.Callback.Say))
	}
	told := queue.Announcements[at]
	w.again(at, in.Waited, told.Every)
	if told.Say != "" {
		return r.announce(r.prompt(told.Say))
	}
	w.asked = at
	return Ask{}
}

// announce says something to who waits. A key stops it once there is one that means something.
func (r *Run) announce(prompt channels.Prompt) Action {
	return Say{Prompt: prompt, Interruptible: r.waiting.offered}
}

// composed returns what is told of the contact's own wait; "" when nobody can say.
func (r *Run) composed(tell Tell, in Input) string {
	switch {
	case tell == TellPlace && in.Place > 0:
		return spoken.Place(r.visit.Language, in.Place)
	case tell == TellWait && in.Expected > 0:
		return spoken.Wait(r.visit.Language, in.Expected.Duration())
	}
	return ""
}

// first returns what is due first, the foremost of several; -1 when nothing ever is.
func (w *waiting) first() int {
	first := -1
	for i, due := range w.due {
		if due != never && (first < 0 || due < w.due[first]) {
			first = i
		}
	}
	return first
}

// again says when the announcement that is told now comes next.
func (w *waiting) again(at int, now, every contact.Millis) {
	w.due[at] = never
	if every > 0 {
		w.due[at] = now + every
	}
}

// Straight returns what the flow queues a contact with that presses no key, and whether it comes to the
// queue like that: neither by way of a menu nor while the desk is closed. Such a contact can be queued
// before it has heard anything.
func (f Flow) Straight(visit Visit) (Enqueue, bool) {
	run := f.Start(visit)
	for {
		switch action := run.Next(Input{}).(type) {
		case Say:
			if run.menu.said {
				return Enqueue{}, false
			}
		case Enqueue:
			return action, true
		default:
			return Enqueue{}, false
		}
	}
}
