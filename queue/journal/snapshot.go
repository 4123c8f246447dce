package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// SnapshotFormat is that of the snapshots' outer form; the engine's state inside has
// its own version.
const SnapshotFormat = 1

const snapshotName = "engine"

// Snapshot is the engine's state after the record at Sequence.
type Snapshot struct {
	Format   int    `json:"format"`
	Engine   int    `json:"engine"`
	Sequence uint64 `json:"sequence"`
	// SHA256 is that of State, in hexadecimal digits.
	SHA256 string `json:"sha256"`
	State  []byte `json:"state"`
}

// SaveSnapshot replaces the newest snapshot.
func (j *Journal) SaveSnapshot(ctx context.Context, engine int, sequence uint64, state []byte) error {
	data, err := encodeSnapshot(engine, sequence, state)
	if err != nil {
		return err
	}
	err = j.guard.write(ctx, func(ctx context.Context) error {
		_, err := j.snapshots.PutBytes(ctx, snapshotName, data)
		return err
	})
	if err != nil {
		return fmt.Errorf("save a snapshot: %w", err)
	}
	return nil
}

// LoadSnapshot returns the newest snapshot, or nil when there is none. A snapshot that
// cannot be trusted is an error of kind [ErrDamaged] or [ErrUnknownFormat]; the journal
// itself still has everything.
func (j *Journal) LoadSnapshot(ctx context.Context) (*Snapshot, error) {
	data, err := j.snapshots.GetBytes(ctx, snapshotName)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, nil
	}
	if errors.Is(err, jetstream.ErrDigestMismatch) {
		return nil, fmt.Errorf("%w: the snapshot: %w", ErrDamaged, err)
	}
	if err != nil {
		return nil, fmt.Errorf("load the snapshot: %w", err)
	}
	return decodeSnapshot(data)
}

func encodeSnapshot(engine int, sequence uint64, state []byte) ([]byte, error) {
	data, err := json.Marshal(Snapshot{
		Format: SnapshotFormat, Engine: engine, Sequence: sequence, SHA256: checksum(state), State: state,
	})
	if err != nil {
		return nil, fmt.Errorf("encode a snapshot: %w", err)
	}
	return data, nil
}

func decodeSnapshot(data []byte) (*Snapshot, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("%w: the snapshot: %w", ErrDamaged, err)
	}
	if head.Format != SnapshotFormat {
		return nil, unknownFormat("the snapshot", head.Format, SnapshotFormat)
	}
	var s Snapshot
	if err := strictUnmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%w: the snapshot: %w", ErrDamaged, err)
	}
	if s.SHA256 != checksum(s.State) {
		return nil, fmt.Errorf("%w: the snapshot's checksum does not match", ErrDamaged)
	}
	return &s, nil
}

func checksum(state []byte) string {
	sum := sha256.Sum256(state)
	return hex.EncodeToString(sum[:])
}
