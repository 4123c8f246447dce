package channeltest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"svar/channels"
)

// maxRecord is what [channels.Leg.Record] promises, in bytes.
const maxRecord = 8 << 10

// defaultPatience bounds each wait of the suite. Nothing waits that long when all is well.
const defaultPatience = 20 * time.Second

// Party is who is at the other end of a leg: a phone, a browser, a mail client. It does by
// itself what a leg needs to be answered.
type Party interface {
	// HangUp ends the leg from the party's side, in whatever stage it is.
	HangUp()
}

// Presser is a party that can press keys.
type Presser interface {
	// Press presses one key, 0–9, *, # or A–D. The leg is answered.
	Press(digit byte)
}

// Hearer is a party that hears the keys which are pressed towards it.
type Hearer interface {
	// Heard waits for the next key and returns it; it gives up with ctx.
	Heard(ctx context.Context) (key byte, err error)
}

// Talker is a party with a voice.
type Talker interface {
	// Talk sends voice until the leg is over. The leg is answered.
	Talk()
}

// Fixture is one leg that is not answered yet, and its party.
type Fixture struct {
	Leg   channels.Leg
	Party Party
	// Long names a prompt of at least ten seconds, and Short one of at most one second, for
	// legs that are [channels.Prompter]. Long without a name says that prompts take no time, as
	// in writing: what needs one under way is not tried then.
	Long, Short channels.Prompt
	// Patience bounds each wait; 0 means 20 s.
	Patience time.Duration
}

// Factory makes a fixture that ends with the test.
type Factory func(t *testing.T) Fixture

// TestLeg runs the suite. Its tests are parallel, each with a leg of its own.
func TestLeg(t *testing.T, factory Factory) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, f Fixture)
	}{
		{"it has an identity and a record from the beginning", testBeginning},
		{"it is answered, more than once without harm", testAnswer},
		{"HangUp before Answer ends it", testHangUpBefore},
		{"HangUp after Answer ends it", testHangUpAfter},
		{"HangUp may be repeated, from everywhere at once", testHangUpRepeated},
		{"the party leaves before Answer", testPartyBefore},
		{"the party leaves after Answer", testPartyAfter},
		{"Answer after the end", testAnswerAfter},
		{"Answer is given up with its context", testAnswerContext},
		{"the first ending counts", testFirstEnding},
		{"a prompt is played to its end", testPlay},
		{"a prompt is interrupted by its context", testPlayInterrupted},
		{"a prompt is interrupted by the end", testPlayEnd},
		{"a loop ends with the leg", testLoop},
		{"digits come once each, and are closed at the end", testDigits},
		{"keys are pressed in order, and none after the end", testPress},
		{"the voice is measured, and what it was stays", testQuality},
		{"whoever joins and leaves ends nothing", testTexting},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := factory(t)
			if f.Patience == 0 {
				f.Patience = defaultPatience
			}
			test.run(t, f)
		})
	}
}

func testBeginning(t *testing.T, f Fixture) {
	if f.Leg.ID() == "" {
		t.Error("no ID")
	}
	if size := len(f.Leg.Record()); size > maxRecord {
		t.Errorf("the record has %d bytes; at most %d are allowed", size, maxRecord)
	}
	f.stillAlive(t)
	f.answer(t)
	if size := len(f.Leg.Record()); size > maxRecord {
		t.Errorf("the record has %d bytes after Answer; at most %d are allowed", size, maxRecord)
	}
	id := f.Leg.ID()
	f.Leg.HangUp()
	f.over(t, channels.EndedByUs)
	if f.Leg.ID() != id {
		t.Error("the ID changed")
	}
}

func testAnswer(t *testing.T, f Fixture) {
	f.answer(t)
	f.answer(t)
	f.stillAlive(t)
}

func testHangUpBefore(t *testing.T, f Fixture) {
	f.Leg.HangUp()
	f.over(t, channels.EndedByUs)
}

func testHangUpAfter(t *testing.T, f Fixture) {
	f.answer(t)
	f.Leg.HangUp()
	f.over(t, channels.EndedByUs)
}

func testHangUpRepeated(t *testing.T, f Fixture) {
	f.answer(t)
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			f.Leg.HangUp()
			<-f.Leg.Done()
			f.Leg.HangUp()
			_ = f.Leg.Ending()
			_ = f.Leg.Record()
		})
	}
	callers.Wait()
	f.over(t, channels.EndedByUs)
}

func testPartyBefore(t *testing.T, f Fixture) {
	f.Party.HangUp()
	f.over(t, channels.EndedByParty)
}

func testPartyAfter(t *testing.T, f Fixture) {
	f.answer(t)
	f.Party.HangUp()
	f.over(t, channels.EndedByParty)
}

func testAnswerAfter(t *testing.T, f Fixture) {
	f.Leg.HangUp()
	f.over(t, channels.EndedByUs)
	if err := f.Leg.Answer(t.Context()); !errors.Is(err, channels.ErrLegOver) {
		t.Errorf("Answer: %v; want ErrLegOver", err)
	}
}

func testAnswerContext(t *testing.T, f Fixture) {
	f.Leg.HangUp()
	f.over(t, channels.EndedByUs)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Leg.Answer(ctx); err == nil {
		t.Error("Answer of a leg that is over, with a context that is over, returned no error")
	}
}

func testFirstEnding(t *testing.T, f Fixture) {
	f.answer(t)
	f.Party.HangUp()
	f.over(t, channels.EndedByParty)
	f.Leg.HangUp()
	f.over(t, channels.EndedByParty)
}

func testPlay(t *testing.T, f Fixture) {
	prompter := f.prompter()
	if prompter == nil {
		return
	}
	f.answer(t)
	f.returns(t, "Play", func(ctx context.Context) error { return prompter.Play(ctx, f.Short) }, nil)
	if err := prompter.Play(t.Context(), channels.Prompt{Name: "no such prompt", Language: "sv"}); err == nil {
		t.Error("a prompt that does not exist was played")
	}
	f.stillAlive(t)
}

func testPlayInterrupted(t *testing.T, f Fixture) {
	prompter := f.prompter()
	if prompter == nil {
		return
	}
	f.answer(t)
	f.returns(t, "Play", func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return prompter.Play(ctx, f.Short)
	}, context.Canceled)
	f.stillAlive(t)
	if f.Long.Name == "" {
		return
	}
	f.returns(t, "Play", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		return prompter.Play(ctx, f.Long)
	}, context.DeadlineExceeded)
	f.stillAlive(t)
}

func testPlayEnd(t *testing.T, f Fixture) {
	prompter := f.prompter()
	if prompter == nil {
		return
	}
	f.answer(t)
	if f.Long.Name != "" {
		f.returns(t, "Play", func(ctx context.Context) error {
			time.AfterFunc(50*time.Millisecond, f.Leg.HangUp)
			return prompter.Play(ctx, f.Long)
		}, channels.ErrLegOver)
	}
	f.Leg.HangUp()
	f.returns(t, "Play after the end", func(ctx context.Context) error { return prompter.Play(ctx, f.Short) }, channels.ErrLegOver)
}

func testLoop(t *testing.T, f Fixture) {
	prompter := f.prompter()
	if prompter == nil {
		return
	}
	f.answer(t)
	if err := prompter.Loop(f.Short); err != nil {
		t.Errorf("Loop: %v", err)
	}
	f.Party.HangUp()
	f.over(t, channels.EndedByParty)
	if err := prompter.Loop(f.Short); !errors.Is(err, channels.ErrLegOver) {
		t.Errorf("Loop after the end: %v; want ErrLegOver", err)
	}
}

func testDigits(t *testing.T, f Fixture) {
	keypad, hasKeys := f.Leg.(channels.Keypad)
	if !hasKeys {
		return
	}
	f.answer(t)
	if presser, canPress := f.Party.(Presser); canPress {
		for _, digit := range []byte("1*#A") {
			presser.Press(digit)
			select {
			case got := <-keypad.Digits():
				if got != digit {
					t.Errorf("got digit %q; want %q", got, digit)
				}
			case <-time.After(f.Patience):
				t.Fatalf("digit %q did not come", digit)
			}
		}
	}
	f.Leg.HangUp()
	f.over(t, channels.EndedByUs)
	select {
	case digit, open := <-keypad.Digits():
		if open {
			t.Errorf("digit %q came twice", digit)
		}
	case <-time.After(f.Patience):
		t.Error("Digits is not closed at the end")
	}
}

func testPress(t *testing.T, f Fixture) {
	hearer, hears := f.Party.(Hearer)
	presser, able := f.Leg.(channels.KeyPresser)
	if !able {
		if hears {
			t.Error("the party hears keys, but the leg presses none")
		}
		return
	}
	f.answer(t)
	for _, key := range []byte{0, 'x', '1' + 0x80} {
		if err := presser.Press(key); err == nil {
			t.Errorf("the key %q was pressed", key)
		}
	}
	const keys = "1590*#AD"
	for _, key := range []byte(keys) {
		if err := presser.Press(key); err != nil {
			t.Fatalf("Press(%q): %v", key, err)
		}
	}
	if hears {
		ctx, cancel := context.WithTimeout(t.Context(), f.Patience)
		defer cancel()
		var heard []byte
		for range keys {
			key, err := hearer.Heard(ctx)
			if err != nil {
				t.Fatalf("%v; the party heard %q up to now, want %q", err, heard, keys)
			}
			heard = append(heard, key)
		}
		if string(heard) != keys {
			t.Errorf("the party heard %q; want %q", heard, keys)
		}
	}
	f.stillAlive(t)
	f.Leg.HangUp()
	f.over(t, channels.EndedByUs)
	if err := presser.Press('1'); !errors.Is(err, channels.ErrLegOver) {
		t.Errorf("Press after the end: %v; want ErrLegOver", err)
	}
}

// measureEvery is the time between two looks at what grows by itself.
const measureEvery = 20 * time.Millisecond

func testQuality(t *testing.T, f Fixture) {
	measured, able := f.Leg.(channels.Measured)
	if !able {
		return
	}
	_ = measured.Quality() // it may be asked for at any time
	f.answer(t)
	if talker, talks := f.Party.(Talker); talks {
		talker.Talk()
		look := time.NewTicker(measureEvery)
		defer look.Stop()
		patience := time.After(f.Patience)
		for measured.Quality().Received == 0 {
			select {
			case <-look.C:
			case <-patience:
				t.Fatal("the party talks, and no packet is counted")
			}
		}
	}
	var readers sync.WaitGroup
	for range 4 { // it is looked at while the leg ends
		readers.Go(func() {
			_ = measured.Quality()
			<-f.Leg.Done()
			_ = measured.Quality()
		})
	}
	last := measured.Quality()
	f.Leg.HangUp()
	f.over(t, channels.EndedByUs)
	readers.Wait()
	was := measured.Quality()
	if was.Received < last.Received {
		t.Errorf("%d packets had come in, and after the end %d", last.Received, was.Received)
	}
	if again := measured.Quality(); again != was {
		t.Errorf("after the end it was %+v, then %+v", was, again)
	}
}

func testTexting(t *testing.T, f Fixture) {
	texting, writes := f.Leg.(channels.Texting)
	if !writes {
		return
	}
	f.answer(t)
	for range 2 { // orders are carried out more than once
		texting.Joined("anna")
		texting.Joined("anna")
		f.stillAlive(t)
		texting.Left()
		texting.Left()
		f.stillAlive(t)
	}
	f.Leg.HangUp()
	f.over(t, channels.EndedByUs)
	texting.Joined("anna")
	texting.Left()
	f.over(t, channels.EndedByUs)
}

func (f Fixture) prompter() channels.Prompter {
	prompter, _ := f.Leg.(channels.Prompter)
	return prompter
}

func (f Fixture) answer(t *testing.T) {
	t.Helper()
	f.returns(t, "Answer", f.Leg.Answer, nil)
}

// returns runs a call that must return an error in time.
func (f Fixture) returns(t *testing.T, name string, call func(context.Context) error, want error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), f.Patience)
	defer cancel()
	if err := call(ctx); !errors.Is(err, want) {
		t.Fatalf("%s returned %v; want %v", name, err, want)
	}
}

// over waits for the end and checks why it came, and that Done stays closed.
func (f Fixture) over(t *testing.T, want channels.Ending) {
	t.Helper()
	for range 2 {
		select {
		case <-f.Leg.Done():
		case <-time.After(f.Patience):
			t.Fatal("the leg is not over")
		}
	}
	if got := f.Leg.Ending(); got != want {
		t.Errorf("ended by %q; want %q", got, want)
	}
}

func (f Fixture) stillAlive(t *testing.T) {
	t.Helper()
	select {
	case <-f.Leg.Done():
		t.Fatalf("the leg is over, by %q", f.Leg.Ending())
	default:
	}
}
