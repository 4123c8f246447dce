package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"svar/contact"
)

func newChats(t testing.TB) (*Chats, *nats.Conn) {
	t.Helper()
	connection, err := startEmbedded(t, EmbeddedConfig{Dir: t.TempDir()}).Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	c, err := OpenChats(testContext(t), connection)
	if err != nil {
		t.Fatal(err)
	}
	return c, connection
}

func lineOf(n int) contact.ChatLine {
	return contact.ChatLine{
		ID: fmt.Sprintf("line-%d", n), From: contact.PartyCaller, Kind: contact.ChatText, Text: fmt.Sprint("text ", n), At: contact.Instant(n),
	}
}

func appendLine(t testing.TB, c *Chats, id contact.ID, n int) contact.KeptLine {
	t.Helper()
	kept, err := c.Append(testContext(t), id, lineOf(n))
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// Sent twice is kept once, and the second is told of the first (chatwoot#14934).
func TestALineSentTwiceIsKeptOnce(t *testing.T) {
	t.Parallel()
	c, _ := newChats(t)
	first := appendLine(t, c, "c1", 1)
	appendLine(t, c, "c2", 1) // another contact's line may have the same id
	appendLine(t, c, "c1", 2)
	again := lineOf(1)
	again.Text, again.At = "changed on the way", 99
	second, err := c.Append(testContext(t), "c1", again)
	if err != nil || second != first {
		t.Errorf("got %+v, want %+v: %v", second, first, err)
	}
	lines, err := c.Read(testContext(t), "c1", 0)
	if err != nil || len(lines) != 2 || lines[0].ChatLine != lineOf(1) || lines[1].ChatLine != lineOf(2) {
		t.Errorf("got %+v: %v", lines, err)
	}
	if rest, err := c.Read(testContext(t), "c1", first.Sequence); err != nil || !reflect.DeepEqual(rest, lines[1:]) {
		t.Errorf("after the first: %+v: %v", rest, err)
	}
}

// Whoever resumes gets all that he missed and all that comes, each once and in order, while
// others write and the connection breaks (chatwoot#14934, chatwoot#995).
func TestFollowingHasNoGapAndNoDouble(t *testing.T) {
	t.Parallel()
	c, connection := newChats(t)
	const before, after = 40, 60
	var want []contact.KeptLine
	for n := range before {
		want = append(want, appendLine(t, c, "c1", n))
		appendLine(t, c, "c2", n)
	}
	const seen = 15
	got := make(chan contact.KeptLine, 2*(before+after))
	stop, err := c.Follow(testContext(t), "c1", want[seen-1].Sequence, func(line contact.KeptLine) { got <- line })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for n := before; n < before+after; n++ {
		if n%20 == 0 {
			if err := connection.ForceReconnect(); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, appendLine(t, c, "c1", n))
		appendLine(t, c, "c2", n)
	}
	ctx := testContext(t)
	var lines []contact.KeptLine
	for len(lines) < len(want)-seen {
		select {
		case line := <-got:
			lines = append(lines, line)
		case <-ctx.Done():
			t.Fatalf("%d lines of %d came", len(lines), len(want)-seen)
		}
	}
	stop()
	close(got)
	for line := range got {
		lines = append(lines, line)
	}
	if !slices.Equal(lines, want[seen:]) {
		t.Errorf("got %+v\nwant %+v", lines, want[seen:])
	}
}

func TestNothingIsHandedOutAfterTheStop(t *testing.T) {
	t.Parallel()
	c, _ := newChats(t)
	got := make(chan contact.KeptLine, 8)
	stop, err := c.Follow(testContext(t), "c1", 0, func(line contact.KeptLine) { got <- line })
	if err != nil {
		t.Fatal(err)
	}
	first := appendLine(t, c, "c1", 1)
	if line := <-got; line != first {
		t.Errorf("got %+v", line)
	}
	stop()
	stop()
	appendLine(t, c, "c1", 2)
	if len(got) != 0 {
		t.Errorf("%+v came after the stop", <-got)
	}
}

func TestAForgottenChatIsGone(t *testing.T) {
	t.Parallel()
	c, _ := newChats(t)
	appendLine(t, c, "c1", 1)
	other := appendLine(t, c, "c2", 1)
	if err := c.Forget(testContext(t), "c1"); err != nil {
		t.Fatal(err)
	}
	if lines, err := c.Read(testContext(t), "c1", 0); err != nil || lines != nil {
		t.Errorf("left are %+v: %v", lines, err)
	}
	if lines, err := c.Read(testContext(t), "c2", 0); err != nil || !reflect.DeepEqual(lines, []contact.KeptLine{other}) {
		t.Errorf("the other contact's are %+v: %v", lines, err)
	}
	// Its id is remembered all the same: a late repetition brings nothing back.
	if _, err := c.Append(testContext(t), "c1", lineOf(1)); err != nil {
		t.Error(err)
	}
	if lines, err := c.Read(testContext(t), "c1", 0); err != nil || lines != nil {
		t.Errorf("a repetition brought %+v back: %v", lines, err)
	}
}

func TestLinesOutliveTheServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() (*Chats, func()) {
		embedded := startEmbedded(t, EmbeddedConfig{Dir: dir})
		connection, err := embedded.Connect("test")
		if err != nil {
			t.Fatal(err)
		}
		c, err := OpenChats(testContext(t), connection)
		if err != nil {
			t.Fatal(err)
		}
		return c, func() { shutDown(t, embedded) }
	}
	c, end := open()
	first := appendLine(t, c, "c1", 1)
	end()
	c, end = open()
	defer end()
	if again := appendLine(t, c, "c1", 1); again != first {
		t.Errorf("sent again to the next process it is %+v, not %+v", again, first)
	}
	if lines, err := c.Read(testContext(t), "c1", 0); err != nil || !reflect.DeepEqual(lines, []contact.KeptLine{first}) {
		t.Errorf("got %+v: %v", lines, err)
	}
}

func TestALineHasItsLimits(t *testing.T) {
	t.Parallel()
	c, _ := newChats(t)
	ctx := testContext(t)
	longest := lineOf(1)
	longest.Text = strings.Repeat("<", contact.MaxChatText) // six bytes each as JSON
	if _, err := c.Append(ctx, "c1", longest); err != nil {
		t.Error(err)
	}
	longest.ID, longest.Text = "line-2", strings.Repeat("\U0001F600", contact.MaxChatText)
	if _, err := c.Append(ctx, "c1", longest); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*contact.ChatLine){
		"too long":     func(l *contact.ChatLine) { l.Text += "x" },
		"not UTF-8":    func(l *contact.ChatLine) { l.Text = "\xff" },
		"a NUL":        func(l *contact.ChatLine) { l.Text = "\x00" },
		"no kind":      func(l *contact.ChatLine) { l.Kind = "" },
		"from nobody":  func(l *contact.ChatLine) { l.From = "" },
		"a wrong id":   func(l *contact.ChatLine) { l.ID = "a.b" },
		"without id":   func(l *contact.ChatLine) { l.ID = "" },
		"a vast agent": func(l *contact.ChatLine) { l.Agent = contact.AgentID(strings.Repeat("<", maxChatLine/6)) },
	} {
		bad := longest
		change(&bad)
		if _, err := c.Append(ctx, "c1", bad); !errors.Is(err, ErrBadLine) && !errors.Is(err, ErrBadID) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, id := range []contact.ID{"", "*", ">", "c1.note", "c 1"} {
		_, appendErr := c.Append(ctx, id, lineOf(1))
		_, readErr := c.Read(ctx, id, 0)
		_, followErr := c.Follow(ctx, id, 0, func(contact.KeptLine) {})
		for _, err := range []error{appendErr, readErr, followErr, c.Forget(ctx, id)} {
			if !errors.Is(err, ErrBadID) {
				t.Errorf("%q: got %v, want %v", id, err, ErrBadID)
			}
		}
	}
}

// What a newer version wrote is not half read, and does not keep its followers from the rest.
func TestUnreadableLines(t *testing.T) {
	t.Parallel()
	c, _ := newChats(t)
	ctx := testContext(t)
	if _, err := c.js.Publish(ctx, chatPrefix+"c1", []byte(`{"version":2,"value":{}}`)); err != nil {
		t.Fatal(err)
	}
	next := appendLine(t, c, "c1", 1)
	if _, err := c.Read(ctx, "c1", 0); !errors.Is(err, ErrUnknownFormat) {
		t.Errorf("got %v, want %v", err, ErrUnknownFormat)
	}
	got := make(chan contact.KeptLine, 2)
	stop, err := c.Follow(ctx, "c1", 0, func(line contact.KeptLine) { got <- line })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if line := <-got; line != next {
		t.Errorf("got %+v, want %+v", line, next)
	}
	for _, torn := range []string{`{"version":1,"value":{"id":"x","tone":1}}`, `{"version":1`, `{"version":1,"value":{}} {}`} {
		if _, err := keptLine(1, []byte(torn)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v, want %v", torn, err, ErrDamaged)
		}
	}
}

func TestTheFormOfALineIsThatOfTheGoldenFile(t *testing.T) {
	t.Parallel()
	line := contact.ChatLine{
		ID: "0193a5b0-0000-4000-8000-00000000000b", From: contact.PartyAgent, Kind: contact.ChatText, Text: "Hej på dig", At: 1_764_054_000_000, Agent: "anna",
	}
	encoded, err := encodeChatLine(line)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "chat-line.golden.json")
	if *update {
		if err := os.WriteFile(path, append(encoded, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encoded, bytes.TrimSpace(golden)) {
		t.Errorf("written now\n%s\nthe golden file has\n%s", encoded, golden)
	}
	if kept, err := keptLine(7, golden); err != nil || kept != (contact.KeptLine{Sequence: 7, ChatLine: line}) {
		t.Errorf("read as %+v: %v", kept, err)
	}
}
