package mail

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"svar/channels/mail/mailtest"
)

// chatwoot#14983: how long a new mail takes from the server that delivers it to the post, in a
// mailbox of 10,000.
func BenchmarkNewMailInAFullMailbox(b *testing.B) {
	const full = 10_000
	server := mailtest.StartDovecot(b)
	mails := make([][]byte, full)
	for i := range mails {
		mails[i] = plainMail(fmt.Sprintf("old-%d", i))
	}
	server.Append(b, "desk@desk.example", mails)
	inbox := server.Inbox(b, "desk@desk.example")
	post := newPostOffice()
	// All but the last were taken by an earlier process.
	config, err := deskConfig(server, post).complete()
	if err != nil {
		b.Fatal(err)
	}
	session, err := open(b.Context(), config.Mailboxes[0].IMAP, DefaultTimeout, DefaultMaxSize)
	if err != nil {
		b.Fatal(err)
	}
	post.cursor[deskLine] = Cursor{UIDValidity: session.validity, UID: inbox[full-2].UID}
	session.close()
	serve(b, config)
	taken := len(post.waitTaken(b, 1))
	var worst time.Duration
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		server.Deliver(b, "desk@desk.example", plainMail(fmt.Sprintf("new-%d", i)))
		taken++
		post.waitTaken(b, taken)
		worst = max(worst, time.Since(began))
	}
	b.ReportMetric(float64(worst.Milliseconds()), "worst-ms")
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"charset-latin1", "html-inline-image", "bounce-dsn"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".eml"))
		if err != nil {
			b.Fatal(err)
		}
		p := testParser()
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if _, err := p.parse(source{raw: raw, received: atEight}, atEight); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
