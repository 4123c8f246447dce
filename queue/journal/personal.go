package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"svar/contact"
)

const (
	personalStream = "PERSONAL"
	personalPrefix = "svar.personal."
	// The live legs have a stream of their own, which stays small: each call writes and purges there, and no new caller waits
	// for that.
	legStream = "LEGS"
	legPrefix = "svar.leg."
	// maxPersonal is the largest personal message in bytes: a note has 10,000 characters.
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
// live legs' records, which name the caller. It is two streams with subjects per contact,
// so that everything of one contact can be purged. Its methods may be called
// concurrently.
type Personal struct {
	js           jetstream.JetStream
	stream, legs jetstream.Stream
	guard        *Guard
}

// OpenPersonal makes the streams on the server behind conn, or finds it there.
func OpenPersonal(ctx context.Context, conn *nats.Conn, options ...Option) (*Personal, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open the personal stream: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	open := func(name, prefix, description string) (jetstream.Stream, error) {
		return js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: name, Subjects: []string{prefix + ">"}, Description: description,
			Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy,
			MaxMsgsPerSubject: 1, MaxMsgSize: maxPersonal,
		})
	}
	stream, err := open(personalStream, personalPrefix, "Svar: personal data by contact; purged by rule")
	if err != nil {
		return nil, fmt.Errorf("open the personal stream: %w", err)
	}
	legs, err := open(legStream, legPrefix, "Svar: the legs that live, by contact; purged as they end")
	if err != nil {
		return nil, fmt.Errorf("open the legs' stream: %w", err)
	}
	return &Personal{js: js, stream: stream, legs: legs, guard: guardOf(options)}, nil
}

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
func legSubject(r contact.LegRecord) (string, error) {
	return subject(legPrefix, r.Contact, string(r.Node), string(r.Leg))
}

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
	value, _, err := get[contact.Personal](ctx, p.stream, at)
	return value, err
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
	note, _, err := get[string](ctx, p.stream, at)
	return note, err
}

// PutLeg keeps the record of a live leg.
func (p *Personal) PutLeg(ctx context.Context, r contact.LegRecord) error {
	at, err := legSubject(r)
	if err != nil {
		return err
	}
	return put(ctx, p, at, r)
}

// DeleteLeg deletes the record of a leg that is over. One that is gone already is no error.
func (p *Personal) DeleteLeg(ctx context.Context, r contact.LegRecord) error {
	at, err := legSubject(r)
	if err != nil {
		return err
	}
	if err := p.purge(ctx, p.legs, at); err != nil {
		return fmt.Errorf("delete a leg's record: %w", err)
	}
	return nil
}

// LegsOf returns the records of legs that the node has not deleted, sorted by contact:
// those that an earlier process left alive.
func (p *Personal) LegsOf(ctx context.Context, node contact.NodeID) ([]contact.LegRecord, error) {
	if err := checkToken(string(node)); err != nil {
		return nil, err
	}
	info, err := p.legs.Info(ctx, jetstream.WithSubjectFilter(legPrefix+"*."+string(node)+".*"))
	if err != nil {
		return nil, fmt.Errorf("list the legs' records: %w", err)
	}
	var records []contact.LegRecord
	for _, at := range slices.Sorted(maps.Keys(info.State.Subjects)) {
		record, kept, err := get[contact.LegRecord](ctx, p.legs, at)
		if errors.Is(err, ErrDamaged) || errors.Is(err, ErrUnknownFormat) {
			// One leg that cannot be ended must not keep the others, and the start, waiting.
			if err := p.purge(ctx, p.legs, at); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if kept { // not deleted meanwhile
			records = append(records, record)
		}
	}
	return records, nil
}

// Forget purges everything that is kept of a contact.
func (p *Personal) Forget(ctx context.Context, id contact.ID) error {
	for prefix, stream := range map[string]jetstream.Stream{personalPrefix: p.stream, legPrefix: p.legs} {
		at, err := subject(prefix, id)
		if err != nil {
			return err
		}
		if err := p.purge(ctx, stream, at+".>"); err != nil {
			return fmt.Errorf("forget the person behind contact %s: %w", id, err)
		}
	}
	return nil
}

func (p *Personal) purge(ctx context.Context, stream jetstream.Stream, subjects string) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return p.guard.write(ctx, func(ctx context.Context) error {
		return stream.Purge(ctx, jetstream.WithPurgeSubject(subjects))
	})
}

func put[T any](ctx context.Context, p *Personal, at string, value T) error {
	data, err := json.Marshal(versioned[T]{Version: personalVersion, Value: value})
	if err != nil {
		return fmt.Errorf("encode personal data: %w", err)
	}
	if len(data) > maxPersonal {
		return fmt.Errorf("keep personal data: %w: %d bytes, at most %d", ErrTooLarge, len(data), maxPersonal)
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

// get returns what is kept at the subject, and whether anything is.
func get[T any](ctx context.Context, stream jetstream.Stream, at string) (value T, kept bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	message, err := stream.GetLastMsgForSubject(ctx, at)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return value, false, nil
	}
	if err != nil {
		return value, false, fmt.Errorf("read personal data: %w", err)
	}
	value, err = decodePersonal[T](message.Data)
	return value, err == nil, err
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
