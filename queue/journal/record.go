package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"svar/contact"
)

// Format is that of the records written now. An older one is read through its
// upcaster; an unknown one is refused.
const Format = 1

// MaxRecord is the largest record in bytes.
const MaxRecord = 256 << 10

// Record is one turn of the dispatcher's loop: the commands that were decided and the
// events that followed. Its bytes are canonical: structs and integers only, the fields
// in this order.
type Record struct {
	Format int `json:"format"`
	// Epoch is that of the leader that wrote it, from 1.
	Epoch uint64 `json:"epoch"`
	// Engine is the engine's version: a replay by the same one gives the same events.
	Engine int `json:"engine"`
	// More says that the events of the last command go on in the next record, since one
	// would have been too large.
	More     bool             `json:"more,omitempty"`
	Now      contact.Instant  `json:"now"`
	Commands contact.Commands `json:"commands"`
	Events   contact.Events   `json:"events"`
}

// Encode returns the record's canonical bytes. [ErrTooLarge] means that it must be
// written as several.
func (r Record) Encode() ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode a record: %w", err)
	}
	if len(data) > MaxRecord {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(data), MaxRecord)
	}
	return data, nil
}

// Decode reads a record of any known format. [ErrUnknownFormat] and [ErrDamaged] are
// its errors; an unknown field is one, since it must not be lost by a half reading.
func Decode(data []byte) (Record, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Record{}, fmt.Errorf("%w: not a record: %w", ErrDamaged, err)
	}
	if head.Format != Format {
		return Record{}, unknownFormat("a record", head.Format, Format)
	}
	var r Record
	if err := strictUnmarshal(data, &r); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return r, nil
}

// unknownFormat says what to do about a format that this version cannot read.
func unknownFormat(what string, is, read int) error {
	if is > read {
		return fmt.Errorf("%w: %s has format %d; this version of svar reads up to %d. Start the newer version that wrote it", ErrUnknownFormat, what, is, read)
	}
	return fmt.Errorf("%w: %s has format %d; this version of svar reads format %d", ErrUnknownFormat, what, is, read)
}

// strictUnmarshal reads one JSON value with no unknown field and nothing behind it.
func strictUnmarshal(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	return nil
}
