package chat

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"svar/contact"
)

// tokenHash is what we keep of a chat's token: whoever reads it cannot resume the chat.
type tokenHash [sha256.Size]byte

// tokenBytes is the length of the secret.
const tokenBytes = 32

// newToken returns a secret in the form that pages keep.
func newToken() string {
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // it never fails
	return base64.RawURLEncoding.EncodeToString(secret)
}

// hashToken returns the hash of a token, and whether it has a token's form.
func hashToken(token string) (tokenHash, bool) {
	secret, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder passes over line breaks.
	if err != nil || len(secret) != tokenBytes || len(token) != base64.RawURLEncoding.EncodedLen(tokenBytes) {
		return tokenHash{}, false
	}
	return sha256.Sum256(secret), true
}

// recordVersion is that of the legs' records.
const recordVersion = 1

// legRecord is what another process needs to let a visitor find the chat again.
type legRecord struct {
	Version  int            `json:"version"`
	Contact  contact.ID     `json:"contact"`
	Topic    contact.LineID `json:"topic"`
	Language string         `json:"language"`
	// Token is the hash of the visitor's token.
	Token []byte `json:"token"`
}

func (r legRecord) encode() ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode the record of a chat: %w", err)
	}
	return data, nil
}

func decodeLegRecord(data []byte) (legRecord, tokenHash, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return legRecord{}, tokenHash{}, fmt.Errorf("the record of a chat is damaged: %w", err)
	}
	if head.Version != recordVersion {
		return legRecord{}, tokenHash{}, fmt.Errorf("the record of a chat has version %d; this version of svar reads %d", head.Version, recordVersion)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var record legRecord
	if err := decoder.Decode(&record); err != nil {
		return legRecord{}, tokenHash{}, fmt.Errorf("the record of a chat is damaged: %w", err)
	}
	if len(record.Token) != sha256.Size || record.Contact == "" {
		return legRecord{}, tokenHash{}, fmt.Errorf("the record of a chat is damaged: its token's hash has %d bytes", len(record.Token))
	}
	return record, tokenHash(record.Token), nil
}
