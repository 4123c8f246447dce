package queue_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"svar/contact"
	"svar/queue"
)

// Commands of every kind, at instants of every kind, chosen by the fuzzer, one byte each choice: after every
// step the queue is sound, the slow twin would have done the same, and so would an engine that was restored before it. In the
// end what was recorded, read from its wire form, folds to the same state. `make fuzz` looks for new sequences.
func FuzzCommands(f *testing.F) {
	for seed := range byte(8) {
		f.Add(mixed(seed, 256))
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		c := soundAfterEveryStep(t, byBytes(choices), min(len(choices)/8, 60), 3)
		c.replays()
	})
}

// mixed returns bytes by a plain generator of period 256, which is mixed enough for a seed.
func mixed(seed byte, length int) []byte {
	choices := make([]byte, length)
	value := 2*seed + 1
	for i := range choices {
		value = value*77 + 41
		choices[i] = value ^ byte(i) ^ byte(i>>8)
	}
	return choices
}

// byBytes draws from the bytes, and the first of everything when they are used up.
func byBytes(choices []byte) func(what string, most int) int {
	return func(_ string, most int) int {
		if len(choices) == 0 {
			return 0
		}
		choice := int(choices[0]) * most >> 8
		choices = choices[1:]
		return choice
	}
}

// replays folds what is on the tape, by way of its wire form.
func (c *checker) replays() {
	again := queue.New()
	for _, step := range c.tape {
		data, err := json.Marshal(step.events)
		if err != nil {
			c.t.Fatalf("record %v: %v", step.events, err)
		}
		var events contact.Events
		if err := json.Unmarshal(data, &events); err != nil {
			c.t.Fatalf("read %s: %v", data, err)
		}
		for _, event := range events {
			if err := again.Apply(event, step.now); err != nil {
				c.t.Fatalf("replay %#v: %v", event, err)
			}
		}
	}
	if c.snapshot(again) != c.snapshot(c.engine) {
		c.t.Fatalf("the record folds to another state:\n%s\n%s", c.snapshot(again), c.snapshot(c.engine))
	}
}

// What the fuzzer can choose has every command of the closed set in it: a new one that is not drawn is not
// proven.
func TestEveryCommandIsDrawn(t *testing.T) {
	t.Parallel()
	drawn := map[string]bool{}
	for seed := range byte(200) {
		w := &world{draw: byBytes(mixed(seed, 1<<12)), engine: queue.New(), now: begin}
		for range 200 {
			drawn[contact.CommandName(w.command())] = true
		}
	}
	missing := slices.DeleteFunc(contact.CommandNames(), func(name string) bool { return drawn[name] })
	if len(missing) > 0 {
		t.Errorf("never drawn: %v; drawn are %v", missing, slices.Sorted(maps.Keys(drawn)))
	}
}
