package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"svar/contact"
)

const (
	personalStream = "PERSONAL"
	personalPrefix = "svar.personal."
	// maxPersonal is the largest personal message in bytes: a note has 10,000 characters.
	maxPersonal = 64 << 10
)

// personalVersion is that of the personal messages.
const personalVersion = 1

// versioned is the outer form of a personal message.
type versioned[T any] struct {
	Version int `json:"version"`
	Value   T   `json:"value"`
}

// Personal keeps what records must not hold: who called, what the agent noted, and the
// live legs' records, which name the caller. It is a stream with subjects per contact,
// so that everything of one contact can be purged. Its methods may be called
// concurrently.
type Personal struct {
	js     jetstream.JetStream
	stream jetstream.Stream
}

// OpenPersonal makes the stream on the server behind conn, or finds it there.
func OpenPersonal(ctx context.Context, conn *nats.Conn) (*Personal, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("open the personal stream: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	stream, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: personalStream, Subjects: []string{personalPrefix + ">"},
		Description: "Svar: personal data by contact; purged by rule",
		Storage:     jetstream.FileStorage, Retention: jetstream.LimitsPolicy,
		MaxMsgsPerSubject: 1, MaxMsgSize: maxPersonal,
	})
	if err != nil {
		return nil, fmt.Errorf("open the personal stream: %w", err)
	}
	return &Personal{js: js, stream: stream}, nil
}

func callerSubject(id contact.ID) string { return personalPrefix + string(id) + ".caller" }
func noteSubject(id contact.ID) string   { return personalPrefix + string(id) + ".note" }
func legSubject(r contact.LegRecord) string {
	return personalPrefix + string(r.Contact) + ".leg." + string(r.Node) + "." + string(r.Leg)
}

// PutPersonal keeps who is behind a contact.
func (p *Personal) PutPersonal(ctx context.Context, id contact.ID, value contact.Personal) error {
	return put(ctx, p, callerSubject(id), value)
}

// Personal returns who is behind a contact; the zero value when nothing is kept.
func (p *Personal) Personal(ctx context.Context, id contact.ID) (contact.Personal, error) {
	return get[contact.Personal](ctx, p, callerSubject(id))
}

// PutNote keeps the agent's note of a contact as it stands.
func (p *Personal) PutNote(ctx context.Context, id contact.ID, note string) error {
	return put(ctx, p, noteSubject(id), note)
}

// Note returns the agent's note of a contact; empty when there is none.
func (p *Personal) Note(ctx context.Context, id contact.ID) (string, error) {
	return get[string](ctx, p, noteSubject(id))
}

// PutLeg keeps the record of a live leg.
func (p *Personal) PutLeg(ctx context.Context, r contact.LegRecord) error {
	return put(ctx, p, legSubject(r), r)
}

// DeleteLeg deletes the record of a leg that is over.
func (p *Personal) DeleteLeg(ctx context.Context, r contact.LegRecord) error {
	if err := p.stream.Purge(ctx, jetstream.WithPurgeSubject(legSubject(r))); err != nil {
		return fmt.Errorf("delete a leg's record: %w", err)
	}
	return nil
}

// LegsOf returns the records of legs that the node has not deleted: those that an
// earlier process left alive.
func (p *Personal) LegsOf(ctx context.Context, node contact.NodeID) ([]contact.LegRecord, error) {
	info, err := p.stream.Info(ctx, jetstream.WithSubjectFilter(personalPrefix+"*.leg."+string(node)+".*"))
	if err != nil {
		return nil, fmt.Errorf("list the legs' records: %w", err)
	}
	var records []contact.LegRecord
	for subject := range info.State.Subjects {
		record, err := get[contact.LegRecord](ctx, p, subject)
		if err != nil {
			return nil, err
		}
		if record.Leg != "" {
			records = append(records, record)
		}
	}
	return records, nil
}

// Forget purges everything that is kept of a contact.
func (p *Personal) Forget(ctx context.Context, id contact.ID) error {
	if err := p.stream.Purge(ctx, jetstream.WithPurgeSubject(personalPrefix+string(id)+".>")); err != nil {
		return fmt.Errorf("forget the person behind contact %s: %w", id, err)
	}
	return nil
}

func put[T any](ctx context.Context, p *Personal, subject string, value T) error {
	data, err := json.Marshal(versioned[T]{Version: personalVersion, Value: value})
	if err != nil {
		return fmt.Errorf("encode personal data: %w", err)
	}
	if _, err := p.js.Publish(ctx, subject, data); err != nil {
		return fmt.Errorf("keep personal data: %w", err)
	}
	return nil
}

func get[T any](ctx context.Context, p *Personal, subject string) (T, error) {
	var kept versioned[T]
	message, err := p.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return kept.Value, nil
	}
	if err != nil {
		return kept.Value, fmt.Errorf("read personal data: %w", err)
	}
	if err := json.Unmarshal(message.Data, &kept); err != nil {
		return kept.Value, fmt.Errorf("%w: personal data: %w", ErrDamaged, err)
	}
	if kept.Version != personalVersion {
		return kept.Value, fmt.Errorf("%w: personal data of version %d; this version of svar reads %d", ErrUnknownFormat, kept.Version, personalVersion)
	}
	return kept.Value, nil
}
