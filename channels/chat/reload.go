package chat

import (
	"errors"
	"fmt"

	"svar/contact"
)

// SetTopics replaces what visitors can chat about, from their next message to us on. Chats that
// are open go on. When one of the topics is not right, nothing is replaced. It may be called at any
// time.
func (g *Gateway) SetTopics(topics []Topic) error {
	if err := checkTopics(topics); err != nil {
		return err
	}
	byLine := make(map[contact.LineID]Topic, len(topics))
	for _, topic := range topics {
		byLine[topic.Line] = topic
	}
	g.topics.Store(&byLine)
	return nil
}

// topic returns a topic as it is now.
func (g *Gateway) topic(line contact.LineID) (Topic, bool) {
	topic, known := (*g.topics.Load())[line]
	return topic, known
}

func checkTopics(topics []Topic) error {
	var faults []error
	seen := map[contact.LineID]bool{}
	for _, topic := range topics {
		switch {
		case topic.Line == "" || topic.Name["sv"] == "":
			faults = append(faults, fmt.Errorf("chat topic %q: it needs a line and a Swedish name", topic.Line))
		case len(topic.Languages) == 0:
			faults = append(faults, fmt.Errorf("chat topic %s has no language", topic.Line))
		case seen[topic.Line]:
			faults = append(faults, fmt.Errorf("chat topic %s is there twice", topic.Line))
		}
		seen[topic.Line] = true
	}
	return errors.Join(faults...)
}

// hours are those in which chats of the topic are opened.
func (g *Gateway) hours(topic Topic) contact.Hours {
	if topic.Hours != nil {
		return *topic.Hours
	}
	return g.config.Hours
}
