package mail

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the golden files anew")

func testParser() parser {
	mailbox, err := deskMailbox().complete()
	if err != nil {
		panic(err)
	}
	return parser{mailbox: mailbox, signer: signer{testKey}, receiptLimit: DefaultReceiptLimit}
}

// golden is what of a mail is compared: all of it, files by their size.
type golden struct {
	SetAside string `json:"setAside,omitempty"`

	MessageID   string   `json:"messageID,omitempty"`
	From        string   `json:"from,omitempty"`
	To          []string `json:"to,omitempty"`
	Subject     string   `json:"subject,omitempty"`
	Text        string   `json:"text,omitempty"`
	HTML        string   `json:"html,omitempty"`
	Attachments []string `json:"attachments,omitempty"`
	Automatic   bool     `json:"automatic,omitempty"`
	Ticket      string   `json:"ticket,omitempty"`
	Bounce      string   `json:"bounce,omitempty"`
	References  []string `json:"references,omitempty"`
	Language    string   `json:"language,omitempty"`
}

func summary(in Incoming, err error) golden {
	if err != nil {
		return golden{SetAside: err.Error()}
	}
	g := golden{
		MessageID: in.MessageID, Subject: in.Subject, Text: in.Text, HTML: in.HTML, Automatic: in.Automatic,
		Ticket: string(in.Ticket), References: in.References, Language: in.Language,
	}
	if in.From != (Address{}) {
		g.From = in.From.Name + " <" + in.From.Address + ">"
	}
	for _, to := range in.To {
		g.To = append(g.To, to.Name+" <"+to.Address+">")
	}
	for _, file := range in.Attachments {
		g.Attachments = append(g.Attachments, fmt.Sprintf("%s (%s, %d bytes)", file.Name, file.Type, len(file.Data)))
	}
	if in.Bounce != nil {
		g.Bounce = string(in.Bounce.Ticket) + " " + in.Bounce.Key
	}
	return g
}

// withSignatures puts in what only the holder of the key can write.
func withSignatures(raw []byte, s signer) []byte {
	id := strings.Trim(s.messageID("SD-100234", "entry-17", "desk.example"), "<>")
	raw = bytes.ReplaceAll(raw, []byte("@@MESSAGE@@"), []byte(id))
	return bytes.ReplaceAll(raw, []byte("@@ADDRESS@@"), []byte(s.replyAddress("desk@desk.example", "SD-100234")))
}

func TestAwkwardMails(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) < 30 {
		t.Fatalf("thirty mails at least were to be there, not %d (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".eml"), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p := testParser()
			in, err := p.parse(source{raw: withSignatures(raw, p.signer), at: Cursor{1, 2}, received: atEight}, atEight)
			checkBounds(t, in, err)
			var got bytes.Buffer
			encoder := json.NewEncoder(&got)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(summary(in, err)); err != nil {
				t.Fatal(err)
			}
			path := strings.TrimSuffix(file, ".eml") + ".golden.json"
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("it was read as\n%s\nand not as\n%s", got.Bytes(), want)
			}
		})
	}
}

// checkBounds holds for every mail that anybody can send.
func checkBounds(t testing.TB, in Incoming, err error) {
	t.Helper()
	if err != nil {
		var unreadable *unreadableError
		if !errors.As(err, &unreadable) || unreadable.reason == "" {
			t.Errorf("a mail was refused without a reason for people: %v", err)
		}
		return
	}
	if in.MessageID == "" || len(in.MessageID) > maxMessageID || in.Line == "" {
		t.Errorf("Message-ID %q, line %q", in.MessageID, in.Line)
	}
	strs := []string{in.MessageID, in.From.Name, in.From.Address, in.Subject, in.Text, in.HTML, in.Language}
	for _, to := range in.To {
		strs = append(strs, to.Name, to.Address)
	}
	for _, file := range in.Attachments {
		strs = append(strs, file.Name, file.Type)
		if file.Name == "" || strings.ContainsAny(file.Name, `/\`) || utf8.RuneCountInString(file.Name) > maxNameRunes {
			t.Errorf("an attachment has the name %q", file.Name)
		}
	}
	for _, s := range append(strs, in.References...) {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Errorf("%q is no text that a database takes", s)
		}
	}
	if strings.ContainsAny(in.Subject+in.From.Name+in.From.Address, "\r\n") {
		t.Errorf("more than a line: %q, %q, %q", in.Subject, in.From.Name, in.From.Address)
	}
	if utf8.RuneCountInString(in.Text) > maxTextRunes || len(in.HTML) > maxHTML || utf8.RuneCountInString(in.Subject) > maxNameRunes {
		t.Error("a text is longer than its limit")
	}
	if len(in.Attachments) > maxAttachments+1 || len(in.References) > maxReferences || len(in.To) > maxRecipients {
		t.Error("there is more of something than its limit")
	}
}

// No byte that anybody sends makes the frame load, run or ask something.
func TestHTMLLoadsAndRunsNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"html-hostile", "html-trackers", "html-only", "html-inline-image"} {
		raw, err := os.ReadFile("testdata/" + name + ".eml")
		if err != nil {
			t.Fatal(err)
		}
		p := testParser()
		in, err := p.parse(source{raw: raw, received: atEight}, atEight)
		if err != nil {
			t.Fatal(err)
		}
		for _, forbidden := range []string{"evil.example", "script", "onerror", "onclick", "onload", "<form", "<input", "<iframe", "<svg", "<meta", "<base", "url(", "position"} {
			if strings.Contains(strings.ToLower(in.HTML), forbidden) {
				t.Errorf("%s: %q is left in %s", name, forbidden, in.HTML)
			}
		}
	}
}

// libredesk#122
func TestMailsWithoutMessageIDAreDifferentMails(t *testing.T) {
	t.Parallel()
	p := testParser()
	first, err := p.parse(source{raw: []byte("Received: at 8:00:01\r\nMessage-ID: \r\nFrom: a@b.example\r\n\r\nHej\r\n"), received: atEight}, atEight)
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.parse(source{raw: []byte("Received: at 8:00:02\r\nMessage-ID: \r\nFrom: a@b.example\r\n\r\nHej\r\n"), received: atEight}, atEight)
	if err != nil {
		t.Fatal(err)
	}
	if first.MessageID == second.MessageID || first.MessageID == "" {
		t.Errorf("both are %q", first.MessageID)
	}
}

func TestOldMailIsNotGreeted(t *testing.T) {
	t.Parallel()
	p := testParser()
	for age, want := range map[time.Duration]bool{time.Hour: false, DefaultReceiptLimit + time.Hour: true} {
		in, err := p.parse(source{raw: plainMail("old"), received: atEight.Add(-age)}, atEight)
		if err != nil || in.Automatic != want {
			t.Errorf("a mail of %v ago: automatic %v (%v)", age, in.Automatic, err)
		}
	}
}

func TestOfATooLargeMailTheHeaderIsTaken(t *testing.T) {
	t.Parallel()
	in, err := testParser().parse(source{raw: headerOf(plainMail("large")), tooLarge: true, received: atEight}, atEight)
	if err != nil {
		t.Fatal(err)
	}
	if in.Subject != "large" || in.From.Address != "kim@home.example" || !strings.Contains(in.Text, "för stort") {
		t.Errorf("taken were %q, %q, %q", in.Subject, in.From.Address, in.Text)
	}
}

func TestALongTextIsKeptWholeAsAFile(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("åäö ", 40_000)
	in, err := testParser().parse(source{raw: append(append([]byte("From: a@b.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"), long...), "slut\r\n"...), received: atEight}, atEight)
	checkBounds(t, in, err)
	if err != nil || len(in.Attachments) != 1 || !bytes.HasSuffix(in.Attachments[0].Data, []byte("slut")) {
		t.Fatalf("the whole text is not among the files (%v, %d files)", err, len(in.Attachments))
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	p := testParser()
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(raw) < 20_000 {
			f.Add(withSignatures(raw, p.signer))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		in, err := p.parse(source{raw: raw, received: atEight}, atEight)
		checkBounds(t, in, err)
		if policy.Sanitize(in.HTML) != in.HTML && strings.Contains(strings.ToLower(in.HTML), "<script") {
			t.Errorf("a script is left in %q", in.HTML)
		}
	})
}

// What would keep the reader busy for years is not given to it: the next mail must not wait. Its
// sender gets a ticket all the same, and the agent the whole mail as a file.
func TestMailThatIsTooCostlyToReadIsTakenWhole(t *testing.T) {
	t.Parallel()
	layers := func(count int) string {
		var b strings.Builder
		for i := range count {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		}
		return b.String()
	}
	for name, test := range map[string]struct {
		raw  string
		read bool
	}{
		"few layers":               {layers(maxMultiparts) + "\r\nHej\r\n", true},
		"many layers":              {layers(maxMultiparts+1) + "\r\nHej\r\n", false},
		"very many layers":         {layers(10_000) + "\r\nHej\r\n", false},
		"many parts":               {layers(1) + strings.Repeat("--b0\r\n\r\nHej\r\n", maxParts), false},
		"parts without a boundary": {"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n" + strings.Repeat("--\r\n\r\nHej\r\n", maxParts+1), true},
		"layers that hide":         {strings.ReplaceAll(layers(maxMultiparts+1), "boundary=", "=?utf-8?Q?bound=61ry?=="), false},
		"parts that hide":          {"Content-Type: multipart/mixed; =?utf-8?Q?bound=61ry?==b0\r\n\r\n" + strings.Repeat("--b0\r\n\r\nHej\r\n", maxParts+1), false},
	} {
		raw := "From: kim@home.example\r\n" + test.raw
		in, err := testParser().parse(source{raw: []byte(raw), received: atEight}, atEight)
		checkBounds(t, in, err)
		whole := len(in.Attachments) == 1 && string(in.Attachments[0].Data) == raw
		if err != nil || whole == test.read || in.From.Address != "kim@home.example" {
			t.Errorf("%s: read %v, whole %v (%v)", name, !whole, whole, err)
		}
	}
}
