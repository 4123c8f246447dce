package simulate

import (
	"slices"

	"svar/contact"
	"svar/routing"
)

// ShortAbandon is how soon a user who leaves is not counted against the service level, as
// in the reports.
const ShortAbandon = contact.Millis(5000)

// Figures are what came of contacts. Those of one interval are the contacts that arrived in it.
type Figures struct {
	Arrived  int
	Answered int
	// Within were answered within their target.
	Within int
	// Abandoned left before an answer; Short of them within [ShortAbandon].
	Abandoned, Short int
	// Open were neither answered nor gone when the simulation ended.
	Open int
	// Waited is the sum over those who were answered, Longest the longest of them.
	Waited, Longest contact.Millis
	// Busy is how long agents who have what the stream needs had a contact or were asked for one in the
	// interval, and Idle how long they were ready for one.
	Busy, Idle contact.Millis
}

// ServiceLevel is the share that was answered within its target, of those who did not leave at once; 1
// when there were none.
func (f Figures) ServiceLevel() float64 {
	return share(f.Within, f.Answered+f.Abandoned+f.Open-f.Short)
}

// Abandonment is the share of arrivals that left; 0 when there were none.
func (f Figures) Abandonment() float64 {
	if f.Arrived == 0 {
		return 0
	}
	return float64(f.Abandoned) / float64(f.Arrived)
}

// MeanWait is that of those who were answered; 0 when nobody was.
func (f Figures) MeanWait() contact.Millis {
	if f.Answered == 0 {
		return 0
	}
	return f.Waited / contact.Millis(f.Answered)
}

// Occupancy is the share of their time at work that agents were busy; 0 when none worked.
func (f Figures) Occupancy() float64 {
	if f.Busy+f.Idle == 0 {
		return 0
	}
	return float64(f.Busy) / float64(f.Busy+f.Idle)
}

func share(part, of int) float64 {
	if of <= 0 {
		return 1
	}
	return float64(part) / float64(of)
}

// Add adds the other figures.
func (f *Figures) Add(other Figures) {
	f.Arrived += other.Arrived
	f.Answered += other.Answered
	f.Within += other.Within
	f.Abandoned += other.Abandoned
	f.Short += other.Short
	f.Open += other.Open
	f.Waited += other.Waited
	f.Longest = max(f.Longest, other.Longest)
	f.Busy += other.Busy
	f.Idle += other.Idle
}

// Result is what came of a scenario.
type Result struct {
	// Rows has the figures of each interval, by stream in the order of the scenario.
	Rows [][]Figures
	// Steps and Events count what the engine was asked and what it decided.
	Steps, Events int
	// Expected is how well the engine foretold, on arrival, when an agent would be asked.
	Expected Accuracy
}

// Accuracy compares expected waits with those that came.
type Accuracy struct {
	// Told is how many were told a wait, and got an agent.
	Told int
	// MedianError is the median difference, early or late, and MedianRelative that difference as a share
	// of the wait that came, of the Waited who had to wait at all.
	MedianError    contact.Millis
	Waited         int
	MedianRelative float64
}

// Total returns the figures of one stream over the whole time.
func (r Result) Total(stream int) Figures {
	var total Figures
	for _, row := range r.Rows {
		total.Add(row[stream])
	}
	return total
}

// Interval returns the figures of all streams in one interval. Its agents' time is not told, since one
// agent may work for several streams.
func (r Result) Interval(number int) Figures {
	var all Figures
	for _, figures := range r.Rows[number] {
		figures.Busy, figures.Idle = 0, 0
		all.Add(figures)
	}
	return all
}

// forecast is a wait that was told, and the one that came.
type forecast struct{ told, came contact.Millis }

func accuracy(list []forecast) Accuracy {
	a := Accuracy{Told: len(list)}
	if len(list) == 0 {
		return a
	}
	var off []contact.Millis
	var relative []float64
	for _, f := range list {
		miss := max(f.told-f.came, f.came-f.told)
		off = append(off, miss)
		if f.came > 0 {
			relative = append(relative, float64(miss)/float64(f.came))
		}
	}
	slices.Sort(off)
	slices.Sort(relative)
	a.MedianError = off[len(off)/2]
	if a.Waited = len(relative); a.Waited > 0 {
		a.MedianRelative = relative[a.Waited/2]
	}
	return a
}

// worktime sums per interval how long an agent was busy and idle.
type worktime struct {
	contacts int
	ready    bool
	since    contact.Millis
	busy     []contact.Millis
	idle     []contact.Millis
}

// until accounts for the time since the last change.
func (w *worktime) until(at, interval contact.Millis) {
	into := w.idle
	switch {
	case w.contacts > 0:
		into = w.busy
	case !w.ready:
		w.since = at
		return
	}
	for w.since < at {
		number := int(w.since / interval)
		if number >= len(into) {
			break
		}
		end := min(at, interval*contact.Millis(number+1))
		into[number] += end - w.since
		w.since = end
	}
	w.since = at
}

// addWork adds the agents' time to the rows of the streams that they have what it needs for.
func addWork(rows [][]Figures, streams []Stream, agents []Agent, work []worktime) {
	for a := range agents {
		for s := range streams {
			takes := len(agents[a].Channels) == 0 || slices.Contains(agents[a].Channels, streams[s].Channel)
			if _, eligible := routing.Level(agents[a].Skills, streams[s].Needs); !eligible || !takes {
				continue
			}
			for i := range rows {
				rows[i][s].Busy += work[a].busy[i]
				rows[i][s].Idle += work[a].idle[i]
			}
		}
	}
}
