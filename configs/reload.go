package configs

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"svar/contact"
)

// Difference is what a file that was read again asks for, as the paths of settings in the
// order of the file: desk.rise_after, lines.staff.flow.
type Difference struct {
	// Changed are taken over while contacts go on.
	Changed []string
	// Restart are those that hold from the next start on.
	Restart []string
}

// TakeOver returns the configuration that a running node has once it has read next: what can
// change live is next's, and all the rest stays as it is. Entrances, prompts and opening hours that
// next does not have any more stay until the restart: somebody may be on his way through them.
func (c Config) TakeOver(next Config) (Config, Difference) {
	d := &differ{}
	d.compare(reflect.ValueOf(c), reflect.ValueOf(next), "")
	live := c
	live.Retention, live.Hours, live.Groups, live.Languages, live.Services, live.Destinations = next.Retention, next.Hours, next.Groups, next.Languages, next.Services, next.Destinations
	live.Desk = next.Desk
	live.Desk.VoiceGrace = c.Desk.VoiceGrace
	live.HoursSets = withKept(next.HoursSets, c.HoursSets)
	live.Prompts = withKept(d.stillSpoken(c.Prompts, next.Prompts), c.Prompts)
	live.Chat.Topics = withKept(next.Chat.Topics, c.Chat.Topics)
	live.Lines = changedByID(c.Lines, next.Lines, func(old, line Line) Line {
		line.Number = old.Number
		return line
	})
	live.Mail.Mailboxes = changedByID(c.Mail.Mailboxes, next.Mail.Mailboxes, func(old, box Mailbox) Mailbox {
		box.Address, box.From, box.Plus, box.Language, box.IMAP, box.SMTP = old.Address, old.From, old.Plus, old.Language, old.IMAP, old.SMTP
		return box
	})
	live.Portal.Form = next.Portal.Form
	live.Portal.Form.ID = c.Portal.Form.ID
	live.Warnings = next.Warnings
	live.Chat.Topics = slices.DeleteFunc(live.Chat.Topics, func(t Topic) bool {
		if !live.isTaken(t.ID) {
			return false
		}
		d.postpone("chat.topics." + string(t.ID))
		return true
	})
	return live, d.found
}

// maxKeptHours is how many sets of opening hours there can be with those that stay until the restart.
const maxKeptHours = 2 * maxHoursSets

// CheckKept says what is wrong with a configuration that was taken over: too much may have stayed.
func (c Config) CheckKept() error {
	if n := len(c.HoursSets); n > maxKeptHours {
		return fmt.Errorf("hours_sets: with those that are gone from the file but stay until the restart there are %d; %d is the most: restart first", n, maxKeptHours)
	}
	return nil
}

// stillSpoken returns the prompts of next with the texts of those languages that they had in old and have no more:
// who is on his way through a line hears them in the language that he began in.
func (d *differ) stillSpoken(old, next []Prompt) []Prompt {
	out := slices.Clone(next)
	for i, prompt := range out {
		at := slices.IndexFunc(old, func(o Prompt) bool { return o.Name == prompt.Name })
		if at < 0 {
			continue
		}
		text, path := map[string]string{}, join(join("prompts", prompt.Name), "text")
		maps.Copy(text, prompt.Text)
		for _, language := range slices.Sorted(maps.Keys(old[at].Text)) {
			if before := old[at].Text[language]; text[language] == "" && before != "" {
				text[language] = before
				d.found.Restart = append(d.found.Restart, join(path, language))
			}
		}
		if maps.Equal(text, old[at].Text) {
			d.found.Changed = slices.DeleteFunc(d.found.Changed, func(p string) bool { return p == path })
		}
		out[i].Text = text
	}
	return out
}

// isTaken tells that a line, a mailbox or the form has the id.
func (c Config) isTaken(id contact.LineID) bool {
	return c.Portal.Form.ID == id || slices.ContainsFunc(c.Lines, func(l Line) bool { return l.ID == id }) ||
		slices.ContainsFunc(c.Mail.Mailboxes, func(m Mailbox) bool { return m.ID == id })
}

// postpone notes that what was thought to be live is not.
func (d *differ) postpone(path string) {
	d.found.Changed = slices.DeleteFunc(d.found.Changed, func(p string) bool { return p == path })
	d.found.Restart = append(d.found.Restart, path)
}

// withKept returns the elements of next, and behind them those of old that next has no more.
func withKept[T any](next, old []T) []T {
	out := slices.Clone(next)
	for _, element := range old {
		if !slices.ContainsFunc(next, func(n T) bool { return keyOf(reflect.ValueOf(n)) == keyOf(reflect.ValueOf(element)) }) {
			out = append(out, element)
		}
	}
	return out
}

// changedByID returns the elements of old as next has them, so far as change lets them be.
func changedByID[T any](old, next []T, change func(old, next T) T) []T {
	out := slices.Clone(old)
	for i, element := range old {
		for _, n := range next {
			if keyOf(reflect.ValueOf(n)) == keyOf(reflect.ValueOf(element)) {
				out[i] = change(element, n)
			}
		}
	}
	return out
}

// differ collects where two configurations differ.
type differ struct{ found Difference }

// change is what became of a setting.
type change uint8

const (
	changed change = iota
	added
	removed
)

func (d *differ) note(path string, what change) {
	if isLive(strings.Split(path, "."), what) {
		d.found.Changed = append(d.found.Changed, path)
	} else {
		d.found.Restart = append(d.found.Restart, path)
	}
}

// compare notes the settings below path that differ.
func (d *differ) compare(old, next reflect.Value, path string) {
	switch {
	case isSection(old):
		for i := range old.NumField() {
			if key := old.Type().Field(i).Tag.Get("yaml"); key != "-" {
				d.compare(old.Field(i), next.Field(i), join(path, key))
			}
		}
	case old.Kind() == reflect.Slice && isSection(reflect.Zero(old.Type().Elem())) && hasKeys(old) && hasKeys(next):
		d.compareLists(old, next, path)
	case !same(old, next):
		d.note(path, changed)
	}
}

// compareLists compares lists whose elements have names.
func (d *differ) compareLists(old, next reflect.Value, path string) {
	var before, after []string // the names of those in both
	for i := range old.Len() {
		key := keyOf(old.Index(i))
		at := position(next, key)
		if at < 0 {
			d.note(join(path, key), removed)
			continue
		}
		before = append(before, key)
		d.compare(old.Index(i), next.Index(at), join(path, key))
	}
	for i := range next.Len() {
		key := keyOf(next.Index(i))
		if position(old, key) < 0 {
			d.note(join(path, key), added)
			continue
		}
		after = append(after, key)
	}
	if !slices.Equal(before, after) {
		d.note(path, changed) // they stand in another order
	}
}

// same tells that two values mean the same: an empty list is none.
func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return a.IsNil() == b.IsNil() // but a day without windows is not one that is not set
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// keyOf returns the name of an element of a list, "" when its kind has none.
func keyOf(element reflect.Value) string {
	for _, field := range []string{"ID", "Name"} {
		if value := element.FieldByName(field); value.IsValid() && value.Kind() == reflect.String {
			return value.String()
		}
	}
	return ""
}

func hasKeys(list reflect.Value) bool {
	for i := range list.Len() {
		if keyOf(list.Index(i)) == "" {
			return false
		}
	}
	return true
}

func position(list reflect.Value, key string) int {
	for i := range list.Len() {
		if keyOf(list.Index(i)) == key {
			return i
		}
	}
	return -1
}

// liveOfMailbox are the settings of a mailbox that do not concern its servers.
var liveOfMailbox = []string{"name", "audience", "service", "needs", "class", "target", "hours"}

// isLive tells the settings that [Config.TakeOver] takes over. parts are those of the path.
func isLive(parts []string, what change) bool {
	switch parts[0] {
	case "retention", "hours", "groups", "languages", "services", "destinations":
		return true
	case "hours_sets", "prompts":
		return what != removed
	case "desk":
		return !slices.Equal(parts, []string{"desk", "voice_grace"})
	case "lines": // what is rung is the telephone's
		return len(parts) > 2 && parts[2] != "number"
	case "chat":
		return parts[1] == "topics" && (what != removed || len(parts) > 3)
	case "mail":
		return len(parts) > 3 && slices.Contains(liveOfMailbox, parts[3])
	case "portal":
		return parts[1] == "form" && !slices.Equal(parts, []string{"portal", "form", "id"})
	}
	return false
}
