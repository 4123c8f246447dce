package media

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// A recording is a WAV file: 16 bits, 8 kHz, left and right in turn.
const (
	recordingRate     = clockRate
	recordingChannels = 2
	recordingFrame    = recordingRate / 50 * recordingChannels * 2 // octets
	recordingHeader   = 44                                         // octets
	// recordingFlush is how many frames are written at once: a second.
	recordingFlush = 50
	// recordingBacklog is how many frames wait for a disk that is slow: ten seconds.
	recordingBacklog = 500
	// LongestRecording bounds a file, to 3 GB: WAV cannot tell of more than 4.
	LongestRecording = 24 * time.Hour
)

// ErrRecordingFull says that a recording reached LongestRecording; what came later is not in it.
var ErrRecordingFull = fmt.Errorf("a recording is longer than %s", LongestRecording)

// Recording is a talk in a file, as it goes on: the user on the left, whoever he hears on the right. The file can be
// played at any moment, also after a crash: each second the sound is written and then the header that tells its length. Keys
// are muted in it, a little before and after them included. The disk may stand still for ten seconds; then
// sound is lost, and told by Close.
//
// Safe for concurrent use.
type Recording struct {
	path   string
	file   *os.File
	wake   chan struct{}
	ended  chan struct{} // closed when the writer is done
	closed sync.Once

	mutex   sync.Mutex
	waiting [][2][mixFrame]int16
	paused  bool
	closing bool
	lost    int // frames
	failed  error

	// What follows belongs to the writer.
	channels [recordingChannels]recordingChannel
	written  int64 // octets of sound
	buffer   []byte

	recorded Recorded
	err      error
}

// recordingChannel is one side on its way to the file. It is one frame behind, since the beginning of a key shows in
// the frame after it only.
type recordingChannel struct {
	down  downsampler
	frame [frameOctets]int16 // that is written next
	known bool               // there is one
	keyed bool               // it holds a key
	muted bool               // the one before it held one
	like  Digit              // what its second half may be part of
}

// Recorded is what Close tells of the file.
type Recorded struct {
	Bytes  int64
	Length time.Duration
	// Lost is how much sound the disk was too slow for, or refused.
	Lost   time.Duration
	SHA256 string // of the file, in hexadecimal
}

// NewRecording begins a file that does not exist yet, readable by its owner alone. Give it to
// [Conference.Record]; its owner closes it.
func NewRecording(path string) (*Recording, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("begin a recording: %w", err)
	}
	r := &Recording{path: path, file: file, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	if err := r.writeHeader(); err != nil {
		return nil, errors.Join(fmt.Errorf("begin a recording: %w", err), file.Close(), os.Remove(path))
	}
	go r.write()
	return r, nil
}

// Pause leaves out what comes until Resume: the file is shorter by that time.
func (r *Recording) Pause() { r.setPaused(true) }

// Resume goes on after Pause.
func (r *Recording) Resume() { r.setPaused(false) }

func (r *Recording) setPaused(paused bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.paused = paused
}

// Close writes what waits and ends the file. It may take as long as reading the file does. The error is the first one of the disk,
// or ErrRecordingFull; the file holds what was written until then. Closing again returns the same.
func (r *Recording) Close() (Recorded, error) {
	r.closed.Do(func() {
		r.mutex.Lock()
		r.closing = true
		r.mutex.Unlock()
		r.awaken()
		<-r.ended
		r.finish()
	})
	return r.recorded, r.err
}

// Discard closes the recording and removes its file, for somebody who does not want to be recorded.
func (r *Recording) Discard() error {
	_, _ = r.Close()
	if err := os.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("discard a recording: %w", err)
	}
	return nil
}

// add takes 20 ms at ClipRate. It never waits for the disk.
func (r *Recording) add(left, right *[mixFrame]int32) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	switch {
	case r.paused || r.closing:
		return
	case len(r.waiting) >= recordingBacklog || r.failed != nil:
		r.lost++
		return
	}
	r.waiting = append(r.waiting, [2][mixFrame]int16{})
	frame := &r.waiting[len(r.waiting)-1]
	for i := range mixFrame {
		frame[0][i], frame[1][i] = saturated(left[i]), saturated(right[i])
	}
	if len(r.waiting) >= recordingFlush {
		r.awaken()
	}
}

func (r *Recording) awaken() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// write is the goroutine that takes what waits to the disk.
func (r *Recording) write() {
	defer close(r.ended)
	var frames [][2][mixFrame]int16
	for range r.wake {
		r.mutex.Lock()
		frames, r.waiting = r.waiting, frames[:0]
		closing := r.closing
		r.mutex.Unlock()
		for i := range frames {
			r.encode(&frames[i])
		}
		if closing && r.channels[0].known {
			r.encode(&[2][mixFrame]int16{}) // brings the last frame out
		}
		if err := r.flush(); err != nil {
			r.mutex.Lock()
			r.failed = err
			r.mutex.Unlock()
			return
		}
		if closing {
			return
		}
	}
}

// encode puts the frame before this one into the buffer.
func (r *Recording) encode(frame *[2][mixFrame]int16) {
	known := r.channels[0].known
	var sides [recordingChannels][frameOctets]int16
	for side := range r.channels {
		sides[side] = r.channels[side].next(&frame[side])
	}
	if !known {
		return
	}
	for i := range frameOctets {
		for side := range sides {
			r.buffer = binary.LittleEndian.AppendUint16(r.buffer, uint16(sides[side][i]))
		}
	}
}

// next takes a frame at ClipRate and returns the one before it at 8 kHz: muted if it holds a key, or
// touches one.
func (c *recordingChannel) next(samples *[mixFrame]int16) (frame [frameOctets]int16) {
	before, keyed, muted := c.frame, c.keyed, c.muted
	c.down.halve(c.frame[:], samples[:])
	c.known, c.muted = true, keyed
	first, second := likeKey(c.frame[:mutedBlock]), likeKey(c.frame[mutedBlock:])
	c.keyed = first != 0 && (first == c.like || first == second)
	c.like = second
	if keyed || muted || c.keyed {
		return frame
	}
	return before
}

// flush writes the buffer and then the header that tells of it.
func (r *Recording) flush() error {
	if r.written+int64(len(r.buffer)) > int64(LongestRecording/FrameDuration)*recordingFrame {
		return ErrRecordingFull
	}
	if _, err := r.file.WriteAt(r.buffer, recordingHeader+r.written); err != nil {
		return fmt.Errorf("write a recording: %w", err)
	}
	r.written += int64(len(r.buffer))
	r.buffer = r.buffer[:0]
	return r.writeHeader()
}

// writeHeader tells the length of what has been written.
func (r *Recording) writeHeader() error {
	header := make([]byte, 0, recordingHeader)
	header = append(header, "RIFF"...)
	header = binary.LittleEndian.AppendUint32(header, uint32(recordingHeader-8+r.written))
	header = append(header, "WAVEfmt "...)
	header = binary.LittleEndian.AppendUint32(header, 16)
	header = binary.LittleEndian.AppendUint16(header, wavPCM)
	header = binary.LittleEndian.AppendUint16(header, recordingChannels)
	header = binary.LittleEndian.AppendUint32(header, recordingRate)
	header = binary.LittleEndian.AppendUint32(header, recordingRate*recordingChannels*2)
	header = binary.LittleEndian.AppendUint16(header, recordingChannels*2)
	header = binary.LittleEndian.AppendUint16(header, 16)
	header = append(header, "data"...)
	header = binary.LittleEndian.AppendUint32(header, uint32(r.written))
	if _, err := r.file.WriteAt(header, 0); err != nil {
		return fmt.Errorf("write a recording's header: %w", err)
	}
	return nil
}

// finish cuts off what no header tells of, makes the file safe and sums it up.
func (r *Recording) finish() {
	r.mutex.Lock()
	r.err = r.failed
	lost := r.lost + len(r.waiting)
	r.waiting = nil
	r.mutex.Unlock()
	if r.err != nil {
		lost += len(r.buffer) / recordingFrame
	}
	check := func(doing string, err error) {
		if err != nil && r.err == nil {
			r.err = fmt.Errorf("%s a recording: %w", doing, err)
		}
	}
	check("end", r.file.Truncate(recordingHeader+r.written))
	check("write", r.file.Sync())
	sum := sha256.New()
	size, err := io.Copy(sum, io.NewSectionReader(r.file, 0, recordingHeader+r.written))
	check("read", err)
	check("close", r.file.Close())
	r.recorded = Recorded{
		Bytes: size, Length: time.Duration(r.written/recordingFrame) * FrameDuration,
		Lost: time.Duration(lost) * FrameDuration, SHA256: hex.EncodeToString(sum.Sum(nil)),
	}
}
