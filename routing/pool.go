package routing

import (
	"slices"
	"strconv"

	"svar/contact"
)

// Pool holds the agents who are free for contacts of one channel, and for each set of needs that somebody asks about the
// ranking of those who are eligible. A ranking is kept up to date while it is in use:
// an agent who becomes free or busy costs one search in each ranking that he may be in, and a choice costs
// nothing. A Pool must not be used concurrently.
type Pool struct {
	free     map[contact.AgentID]agent
	rankings map[string]*Ranking
	// bySkill are the rankings by one of the skills that they need, the one that the fewest others
	// stand by; needless are those that need none. An agent is looked for only where he may be.
	bySkill  map[contact.SkillID][]*Ranking
	needless []*Ranking
	byAgent  map[contact.AgentID]*Ranking
	// open are the rankings that somebody is in.
	open []*Ranking
	key  []byte // room to write a key in
}

type agent struct {
	skills    contact.Needs
	reserved  contact.Class
	idleSince contact.Instant
}

// Ranking are the free agents who are eligible for contacts of some needs and class, the preferred one
// first, or one agent while he is free.
type Ranking struct {
	needs  contact.Needs
	class  contact.Class
	only   contact.AgentID // "" unless the ranking is of one agent
	key    string
	by     contact.SkillID // the skill that it stands by; "" when it needs none
	sorted Row[Candidate]
	uses   int
	opened int // its index in the pool's open ones, -1 when nobody is in it
}

// Sorted returns the candidates in the order of [Compare]. The list is the ranking's
// own: it must not be changed and holds until the pool changes.
func (r *Ranking) Sorted() []Candidate { return r.sorted.All() }

// NewPool returns a pool without agents.
func NewPool() *Pool {
	return &Pool{
		free: map[contact.AgentID]agent{}, rankings: map[string]*Ranking{},
		bySkill: map[contact.SkillID][]*Ranking{}, byAgent: map[contact.AgentID]*Ranking{},
	}
}

// Len returns how many agents are free.
func (p *Pool) Len() int { return len(p.free) }

// Open returns the rankings in use that somebody is in, in no order. The list is the pool's own: it
// must not be changed and holds until the pool changes.
func (p *Pool) Open() []*Ranking { return p.open }

// Free says that the agent is free for contacts of the class reserved and higher ones, idle since
// then, or is so with other skills.
func (p *Pool) Free(id contact.AgentID, skills contact.Needs, reserved contact.Class, idleSince contact.Instant) {
	if was, free := p.free[id]; free && was.idleSince == idleSince && was.reserved == reserved && slices.Equal(was.skills, skills) {
		return
	}
	p.Busy(id)
	a := agent{skills: skills, reserved: reserved, idleSince: idleSince}
	p.free[id] = a
	p.change(id, a, (*Ranking).add)
}

// Busy says that the agent is not free.
func (p *Pool) Busy(id contact.AgentID) {
	was, free := p.free[id]
	if !free {
		return
	}
	delete(p.free, id)
	p.change(id, was, (*Ranking).remove)
}

// change adds the agent to all rankings that he belongs to, or removes him.
func (p *Pool) change(id contact.AgentID, a agent, change func(*Ranking, Candidate)) {
	for _, skill := range a.skills {
		p.changeEach(p.bySkill[skill.Skill], id, a, change)
	}
	p.changeEach(p.needless, id, a, change)
	if r := p.byAgent[id]; r != nil {
		change(r, Candidate{Agent: id, IdleSince: a.idleSince})
		p.noteOpen(r)
	}
}

func (p *Pool) changeEach(rankings []*Ranking, id contact.AgentID, a agent, change func(*Ranking, Candidate)) {
	for _, r := range rankings {
		if level, eligible := r.level(a); eligible {
			change(r, Candidate{Agent: id, Level: level, IdleSince: a.idleSince})
			p.noteOpen(r)
		}
	}
}

// noteOpen keeps the list of open rankings.
func (p *Pool) noteOpen(r *Ranking) {
	switch some := r.sorted.Len() > 0; {
	case some && r.opened < 0:
		r.opened = len(p.open)
		p.open = append(p.open, r)
	case !some && r.opened >= 0:
		last := p.open[len(p.open)-1]
		p.open[r.opened], last.opened = last, r.opened
		p.open[len(p.open)-1] = nil
		p.open = p.open[:len(p.open)-1]
		r.opened = -1
	}
}

// Use returns the ranking for contacts of the needs that were queued in the class, and keeps it up to
// date until as many calls of [Pool.Release].
func (p *Pool) Use(needs contact.Needs, class contact.Class) *Ranking {
	p.key = appendKey(append(p.key[:0], byte(class)), needs)
	r, known := p.rankings[string(p.key)]
	if !known {
		r = &Ranking{needs: needs, class: class, key: string(p.key), opened: -1}
		for id, a := range p.free {
			if level, eligible := r.level(a); eligible {
				r.add(Candidate{Agent: id, Level: level, IdleSince: a.idleSince})
			}
		}
		p.rankings[r.key] = r
		p.stand(r)
		p.noteOpen(r)
	}
	r.uses++
	return r
}

// UseOnly returns the ranking of the one agent, whatever his skills are and whomever he is reserved
// for, and keeps it up to date until as many calls of [Pool.Release].
func (p *Pool) UseOnly(id contact.AgentID) *Ranking {
	r := p.byAgent[id]
	if r == nil {
		r = &Ranking{only: id, opened: -1}
		if a, free := p.free[id]; free {
			r.add(Candidate{Agent: id, IdleSince: a.idleSince})
		}
		p.byAgent[id] = r
		p.noteOpen(r)
	}
	r.uses++
	return r
}

// stand finds the skill that the ranking stands by.
func (p *Pool) stand(r *Ranking) {
	if len(r.needs) == 0 {
		p.needless = append(p.needless, r)
		return
	}
	r.by = r.needs[0].Skill
	for _, need := range r.needs[1:] {
		if len(p.bySkill[need.Skill]) < len(p.bySkill[r.by]) {
			r.by = need.Skill
		}
	}
	p.bySkill[r.by] = append(p.bySkill[r.by], r)
}

// Release says that the ranking is not used any more by one who called [Pool.Use] or [Pool.UseOnly].
func (p *Pool) Release(r *Ranking) {
	if r.uses--; r.uses > 0 {
		return
	}
	r.sorted = Row[Candidate]{}
	p.noteOpen(r)
	same := func(other *Ranking) bool { return other == r }
	switch {
	case r.only != "":
		delete(p.byAgent, r.only)
		return
	case len(r.needs) == 0:
		p.needless = slices.DeleteFunc(p.needless, same)
	default:
		p.bySkill[r.by] = slices.DeleteFunc(p.bySkill[r.by], same)
		if len(p.bySkill[r.by]) == 0 {
			delete(p.bySkill, r.by)
		}
	}
	delete(p.rankings, r.key)
}

// level is what [Level] says of the agent, who must be asked for contacts of the class besides.
func (r *Ranking) level(a agent) (level uint8, eligible bool) {
	if a.reserved > r.class {
		return 0, false
	}
	return Level(a.skills, r.needs)
}

func (r *Ranking) add(c Candidate)    { r.sorted.Insert(c, Compare) }
func (r *Ranking) remove(c Candidate) { r.sorted.Remove(c, Compare) }

// Key returns a text that is equal for equal needs only. Skill names are quoted, so
// that no name can imitate another list.
func Key(needs contact.Needs) string { return string(appendKey(nil, needs)) }

func appendKey(key []byte, needs contact.Needs) []byte {
	for _, need := range needs {
		key = strconv.AppendQuote(key, string(need.Skill))
		key = strconv.AppendUint(key, uint64(need.Level), 10)
	}
	return key
}
