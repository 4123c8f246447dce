package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-audio/audio"
	"github.com/go-audio/wav"
)

// ReadWAV makes a clip of a WAV file: PCM of 8, 16, 24 or 32 bits, any number of channels
// (mixed to one), 8,000 to 48,000 Hz, at most ten minutes. Errors are ErrSound or the
// reader's.
func ReadWAV(reader io.ReadSeeker) (*Clip, error) {
	samples, rate, err := readWAV(reader)
	if err != nil {
		return nil, err
	}
	return newClip(samples, rate)
}

// LoadWAV reads a WAV file as ReadWAV does; errors name the file.
func LoadWAV(path string) (*Clip, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("load sound: %w", err)
	}
	defer file.Close()
	clip, err := ReadWAV(file)
	if err != nil {
		return nil, fmt.Errorf("load sound %s: %w", path, err)
	}
	return clip, nil
}

// wavPCM is the format tag of plain samples.
const wavPCM = 1

func readWAV(reader io.ReadSeeker) (samples []float64, rate int, err error) {
	// The decoder trusts sizes that the file states; a broken file must cost an error
	// and nothing else.
	defer func() {
		if broken := recover(); broken != nil {
			samples, rate, err = nil, 0, fmt.Errorf("%w: damaged WAV file", ErrSound)
		}
	}()
	if err := checkChunks(reader); err != nil {
		return nil, 0, err
	}
	decoder := wav.NewDecoder(reader)
	if !decoder.IsValidFile() {
		return nil, 0, fmt.Errorf("%w: not a WAV file", ErrSound)
	}
	channels, depth := int(decoder.NumChans), int(decoder.BitDepth)
	rate = int(decoder.SampleRate)
	switch {
	case decoder.WavAudioFormat != wavPCM:
		return nil, 0, fmt.Errorf("%w: WAV format %d, must be plain PCM (1)", ErrSound, decoder.WavAudioFormat)
	case channels < 1 || channels > 8:
		return nil, 0, fmt.Errorf("%w: %d channels", ErrSound, channels)
	case depth != 8 && depth != 16 && depth != 24 && depth != 32:
		return nil, 0, fmt.Errorf("%w: %d bits, must be 8, 16, 24 or 32", ErrSound, depth)
	case rate < minimumRate || rate > maximumRate:
		return nil, 0, fmt.Errorf("%w: %d samples a second, must be %d to %d", ErrSound, rate, minimumRate, maximumRate)
	}
	if err := decoder.FwdToPCM(); err != nil {
		return nil, 0, fmt.Errorf("%w: no samples in the WAV file: %w", ErrSound, err)
	}
	longest := int(LongestClip.Seconds()) * rate
	buffer := &audio.IntBuffer{Data: make([]int, 4096*channels)}
	for {
		count, err := decoder.PCMBuffer(buffer)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, 0, fmt.Errorf("read WAV: %w", err)
		}
		if count == 0 {
			return samples, rate, nil
		}
		for begin := 0; begin+channels <= count; begin += channels {
			sum := 0.0
			for _, value := range buffer.Data[begin : begin+channels] {
				sum += scaled(value, depth)
			}
			samples = append(samples, sum/float64(channels))
		}
		if len(samples) > longest {
			return nil, 0, fmt.Errorf("%w: longer than %s", ErrSound, LongestClip)
		}
	}
}

// longestChunk bounds what a WAV file may hold besides its samples.
const longestChunk = 1 << 20

// checkChunks walks over the parts of the file before its samples and leaves the reader
// where it was. The decoder makes room for whatever size a part states, up to 4 GB, before
// it looks whether the file is that long.
func checkChunks(reader io.ReadSeeker) error {
	begin, err := reader.Seek(0, io.SeekCurrent)
	if err != nil {
		return fmt.Errorf("read WAV: %w", err)
	}
	var header [8]byte
	if _, err := reader.Seek(12, io.SeekCurrent); err != nil { // "RIFF", size, "WAVE"
		return fmt.Errorf("read WAV: %w", err)
	}
	for {
		if _, err := io.ReadFull(reader, header[:]); err != nil {
			return fmt.Errorf("%w: not a WAV file, or one without sound", ErrSound)
		}
		if string(header[:4]) == "data" {
			break
		}
		size := int64(binary.LittleEndian.Uint32(header[4:]))
		if size > longestChunk {
			return fmt.Errorf("%w: not a WAV file, or one with a part of %d octets before its sound", ErrSound, size)
		}
		if _, err := reader.Seek(size+size%2, io.SeekCurrent); err != nil {
			return fmt.Errorf("read WAV: %w", err)
		}
	}
	if _, err := reader.Seek(begin, io.SeekStart); err != nil {
		return fmt.Errorf("read WAV: %w", err)
	}
	return nil
}

// scaled converts a sample to a share of full scale; samples of 8 bits have no sign.
func scaled(value, depth int) float64 {
	if depth == 8 {
		return float64(value-128) / 128
	}
	return float64(value) / float64(int64(1)<<(depth-1))
}

// WriteWAV writes the clip as WAV: 16 bits, mono, 16 kHz.
func (c *Clip) WriteWAV(writer io.WriteSeeker) error {
	encoder := wav.NewEncoder(writer, ClipRate, 16, 1, wavPCM)
	buffer := &audio.IntBuffer{
		Format:         &audio.Format{NumChannels: 1, SampleRate: ClipRate},
		Data:           make([]int, len(c.samples)),
		SourceBitDepth: 16,
	}
	for i, sample := range c.samples {
		buffer.Data[i] = int(sample)
	}
	if err := encoder.Write(buffer); err != nil {
		return fmt.Errorf("write WAV: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return fmt.Errorf("write WAV: %w", err)
	}
	return nil
}

// SaveWAV writes the clip to a file, whole or not at all.
func (c *Clip) SaveWAV(path string) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".clip-*.tmp")
	if err != nil {
		return fmt.Errorf("save sound: %w", err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
			err = fmt.Errorf("save sound %s: %w", path, err)
		}
	}()
	if err := c.WriteWAV(file); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
