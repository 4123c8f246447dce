package routing

import (
	"slices"
	"strconv"

	"svar/contact"
)

// Pool holds the agents who are free for contacts of one channel, and for each set of needs that somebody asks about the
// ranking of those who are eligible. A ranking is kept up to date while it is in use:
// an agent who becomes free or busy costs one search per ranking, and a choice costs
// nothing. A Pool must not be used concurrently.
type Pool struct {
	free     map[contact.AgentID]agent
	rankings map[string]*Ranking
}

type agent struct {
	skills    contact.Needs
	idleSince contact.Instant
}

// Ranking are the free agents who are eligible for some needs, the preferred one first.
type Ranking struct {
	needs  contact.Needs
	sorted []Candidate
	uses   int
}

// Sorted returns the candidates in the order of [Compare]. The list is the ranking's
// own: it must not be changed and holds until the pool changes.
func (r *Ranking) Sorted() []Candidate { return r.sorted }

// NewPool returns a pool without agents.
func NewPool() *Pool {
	return &Pool{free: map[contact.AgentID]agent{}, rankings: map[string]*Ranking{}}
}

// Len returns how many agents are free.
func (p *Pool) Len() int { return len(p.free) }

// Free says that the agent is free, idle since then, or is so with other skills.
func (p *Pool) Free(id contact.AgentID, skills contact.Needs, idleSince contact.Instant) {
	if was, free := p.free[id]; free && was.idleSince == idleSince && slices.Equal(was.skills, skills) {
		return
	}
	p.Busy(id)
	p.free[id] = agent{skills: skills, idleSince: idleSince}
	for _, ranking := range p.rankings {
		ranking.add(id, skills, idleSince)
	}
}

// Busy says that the agent is not free.
func (p *Pool) Busy(id contact.AgentID) {
	was, free := p.free[id]
	if !free {
		return
	}
	delete(p.free, id)
	for _, ranking := range p.rankings {
		ranking.remove(id, was)
	}
}

// Use returns the ranking for the needs and keeps it up to date until as many calls of
// [Pool.Release].
func (p *Pool) Use(needs contact.Needs) *Ranking {
	key := Key(needs)
	ranking, known := p.rankings[key]
	if !known {
		ranking = &Ranking{needs: needs}
		for id, agent := range p.free {
			if level, eligible := Level(agent.skills, needs); eligible {
				ranking.sorted = append(ranking.sorted, Candidate{Agent: id, Level: level, IdleSince: agent.idleSince})
			}
		}
		slices.SortFunc(ranking.sorted, Compare)
		p.rankings[key] = ranking
	}
	ranking.uses++
	return ranking
}

// Release says that the ranking is not used any more by one who called [Pool.Use].
func (p *Pool) Release(ranking *Ranking) {
	if ranking.uses--; ranking.uses == 0 {
		delete(p.rankings, Key(ranking.needs))
	}
}

func (r *Ranking) add(id contact.AgentID, skills contact.Needs, idleSince contact.Instant) {
	level, eligible := Level(skills, r.needs)
	if !eligible {
		return
	}
	candidate := Candidate{Agent: id, Level: level, IdleSince: idleSince}
	at, _ := slices.BinarySearchFunc(r.sorted, candidate, Compare)
	r.sorted = slices.Insert(r.sorted, at, candidate)
}

func (r *Ranking) remove(id contact.AgentID, was agent) {
	level, eligible := Level(was.skills, r.needs)
	if !eligible {
		return
	}
	at, found := slices.BinarySearchFunc(r.sorted, Candidate{Agent: id, Level: level, IdleSince: was.idleSince}, Compare)
	if found {
		r.sorted = slices.Delete(r.sorted, at, at+1)
	}
}

// Key returns a text that is equal for equal needs only. Skill names are quoted, so
// that no name can imitate another list.
func Key(needs contact.Needs) string {
	var key []byte
	for _, need := range needs {
		key = strconv.AppendQuote(key, string(need.Skill))
		key = strconv.AppendUint(key, uint64(need.Level), 10)
	}
	return string(key)
}
