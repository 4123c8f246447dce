package simulate

import (
	"fmt"
	"math"
	"strings"

	"svar/contact"
)

// Cell is one queue that the simulation is held against theory with.
type Cell struct {
	Agents int
	// Load is the offered load per agent.
	Load float64
	// Patient says that users wait for ever (Erlang C); else their patience is on average as long as a contact (Erlang A).
	Patient bool
}

// Cells are all queues of docs/erlang.md.
func Cells() []Cell {
	var cells []Cell
	for _, patient := range []bool{true, false} {
		loads := []float64{0.50, 0.70, 0.80, 0.90, 0.95}
		if !patient {
			loads = []float64{0.70, 0.95, 1.20}
		}
		for _, agents := range []int{1, 2, 5, 10, 50, 100} {
			for _, load := range loads {
				cells = append(cells, Cell{Agents: agents, Load: load, Patient: patient})
			}
		}
	}
	return cells
}

const (
	// familyError is the probability that any of all intervals misses although the engine is right.
	familyError = 0.05
	// batches are compared after one that is left out, in which the empty desk fills.
	batches = 30
	// meanHandling is that of the simulated contacts. The engine counts milliseconds: rounding is far below chance.
	meanHandling = contact.Millis(180_000)
	proofSeed    = 20261128
)

// Proof is a cell's result: shares, and times in seconds.
type Proof struct {
	Cell
	Contacts                  int
	Delayed, Wait             estimate
	TheoryDelayed, TheoryWait float64
}

// Agrees reports whether both figures of theory lie in their intervals.
func (p Proof) Agrees() bool {
	return p.Delayed.contains(p.TheoryDelayed) && p.Wait.contains(p.TheoryWait)
}

// batch is how many contacts a batch needs to be nearly independent of the next: ten times the time in
// which the queue forgets, in arrivals, which is of the order of ρ/(1−√ρ)² in heavy traffic (D. Gross and C. M. Harris,
// Fundamentals of Queueing Theory, on the relaxation time of M/M/1) and never less than it takes all agents to turn
// over. Where hardly anybody waits it is longer, so that somebody does, as far as that is possible.
func (c Cell) batch() int {
	forgets := float64(c.Agents)
	if c.Patient {
		forgets += c.Load / math.Pow(1-math.Sqrt(c.Load), 2)
	}
	const most, waiting = 20_000.0, 10.0
	rare := 0.0
	if delayed := c.theory().Delayed; delayed > waiting/most {
		rare = waiting / delayed
	}
	return max(1000, int(math.Ceil(10*forgets)), int(rare))
}

func (c Cell) theory() Steady {
	load := c.Load * float64(c.Agents)
	if c.Patient {
		return ErlangC(c.Agents, load)
	}
	return ErlangA(c.Agents, load, 1)
}

// unseen is up to which share of arrivals may be delayed though none of so many was, with probability
// errs: the spells in which all agents are busy come by chance (Poisson), and delay 1/(1−load) arrivals
// each on average. It widens the intervals of queues in which nearly nobody waits, of which batches know nothing.
func (c Cell) unseen(contacts int, errs float64) float64 {
	if c.Load >= 1 {
		return 0
	}
	return -math.Log(errs/2) / (1 - c.Load) / float64(contacts)
}

// scenario makes the cell one long interval.
func (c Cell) scenario() Scenario {
	contacts := float64(c.batch() * (batches + 1))
	stream := Stream{
		Name: "all", Channel: contact.Voice, Target: 60_000, Arrivals: []float64{contacts},
		Handling: Distribution{Kind: Exponential, Mean: meanHandling},
	}
	if !c.Patient {
		stream.Patience = Distribution{Kind: Exponential, Mean: meanHandling}
	}
	length := contact.Millis(math.Ceil(contacts / (c.Load * float64(c.Agents)) * float64(meanHandling)))
	s := Scenario{
		Rules: contact.Rules{OfferTimeout: 15_000, ConnectTimeout: 5_000},
		From:  1, Interval: length, Intervals: 1, Streams: []Stream{stream},
	}
	for n := range c.Agents {
		id := contact.AgentID(fmt.Sprintf("agent-%03d", n))
		s.Agents = append(s.Agents, Agent{Agent: contact.Agent{ID: id}, Shifts: []Span{{0, length + after}}})
	}
	return s
}

// Prove simulates the cell. Its seed is fixed: the same engine gives the same proof.
func (c Cell) Prove() (Proof, error) {
	size := c.batch()
	waits, delays := make([]float64, batches+1), make([]float64, batches+1)
	number, closed := 0, 0
	_, err := run(c.scenario(), proofSeed+uint64(1000*c.Agents)+uint64(100*c.Load), func(o outcome) {
		number = min(closed/size, batches)
		closed++
		if closed > size*(batches+1) {
			return
		}
		waits[number] += float64(o.waited) / 1000 / float64(size)
		if o.delayed {
			delays[number] += 1 / float64(size)
		}
	})
	if err != nil {
		return Proof{}, err
	}
	if whole := closed / size; whole < batches+1 { // chance brought a few less
		waits, delays = waits[:whole], delays[:whole]
	}
	errs := familyError / float64(2*len(Cells()))
	theory, handling := c.theory(), float64(meanHandling)/1000
	p := Proof{
		Cell: c, Contacts: closed,
		Delayed: batchMeans(delays[1:], errs), Wait: batchMeans(waits[1:], errs),
		TheoryDelayed: theory.Delayed, TheoryWait: theory.Wait * handling,
	}
	if unseen := c.unseen(closed, errs); p.Delayed.mean < unseen {
		p.Delayed.half = max(p.Delayed.half, unseen)
		p.Wait.half = max(p.Wait.half, unseen*handling/(float64(c.Agents)*(1-c.Load)))
	}
	return p, nil
}

// String is the proof as a row of the table in docs/erlang.md.
func (p Proof) String() string {
	model, agrees := "M/M/c", "yes"
	if !p.Patient {
		model = "M/M/c+M"
	}
	if !p.Agrees() {
		agrees = "**no**"
	}
	return fmt.Sprintf("| %s | %d | %.0f %% | %d | %.5f | %.5f ± %.5f | %.3f | %.3f ± %.3f | %s |",
		model, p.Agents, 100*p.Load, p.Contacts, p.TheoryDelayed, p.Delayed.mean, p.Delayed.half, p.TheoryWait, p.Wait.mean, p.Wait.half, agrees)
}

// ProofTable returns the table of docs/erlang.md: a row per cell, as [Proof.String].
func ProofTable(proofs []Proof) string {
	var text strings.Builder
	text.WriteString("| queue | agents | load per agent | contacts | P(wait), theory | P(wait), simulated | mean wait, theory (s) | mean wait, simulated (s) | agrees |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
	for _, proof := range proofs {
		text.WriteString(proof.String() + "\n")
	}
	return text.String()
}
