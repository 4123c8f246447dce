package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"svar/contact"
)

const (
	chatStream = "CHAT"
	chatPrefix = "svar.chat."
	// maxChatLine is the largest message of the stream in bytes: a text has 4,000 characters,
	// of up to six bytes each as JSON.
	maxChatLine = 32 << 10
	// chatRepeats is how long a line's id is remembered. Whoever was cut off for longer reads
	// what is kept before he sends again.
	chatRepeats = 2 * time.Hour
	// chatRetry bounds the pause before a reader whose connection failed tries again.
	chatRetry = 2 * time.Second
)

// chatVersion is that of the lines' messages.
const chatVersion = 1

// ErrBadLine: a line of a chat breaks a rule of its form.
var ErrBadLine = errors.New("the line cannot be kept")

// Chats keeps what is written in chats: a stream with a subject per contact, so that one can
// be purged. A line's sequence is the stream's; both sides resume by it. Its methods may be
// called concurrently.
type Chats struct {
	js     jetstream.JetStream
	stream jetstream.Stream
	guard  *Guard
}

// OpenChats makes the stream on the server behind conn, or finds it there.
func OpenChats(ctx context.Context, conn *nats.Conn, options ...Option) (*Chats, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open the stream of chats: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	stream, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: chatStream, Subjects: []string{chatPrefix + "*"},
		Description: "Svar: what is written in chats, by contact; purged by rule",
		Storage:     jetstream.FileStorage, Retention: jetstream.LimitsPolicy,
		MaxMsgSize: maxChatLine, Duplicates: chatRepeats,
	})
	if err != nil {
		return nil, fmt.Errorf("open the stream of chats: %w", err)
	}
	return &Chats{js: js, stream: stream, guard: guardOf(options)}, nil
}

func chatSubject(id contact.ID) (string, error) {
	if err := checkToken(string(id)); err != nil {
		return "", err
	}
	return chatPrefix + string(id), nil
}

// Append keeps a line and returns it with its sequence when it is on disk. A line whose id is
// there already, within two hours, is not kept again: the one that was kept is returned.
func (c *Chats) Append(ctx context.Context, id contact.ID, line contact.ChatLine) (contact.KeptLine, error) {
	at, err := chatSubject(id)
	if err != nil {
		return contact.KeptLine{}, err
	}
	data, err := encodeChatLine(line)
	if err != nil {
		return contact.KeptLine{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	// An id has no dot, so that no other contact's line has the same name.
	var ack *jetstream.PubAck
	err = c.guard.write(ctx, func(ctx context.Context) (err error) {
		ack, err = c.js.Publish(ctx, at, data, jetstream.WithMsgID(string(id)+"."+line.ID))
		return err
	})
	if err != nil {
		return contact.KeptLine{}, fmt.Errorf("keep a line of contact %s: %w", id, err)
	}
	if !ack.Duplicate {
		return contact.KeptLine{Sequence: ack.Sequence, ChatLine: line}, nil
	}
	first, err := c.stream.GetMsg(ctx, ack.Sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) { // forgotten meanwhile
		return contact.KeptLine{Sequence: ack.Sequence, ChatLine: line}, nil
	}
	if err != nil {
		return contact.KeptLine{}, fmt.Errorf("read a line of contact %s: %w", id, err)
	}
	return keptLine(first.Sequence, first.Data)
}

// Read returns the lines of a contact after the sequence, in order.
func (c *Chats) Read(ctx context.Context, id contact.ID, after uint64) ([]contact.KeptLine, error) {
	at, err := chatSubject(id)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var lines []contact.KeptLine
	for {
		next, err := c.stream.GetMsg(ctx, after+1, jetstream.WithGetMsgSubject(at))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the chat of contact %s: %w", id, err)
		}
		line, err := keptLine(next.Sequence, next.Data)
		if err != nil {
			return nil, fmt.Errorf("line %d of contact %s: %w", next.Sequence, id, err)
		}
		lines, after = append(lines, line), next.Sequence
	}
}

// Follow hands the lines of a contact after the sequence to handle: those that are kept
// already and then those to come, in order, without gap or double, over lost connections too.
// A line that cannot be read is passed over; [Chats.Read] tells of it. ctx bounds the
// beginning only. stop ends it and returns when handle is not running any more: handle must
// not call it.
func (c *Chats) Follow(ctx context.Context, id contact.ID, after uint64, handle func(contact.KeptLine)) (stop func(), err error) {
	at, err := chatSubject(id)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	reader, err := c.chatReader(ctx, life, at, after)
	if err != nil {
		end()
		return nil, err
	}
	var following sync.WaitGroup
	following.Go(func() {
		pause := backoff.NewExponentialBackOff()
		pause.InitialInterval, pause.MaxInterval = 50*time.Millisecond, chatRetry
		for life.Err() == nil {
			if reader != nil {
				if reached := handOut(life, reader, after, handle); reached > after {
					after = reached
					pause.Reset()
				}
				reader.Stop()
			}
			select {
			case <-life.Done():
			case <-time.After(pause.NextBackOff()):
				reader, _ = c.chatReader(life, life, at, after) // tried again until it is there
			}
		}
	})
	return func() { end(); following.Wait() }, nil
}

// chatReader begins to read behind the sequence; ctx bounds the beginning, life the reading.
func (c *Chats) chatReader(ctx, life context.Context, at string, after uint64) (jetstream.MessagesContext, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if err := life.Err(); err != nil {
		return nil, err
	}
	consumer, err := c.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{at}, DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq: after + 1, InactiveThreshold: readerTime,
	})
	if err != nil {
		return nil, fmt.Errorf("follow a chat: %w", err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return nil, fmt.Errorf("follow a chat: %w", err)
	}
	return messages, nil
}

// handOut hands on what comes until life ends or the reader fails, and returns the sequence
// that was reached.
func handOut(life context.Context, reader jetstream.MessagesContext, after uint64, handle func(contact.KeptLine)) uint64 {
	for {
		message, err := reader.Next(jetstream.NextContext(life))
		if err != nil {
			return after
		}
		meta, err := message.Metadata()
		if err != nil {
			return after
		}
		if meta.Sequence.Stream <= after {
			continue
		}
		if life.Err() != nil {
			return after
		}
		after = meta.Sequence.Stream
		if line, err := keptLine(after, message.Data()); err == nil {
			handle(line)
		}
	}
}

// Forget purges all lines of a contact.
func (c *Chats) Forget(ctx context.Context, id contact.ID) error {
	at, err := chatSubject(id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if err := c.stream.Purge(ctx, jetstream.WithPurgeSubject(at)); err != nil {
		return fmt.Errorf("forget the chat of contact %s: %w", id, err)
	}
	return nil
}

func encodeChatLine(line contact.ChatLine) ([]byte, error) {
	if err := checkToken(line.ID); err != nil {
		return nil, err
	}
	switch length := utf8.RuneCountInString(line.Text); {
	case length > contact.MaxChatText:
		return nil, fmt.Errorf("%w: it has %d characters, at most %d are", ErrBadLine, length, contact.MaxChatText)
	case !utf8.ValidString(line.Text) || strings.ContainsRune(line.Text, 0):
		return nil, fmt.Errorf("%w: its text is not text", ErrBadLine)
	case line.Kind == "" || line.From == "":
		return nil, fmt.Errorf("%w: what it is, or who it is from, is not said", ErrBadLine)
	}
	data, err := json.Marshal(versioned[contact.ChatLine]{Version: chatVersion, Value: line})
	if err != nil {
		return nil, fmt.Errorf("encode a line of a chat: %w", err)
	}
	if len(data) > maxChatLine {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are", ErrBadLine, len(data), maxChatLine)
	}
	return data, nil
}

func keptLine(sequence uint64, data []byte) (contact.KeptLine, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return contact.KeptLine{}, fmt.Errorf("%w: a line of a chat: %w", ErrDamaged, err)
	}
	if head.Version != chatVersion {
		return contact.KeptLine{}, unknownFormat("a line of a chat", head.Version, chatVersion)
	}
	var out versioned[contact.ChatLine]
	if err := strictUnmarshal(data, &out); err != nil {
		return contact.KeptLine{}, fmt.Errorf("%w: a line of a chat: %w", ErrDamaged, err)
	}
	return contact.KeptLine{Sequence: sequence, ChatLine: out.Value}, nil
}
