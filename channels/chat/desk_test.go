package chat

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"svar/contact"
)

func someNotice(id contact.NoticeID) contact.Notice {
	return contact.Notice{ID: id, Text: map[string]string{"sv": "Nätet är nere", "en": "The network is down"}, From: contact.InstantOf(noon.Add(-time.Hour)), Published: 1}
}

func (p *page) desk() desk {
	p.t.Helper()
	return *p.until("the desk", func(m message) bool { return m.Desk != nil }).Desk
}

func TestNoticesComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	standing := someNotice("n1")
	w.publish(standing)
	s := w.serve(func(c *Config) { c.timing.look = time.Hour }) // only the change itself tells of it
	p := s.open()
	p.say(request{Hello: &hello{Topic: "chat-staff", Language: "en"}})
	if d := p.desk(); !d.Open || len(d.Notices) != 1 || d.Notices[0].Text != "The network is down" {
		t.Errorf("the desk is %+v", d)
	}
	pupils := someNotice("n2")
	pupils.Audiences = []contact.Audience{contact.AudiencePupil}
	second := someNotice("n3")
	second.Lines = []contact.LineID{"chat-staff"}
	w.publish(standing, pupils, second)
	if d := p.desk(); len(d.Notices) != 2 || d.Notices[1].ID != "n3" {
		t.Errorf("the desk is %+v; pupils' notices are not for staff", d)
	}
	w.publish()
	if d := p.desk(); len(d.Notices) != 0 {
		t.Errorf("a withdrawn notice stands: %+v", d)
	}
}

func TestANoticeEndsByTheClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ending := someNotice("n1")
	ending.Until = contact.InstantOf(noon.Add(time.Minute))
	w.publish(ending)
	p := w.serve().visit()
	if d := p.desk(); len(d.Notices) != 1 {
		t.Errorf("the desk is %+v", d)
	}
	w.set(func() { w.now = noon.Add(time.Minute) })
	if d := p.desk(); len(d.Notices) != 0 {
		t.Errorf("it still stands: %+v", d)
	}
}

// Outside opening hours the text becomes a ticket and no chat; what was open goes on (RocketChat#20899).
func TestOutsideHoursATextIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve()
	open := s.visit()
	open.acknowledged(open.send("Hej"))
	w.arrived()
	late := time.Date(2026, 11, 24, 22, 0, 0, 0, time.UTC)
	w.set(func() { w.now = late })
	open.until("the closing", func(m message) bool { return m.Desk != nil && !m.Desk.Open })
	open.acknowledged(open.send("Är ni kvar?"))

	p := s.visit()
	d := p.desk()
	if want := contact.InstantOf(time.Date(2026, 11, 25, 7, 0, 0, 0, time.UTC)); d.Open || d.Opens != want {
		t.Errorf("the desk is %+v; it opens at %v", d, want)
	}
	p.send("Hej")
	if r := p.refused(); r.Code != refusedClosed {
		t.Errorf("refused by %q", r.Code)
	}
	l := leave{ID: uuid.NewString(), Text: "Skrivaren är trasig", Name: " Kim ", Address: "kim@example.com"}
	p.say(request{Leave: &l})
	answer := p.until("the number", func(m message) bool { return m.Left != nil }).Left
	if *answer != (left{ID: l.ID, Ticket: "SD-100234"}) {
		t.Errorf("the answer is %+v", *answer)
	}
	want := Message{ID: l.ID, Line: "chat-staff", Service: "network", Language: "sv", Name: "Kim", Address: "kim@example.com", Text: l.Text}
	if got := <-w.left; got != want {
		t.Errorf("left is %+v, want %+v", got, want)
	}
	if len(w.arrivals) != 0 {
		t.Error("a contact arrived outside opening hours")
	}
}

func TestTextsThatCannotBeLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve(func(c *Config) { c.ChatsPerAddress = 1 })
	p := s.visit()
	good := leave{ID: uuid.NewString(), Text: "Hej"}
	for name, test := range map[string]struct {
		change func(*leave)
		want   refusal
	}{
		"no text":            {func(l *leave) { l.Text = " \n" }, refusedInvalid},
		"a name of lines":    {func(l *leave) { l.Name = "Kim\nBcc: x" }, refusedInvalid},
		"a long name":        {func(l *leave) { l.Name = strings.Repeat("x", maxPersonal+1) }, refusedInvalid},
		"an id of another":   {func(l *leave) { l.ID = "1" }, refusedInvalid},
		"no address":         {func(l *leave) { l.Address = "kim" }, refusedAddress},
		"an address with it": {func(l *leave) { l.Address = "Kim <kim@example.com>" }, refusedAddress},
		"two addresses":      {func(l *leave) { l.Address = "a@example.com, b@example.com" }, refusedAddress},
	} {
		bad := good
		test.change(&bad)
		p.say(request{Leave: &bad})
		if r := p.refused(); r.Code != test.want {
			t.Errorf("%s: refused by %q, want %q", name, r.Code, test.want)
		}
	}
	p.say(request{Leave: &good})
	p.until("the number", func(m message) bool { return m.Left != nil })
	good.ID = uuid.NewString()
	p.say(request{Leave: &good})
	if r := p.refused(); r.Code != refusedTooMany {
		t.Errorf("the second of one address is refused by %q", r.Code)
	}
}
