package chat

import (
	"testing"
	"time"

	"svar/contact"
)

// A change of the topics never touches an open chat.
func TestTopicsAreReplacedWhileChatsGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve()
	open := s.visit()
	open.acknowledged(open.send("Hej"))
	w.arrived()
	always, never := contact.Hours{Zone: time.UTC}, contact.Hours{}
	for day := range always.Weekly {
		always.Weekly[day] = []contact.Window{{To: 24 * time.Hour}}
	}
	changed := w.config().Topics
	changed[0].Hours = &never
	changed = append(changed, Topic{Line: "chat-new", Name: map[string]string{"sv": "Nytt"}, Languages: []string{"sv"}, Hours: &always})
	if err := s.gateway.SetTopics(changed); err != nil {
		t.Fatal(err)
	}
	open.until("the closing of its topic", func(m message) bool { return m.Desk != nil && !m.Desk.Open })
	open.acknowledged(open.send("Är ni kvar?"))

	late := s.visit()
	late.send("Hej")
	if r := late.refused(); r.Code != refusedClosed {
		t.Errorf("refused by %q", r.Code)
	}
	p := s.open()
	p.say(request{Hello: &hello{Topic: "chat-new", Language: "sv"}})
	if name := p.until("welcome", func(m message) bool { return m.Welcome != nil }).Welcome.Name; name != "Nytt" {
		t.Errorf("the new topic is called %q", name)
	}
	p.acknowledged(p.send("Hej"))
	w.arrived()
}

func TestTopicsThatAreNotRightReplaceNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.serve()
	if err := s.gateway.SetTopics([]Topic{{Line: "chat-staff"}}); err == nil {
		t.Fatal("a topic without a name was taken")
	}
	if topic, known := s.gateway.topic("chat-staff"); !known || topic.Name["sv"] != "Medarbetare" {
		t.Errorf("the topic is %+v, %t", topic, known)
	}
}
