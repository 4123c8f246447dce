package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"svar/contact"
)

const (
	personalStream = "PERSONAL"
	personalPrefix = "svar.personal."
	// maxPersonal is the largest personal message, or record of a leg, in bytes: a note has 10,000 characters.
	maxPersonal = 64 << 10
)

// ErrBadID: an id cannot be used as a name in the journal.
var ErrBadID = errors.New("the id cannot be used")

// personalVersion is that of the personal messages.
const personalVersion = 1

// versioned is the outer form of a personal message.
type versioned[T any] struct {
	Version int `json:"version"`
	Value   T   `json:"value"`
}

// Personal keeps what records must not hold: who called, what the agent noted, and the
// live legs' records, which name the caller. It is a stream with subjects per contact,
// so that everything of one contact can be purged, and a file for the legs. Its methods may be called
// concurrently.
type Personal struct {
	js     jetstream.JetStream
	stream jetstream.Stream
	legs   *legs
	guard  *Guard
}

// OpenPersonal makes the stream on the server behind conn, or finds it there, and the file of this node's legs. The caller
// closes it.
func OpenPersonal(ctx context.Context, conn *nats.Conn, legsFile string, options ...Option) (*Personal, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open the personal stream: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	stream, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: personalStream, Subjects: []string{personalPrefix + ">"}, Description: "Svar: personal data by contact; purged by rule",
		Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy,
		MaxMsgsPerSubject: 1, MaxMsgSize: maxPersonal,
	})
	if err != nil {
		return nil, fmt.Errorf("open the personal stream: %w", err)
	}
	legs, err := openLegs(legsFile)
	if err != nil {
		return nil, err
	}
	return &Personal{js: js, stream: stream, legs: legs, guard: guardOf(options)}, nil
}

// Close closes the file of the legs; the connection is the caller's.
func (p *Personal) Close() error { return p.legs.Close() }

// subject is the one of a contact's data, below a prefix. Ids come from outside too: one that NATS reads
// as more than a name would reach, or purge, the data of others.
func subject(prefix string, id contact.ID, rest ...string) (string, error) {
	parts := append([]string{string(id)}, rest...)
	for _, part := range parts {
		if err := checkToken(part); err != nil {
			return "", err
		}
	}
	return prefix + strings.Join(parts, "."), nil
}

// maxToken is the longest id in bytes; a UUID has 36.
const maxToken = 128

// checkToken refuses what cannot stand for itself alone as a part of a subject.
func checkToken(id string) error {
	if id == "" || len(id) > maxToken || strings.ContainsFunc(id, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '.' || r == '*' || r == '>'
	}) {
		return fmt.Errorf("%w: %q; 1 to %d visible ASCII characters without . * > are", ErrBadID, id, maxToken)
	}
	return nil
}

func callerSubject(id contact.ID) (string, error) { return subject(personalPrefix, id, "caller") }
func noteSubject(id contact.ID) (string, error)   { return subject(personalPrefix, id, "note") }

// PutPersonal keeps who is behind a contact, which every contact begins with: when only the reserve of the disk is
// left it is refused with [ErrNoRoom], and nothing new comes in that could not be recorded to its end.
func (p *Personal) PutPersonal(ctx context.Context, id contact.ID, value contact.Personal) error {
	at, err := callerSubject(id)
	if err != nil {
		return err
	}
	if err := p.guard.takesNew(); err != nil {
		return fmt.Errorf("keep personal data: %w", err)
	}
	return put(ctx, p, at, value)
}

// Personal returns who is behind a contact; the zero value when nothing is kept.
func (p *Personal) Personal(ctx context.Context, id contact.ID) (contact.Personal, error) {
	at, err := callerSubject(id)
	if err != nil {
		return contact.Personal{}, err
	}
	return get[contact.Personal](ctx, p, at)
}

// PutNote keeps the agent's note of a contact as it stands.
func (p *Personal) PutNote(ctx context.Context, id contact.ID, note string) error {
	at, err := noteSubject(id)
	if err != nil {
		return err
	}
	return put(ctx, p, at, note)
}

// Note returns the agent's note of a contact; empty when there is none.
func (p *Personal) Note(ctx context.Context, id contact.ID) (string, error) {
	at, err := noteSubject(id)
	if err != nil {
		return "", err
	}
	return get[string](ctx, p, at)
}

// Forget purges everything that is kept of a contact. Of its legs it is those of this node; the others' are deleted as they end.
func (p *Personal) Forget(ctx context.Context, id contact.ID) error {
	at, err := subject(personalPrefix, id)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	err = p.guard.write(bounded, func(ctx context.Context) error {
		return p.stream.Purge(ctx, jetstream.WithPurgeSubject(at+".>"))
	})
	if err = errors.Join(err, p.legs.change(ctx, legChange{key: []byte(string(id) + "."), within: true})); err != nil {
		return fmt.Errorf("forget the person behind contact %s: %w", id, err)
	}
	return nil
}

func encodePersonal[T any](value T) ([]byte, error) {
	data, err := json.Marshal(versioned[T]{Version: personalVersion, Value: value})
	if err != nil {
		return nil, fmt.Errorf("encode personal data: %w", err)
	}
	if len(data) > maxPersonal {
		return nil, fmt.Errorf("keep personal data: %w: %d bytes, at most %d", ErrTooLarge, len(data), maxPersonal)
	}
	return data, nil
}

func put[T any](ctx context.Context, p *Personal, at string, value T) error {
	data, err := encodePersonal(value)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	err = p.guard.write(ctx, func(ctx context.Context) error {
		_, err := p.js.Publish(ctx, at, data)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep personal data: %w", err)
	}
	return nil
}

// get returns what is kept at the subject; the zero value when nothing is.
func get[T any](ctx context.Context, p *Personal, at string) (value T, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	message, err := p.stream.GetLastMsgForSubject(ctx, at)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return value, nil
	}
	if err != nil {
		return value, fmt.Errorf("read personal data: %w", err)
	}
	return decodePersonal[T](message.Data)
}

func decodePersonal[T any](data []byte) (T, error) {
	var none T
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return none, fmt.Errorf("%w: personal data: %w", ErrDamaged, err)
	}
	if head.Version != personalVersion {
		return none, unknownFormat("personal data", head.Version, personalVersion)
	}
	var out versioned[T]
	if err := strictUnmarshal(data, &out); err != nil {
		return none, fmt.Errorf("%w: personal data: %w", ErrDamaged, err)
	}
	return out.Value, nil
}
