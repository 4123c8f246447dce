package bus

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"
)

const (
	// MaxMessage is the largest message in bytes as it travels, half of what a NATS server
	// takes when nobody has configured it.
	MaxMessage = 512 << 10
	// maxPlain is the largest message in bytes before it is compressed. A contact's view
	// has about 600: it is room for 20,000.
	maxPlain = 16 << 20
	// compressFrom is the size in bytes from which messages are compressed: views of
	// hundreds of contacts, which shrink to a tenth.
	compressFrom = 64 << 10

	encodingHeader = "Content-Encoding"
	gzipEncoding   = "gzip"
)

// ErrTooLarge: a message is over [MaxMessage].
var ErrTooLarge = errors.New("the message is too large")

// encode returns the message to the subject: JSON, compressed when it is long.
func encode(subject string, value any) (*nats.Msg, error) {
	message, _, err := encodeSized(subject, value)
	return message, err
}

// encodeSized returns the size in bytes before compression too.
func encodeSized(subject string, value any) (*nats.Msg, int, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, 0, fmt.Errorf("encode a message to %s: %w", subject, err)
	}
	message := nats.NewMsg(subject)
	message.Data = data
	if len(data) >= compressFrom && len(data) <= maxPlain {
		var packed bytes.Buffer
		writer := gzip.NewWriter(&packed)
		if _, err := writer.Write(data); err != nil {
			return nil, 0, fmt.Errorf("compress a message to %s: %w", subject, err)
		}
		if err := writer.Close(); err != nil {
			return nil, 0, fmt.Errorf("compress a message to %s: %w", subject, err)
		}
		message.Data = packed.Bytes()
		message.Header.Set(encodingHeader, gzipEncoding)
	}
	if len(message.Data) > MaxMessage {
		return nil, 0, fmt.Errorf("%w: %d bytes to %s, at most %d", ErrTooLarge, len(message.Data), subject, MaxMessage)
	}
	return message, len(data), nil
}

// readsAlike tells whether who decodes a message gets the very value that was encoded: what is no UTF-8 is replaced then. What is
// decided must be what is recorded.
func readsAlike(message *nats.Msg) bool {
	return message.Header.Get(encodingHeader) == "" && !bytes.Contains(message.Data, []byte(`\ufffd`))
}

// decode reads a message strictly: an unknown field could be the one that matters.
func decode(message *nats.Msg, into any) error {
	_, err := decodeSized(message, into)
	return err
}

// decodeSized returns the size in bytes before compression too.
func decodeSized(message *nats.Msg, into any) (int, error) {
	source, err := unpack(message, maxPlain)
	if err != nil {
		return 0, err
	}
	decoder := json.NewDecoder(source)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return 0, fmt.Errorf("read a message: %w", err)
	}
	size := decoder.InputOffset()
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return 0, errors.New("read a message: something follows its end")
	}
	return int(size), nil
}

// unpack gives the message before compression, up to the limit: what is small on its way
// may be huge.
func unpack(message *nats.Msg, limit int64) (io.Reader, error) {
	source := bytes.NewReader(message.Data)
	switch encoding := message.Header.Get(encodingHeader); encoding {
	case "":
		return source, nil
	case gzipEncoding:
		unpacked, err := gzip.NewReader(source)
		if err != nil {
			return nil, fmt.Errorf("unpack a message: %w", err)
		}
		return io.LimitReader(unpacked, limit), nil
	default:
		return nil, fmt.Errorf("a message has the unknown encoding %q", encoding)
	}
}
