package media_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/pion/rtp"
	"pgregory.net/rapid"

	"svar/channels/media"
)

var redundant = media.TextFormat{T140: 98, Redundant: 99}

// newText is the text of a leg that is closed with the test.
func newText(t *testing.T, format media.TextFormat) (*media.TextStream, *wire) {
	t.Helper()
	sink := &wire{}
	stream := media.NewTextStream(sink)
	t.Cleanup(stream.Close)
	if err := stream.Start(format); err != nil {
		t.Fatal(err)
	}
	return stream, sink
}

// read is all that was typed until now.
func read(stream *media.TextStream) string {
	text := ""
	for {
		select {
		case piece := <-stream.Typed():
			text += piece
		default:
			return text
		}
	}
}

// carry takes packets from one stream's wire to another stream, those alone that keep says.
func carry(t *testing.T, packets []sent, to *media.TextStream, keep func(i int) bool) {
	t.Helper()
	for i, packet := range packets {
		if keep(i) {
			if err := to.Receive(&rtp.Packet{Header: packet.Header, Payload: packet.payload}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func all(int) bool { return true }

func write(t *testing.T, stream *media.TextStream, text string) {
	t.Helper()
	if err := stream.Write(text); err != nil {
		t.Fatal(err)
	}
}

// RFC 4103 §5.1 and §5.2, octet by octet: gathered for 300 ms, sent three times, then silent.
func TestTextIsSentWithTwoLevelsOfRedundancy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream, sink := newText(t, redundant)
		begin := time.Now()
		write(t, stream, "Hå")
		synctest.Wait()
		time.Sleep(100 * time.Millisecond)
		write(t, stream, "\b")
		time.Sleep(100 * time.Millisecond)
		write(t, stream, "ej\u2028")
		time.Sleep(10 * time.Second)
		packets := sink.all()
		wants := []struct {
			at      int // ms
			payload string
		}{
			{0, "\xE2\x00\x00\x00\xE2\x00\x00\x00\x62" + "Hå"},
			{300, "\xE2\x00\x00\x00\xE2\x04\xB0\x03\x62" + "Hå" + "\bej\u2028"},
			{600, "\xE2\x09\x60\x03\xE2\x04\xB0\x06\x62" + "Hå" + "\bej\u2028"},
			{900, "\xE2\x09\x60\x06\xE2\x00\x00\x00\x62" + "\bej\u2028"},
		}
		if len(packets) != len(wants) {
			t.Fatalf("%d packets", len(packets))
		}
		for i, want := range wants {
			packet := packets[i]
			if string(packet.payload) != want.payload || packet.PayloadType != 99 || packet.Marker != (i == 0) ||
				packet.SequenceNumber != packets[0].SequenceNumber+uint16(i) || packet.SSRC != packets[0].SSRC ||
				packet.Timestamp-packets[0].Timestamp != uint32(want.at) || packet.at.Sub(begin).Milliseconds() != int64(want.at) {
				t.Errorf("packet %d, %s: %+v\n%q\n%q", i, packet.at.Sub(begin), packet.Header, packet.payload, want.payload)
			}
		}
		write(t, stream, "!")
		synctest.Wait()
		if packet := sink.last(t); !packet.Marker || string(packet.payload[9:]) != "!" || packet.at.Sub(begin) != 10200*time.Millisecond {
			t.Errorf("after a pause: %+v %q", packet.Header, packet.payload)
		}
	})
}

// EN 301 549, 6.2.4: within 500 ms after it was typed.
func TestTextIsPrompt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream, sink := newText(t, media.TextFormat{T140: 98})
		var typed []time.Time
		text := ""
		for i, key := range "Kan jag få hjälp med min dator? Den startar inte.\u2028Tack på förhand!" {
			typed = append(typed, time.Now())
			text += string(key)
			write(t, stream, string(key))
			time.Sleep(time.Duration(50+i%7*40) * time.Millisecond)
		}
		time.Sleep(time.Second)
		got, arrived := "", 0
		for _, packet := range sink.all() {
			if packet.PayloadType != 98 {
				t.Fatalf("payload type %d", packet.PayloadType)
			}
			got += string(packet.payload)
			for range utf8.RuneCount(packet.payload) {
				if late := packet.at.Sub(typed[arrived]); late > media.TextInterval {
					t.Errorf("character %d came after %s", arrived, late)
				}
				arrived++
			}
		}
		if got != text {
			t.Errorf("%q", got)
		}
	})
}

func TestTextSurvivesTheNetwork(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]struct {
		keep func(i int) bool
		want string
	}{
		"nothing lost":        {all, "abcdefgh"},
		"every second":        {func(i int) bool { return i%2 == 0 }, "abcdefgh"},
		"two of three":        {func(i int) bool { return i%3 == 2 }, "abcdefgh"},
		"two in a row":        {func(i int) bool { return i != 3 && i != 4 }, "abcdefgh"},
		"three in a row":      {func(i int) bool { return i < 3 || i > 5 }, "abc\uFFFDefgh"},
		"the beginning":       {func(i int) bool { return i > 1 }, "abcdefgh"},
		"more of it":          {func(i int) bool { return i > 2 }, "bcdefgh"},
		"the end but repeats": {func(i int) bool { return i < 6 || i == 9 }, "abcdef\uFFFDh"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				from, sink := newText(t, redundant)
				to, _ := newText(t, redundant)
				for i, key := range "abcdefgh" { // each shortly before the next packet
					write(t, from, string(key))
					time.Sleep(media.TextInterval - time.Duration(10-min(10*i, 10))*time.Millisecond)
				}
				time.Sleep(time.Second)
				carry(t, sink.all(), to, story.keep)
				if got := read(to); got != story.want {
					t.Errorf("%q, want %q", got, story.want)
				}
			})
		})
	}
}

// Whatever is typed and whichever packets are lost, repeated or overtaken: no two in a row are missing, so all of the text arrives,
// once and in order.
func TestTextArrivesOnceAndInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		pieces := rapid.SliceOfN(rapid.StringN(0, 20, 60), 1, 20).Draw(r, "pieces")
		pauses := rapid.SliceOfN(rapid.IntRange(0, 1500), len(pieces), len(pieces)).Draw(r, "pauses")
		var got, want string
		synctest.Test(t, func(t *testing.T) {
			from, sink := newText(t, redundant)
			to, _ := newText(t, redundant)
			for i, piece := range pieces {
				want += strings.ReplaceAll(strings.ToValidUTF8(piece, "\uFFFD"), "\uFEFF", "")
				write(t, from, piece)
				time.Sleep(time.Duration(pauses[i]) * time.Millisecond)
			}
			time.Sleep(time.Minute)
			packets := slices.Clone(sink.all())
			for i := 0; i+1 < len(packets); i += 2 {
				if rapid.Bool().Draw(r, "overtaken") {
					packets[i], packets[i+1] = packets[i+1], packets[i]
				}
			}
			lost := false
			for i := range packets {
				lost = !lost && i > 0 && i < len(packets)-2 && rapid.Bool().Draw(r, "lost")
				carry(t, packets[i:i+1], to, func(int) bool { return !lost })
				if rapid.Bool().Draw(r, "repeated") {
					carry(t, packets[i:i+1], to, func(int) bool { return !lost })
				}
			}
			got = read(to)
		})
		if got != want {
			r.Fatalf("%q, want %q", got, want)
		}
	})
}

// A pasted text goes no faster than the party takes it, and no more waits than may.
func TestTextKeepsTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream, sink := newText(t, media.TextFormat{T140: 98, Redundant: 99, Rate: 5})
		to, _ := newText(t, redundant)
		pasted := strings.Repeat("å", 150)
		write(t, stream, pasted)
		time.Sleep(10*time.Second - time.Millisecond)
		carry(t, sink.all(), to, all)
		if got := utf8.RuneCountInString(read(to)); got < 90 || got > 100 {
			t.Errorf("%d characters in 10 s", got)
		}
		seen := len(sink.all())
		time.Sleep(20 * time.Second)
		carry(t, sink.all()[seen:], to, all)
		if got := utf8.RuneCountInString(read(to)); got < 50 || got > 60 {
			t.Errorf("%d characters after that", got)
		}
		if err := stream.Write(strings.Repeat("x", media.TextBacklog+1)); !errors.Is(err, media.ErrTextFull) {
			t.Errorf("too much: %v", err)
		}
	})
}

func TestTextBeforeStartAndAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := &wire{}
		stream := media.NewTextStream(sink)
		packet := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 98, SSRC: 1}, Payload: []byte("a")}
		write(t, stream, "nobody")
		if err := stream.Receive(packet); !errors.Is(err, media.ErrNotStarted) || stream.Able() {
			t.Errorf("before Start: %v", err)
		}
		for _, format := range []media.TextFormat{{T140: 128}, {T140: 98, Redundant: 98}, {T140: 98, Redundant: 200}, {T140: 98, Rate: -1}} {
			if err := stream.Start(format); !errors.Is(err, media.ErrFormat) {
				t.Errorf("%+v: %v", format, err)
			}
		}
		if err := stream.Start(redundant); err != nil || !stream.Able() {
			t.Fatal(err)
		}
		for name, broken := range map[string]*rtp.Packet{
			"another type":   {Header: rtp.Header{Version: 2, PayloadType: 8}},
			"no block":       {Header: rtp.Header{Version: 2, PayloadType: 99}},
			"half a header":  {Header: rtp.Header{Version: 2, PayloadType: 99}, Payload: []byte{0xE2, 0}},
			"beyond its end": {Header: rtp.Header{Version: 2, PayloadType: 99}, Payload: []byte{0xE2, 0, 0, 9, 0x62, 'a'}},
			"other blocks":   {Header: rtp.Header{Version: 2, PayloadType: 99}, Payload: []byte{0x63, 'a'}},
			"version":        {Header: rtp.Header{Version: 1, PayloadType: 98}, Payload: []byte("a")},
		} {
			if stream.Receive(broken) == nil {
				t.Errorf("%s was taken", name)
			}
		}
		if err := stream.Start(media.TextFormat{T140: 98, Direction: media.ReceiveOnly}); err != nil || stream.Able() {
			t.Errorf("receive only: %v", err)
		}
		write(t, stream, "held")
		if err := stream.Start(redundant); err != nil {
			t.Fatal(err)
		}
		write(t, stream, "stopped")
		stream.Stop()
		time.Sleep(time.Second)
		stream.Close()
		stream.Close()
		if err := stream.Write("x"); !errors.Is(err, media.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if err := errors.Join(stream.Start(redundant), stream.Receive(packet)); !errors.Is(err, media.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if packets := sink.all(); len(packets) != 0 {
			t.Errorf("sent: %q", packets[0].payload)
		}
		if _, open := <-stream.Typed(); open {
			t.Error("Typed is open")
		}
	})
}

func TestTextThatNobodyReads(t *testing.T) {
	t.Parallel()
	queue := media.NewTextQueue()
	for range 100 {
		queue.Add("x")
	}
	for range 10 {
		<-queue.Pieces()
	}
	queue.Add("\uFEFFy\xFF")
	queue.Close()
	queue.Add("z")
	text := ""
	for piece := range queue.Pieces() {
		text += piece
	}
	if text != strings.Repeat("x", 54)+"\uFFFDy\uFFFD" {
		t.Errorf("%q", text)
	}
}

// Whatever comes: no panic, and what is delivered is UTF-8.
func FuzzTextReceive(f *testing.F) {
	f.Add([]byte("\xE2\x00\x00\x00\xE2\x04\xB0\x03\x62Hå!"), []byte("\xE2\x09\x60\x03\xE2\x04\xB0\x06\x62Hå"), uint16(1))
	f.Fuzz(func(t *testing.T, first, second []byte, skip uint16) {
		stream := media.NewTextStream(&wire{})
		defer stream.Close()
		if err := stream.Start(redundant); err != nil {
			t.Fatal(err)
		}
		for i, payload := range [][]byte{first, second, first} {
			_ = stream.Receive(&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 99, SSRC: 1, SequenceNumber: uint16(i) * skip}, Payload: payload})
		}
		if text := read(stream); !utf8.ValidString(text) {
			t.Errorf("%q", text)
		}
	})
}
