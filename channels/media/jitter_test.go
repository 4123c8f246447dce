package media

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// arrival is a packet on its way through a network, times in microseconds.
type arrival struct {
	packet rtp.Packet
	at     int
}

// tonePackets are count packets of a tone in A-law, sent every interval µs with so many octets, and
// delayed by delay µs.
func tonePackets(count, octets, interval int, delay func(i int) int) []arrival {
	arrivals := make([]arrival, count)
	for i := range arrivals {
		samples := make([]int16, octets)
		for k := range samples {
			samples[k] = int16(8000 * math.Sin(2*math.Pi*500*float64(i*octets+k)/clockRate))
		}
		payload := make([]byte, octets)
		compress(payload, samples, PCMA)
		arrivals[i] = arrival{rtp.Packet{
			Header:  rtp.Header{Version: 2, PayloadType: 8, SSRC: 7, SequenceNumber: uint16(65000 + i), Timestamp: uint32(math.MaxUint32 - 8000 + i*octets)},
			Payload: payload,
		}, i*interval + delay(i)}
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return a.at - b.at })
	return arrivals
}

// playOut asks for a frame every 20 ms while the packets come. It tells how many of the frames
// after skip were broken, and how many ticks wait at the end.
func playOut(arrivals []arrival, skip int) (broken, frames int, waiting int32) {
	var (
		buffer jitterBuffer
		frame  [mixFrame]int16
		last   = arrivals[0].packet.Timestamp
	)
	for at := 0; len(arrivals) > 0; at += 20000 {
		for len(arrivals) > 0 && arrivals[0].at <= at {
			packet := &arrivals[0].packet
			if end := packet.Timestamp + uint32(len(packet.Payload)); before(last, end) {
				last = end
			}
			buffer.take(packet, PCMA)
			arrivals = arrivals[1:]
		}
		sounds := buffer.frame(&frame)
		if frames++; frames > skip && (!sounds || buffer.lost > 0 || !holds500(frame[:])) {
			broken++
		}
	}
	return broken, frames - skip, int32(last - buffer.next)
}

// holds500 is whether a frame is the tone that was sent, at its level, its pitch perhaps a little off.
func holds500(frame []int16) bool {
	var in, out, total float64
	for i, sample := range frame {
		angle := 2 * math.Pi * 500 * float64(i) / ClipRate
		in += float64(sample) * math.Sin(angle)
		out += float64(sample) * math.Cos(angle)
		total += float64(sample) * float64(sample)
	}
	size := float64(len(frame))
	toned := 2 * (in*in + out*out) / size / size
	return toned > 0.75*total/size && math.Sqrt(2*toned) > 6500 && math.Sqrt(2*toned) < 9000
}

func TestJitterBufferKeepsAVoiceWhole(t *testing.T) {
	t.Parallel()
	stories := map[string]struct {
		octets, interval int
		delay            func(random *rand.Rand, i int) int
		broken           int   // of the 3,000 frames after the first two seconds, at most
		waiting          int32 // ticks at the end, at most
	}{
		"a steady network":        {160, 20000, func(*rand.Rand, int) int { return 0 }, 0, 480},
		"a steady long way":       {160, 20000, func(*rand.Rand, int) int { return 200000 }, 0, 480},
		"jitter of 60 ms":         {160, 20000, func(random *rand.Rand, _ int) int { return random.IntN(60000) }, 5, 1100},
		"packets of 10 ms":        {80, 10000, func(random *rand.Rand, _ int) int { return random.IntN(20000) }, 5, 600},
		"packets of 60 ms":        {480, 60000, func(random *rand.Rand, _ int) int { return random.IntN(20000) }, 5, 1000},
		"a slow clock, 500 ppm":   {160, 20010, func(random *rand.Rand, _ int) int { return random.IntN(5000) }, 5, 600},
		"a fast clock, 500 ppm":   {160, 19990, func(random *rand.Rand, _ int) int { return random.IntN(5000) }, 5, 600},
		"a clock that is 1 % off": {160, 19800, func(*rand.Rand, int) int { return 0 }, 0, 700},
		"a stall every ten seconds": {160, 20000, func(_ *rand.Rand, i int) int {
			return max(0, 100000-(i%500)*20000)
		}, 60, 1000},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(6, 6))
			arrivals := tonePackets(62_000_000/story.interval, story.octets, story.interval,
				func(i int) int { return story.delay(random, i) })
			broken, frames, waiting := playOut(arrivals, 100)
			if broken > story.broken || frames < 2900 {
				t.Errorf("%d of %d frames are broken", broken, frames)
			}
			if waiting > story.waiting || waiting < 0 {
				t.Errorf("%d ms wait", waiting/8)
			}
		})
	}
}

func TestJitterBufferFadesInAGapAndThenIsSilent(t *testing.T) {
	t.Parallel()
	arrivals := tonePackets(50, 160, 20000, func(int) int { return 0 })
	var (
		buffer jitterBuffer
		frame  [mixFrame]int16
	)
	for i := range arrivals {
		buffer.take(&arrivals[i].packet, PCMA)
		buffer.frame(&frame)
	}
	loudness := func() (loud int) {
		for _, sample := range frame {
			loud = max(loud, int(sample), -int(sample))
		}
		return loud
	}
	var levels []int
	for buffer.frame(&frame) {
		if levels = append(levels, loudness()); len(levels) > 20 {
			break
		}
	}
	// Two frames were waiting, and the gap is filled for three.
	if len(levels) < 4 || len(levels) > 6 || levels[0] < 7500 || levels[len(levels)-1] > 4000 {
		t.Fatalf("levels in the gap: %v", levels)
	}
	buffer.begin(&arrivals[0].packet, PCMA)
	buffer.take(&arrivals[0].packet, PCMA)
	for range 3 {
		buffer.frame(&frame)
	}
	buffer.rest(&rtp.Packet{Header: rtp.Header{Timestamp: arrivals[0].packet.Timestamp + 160, SSRC: arrivals[0].packet.SSRC}}, PCMA) // comfort noise: the party is silent by its own word
	if buffer.frame(&frame) {
		t.Error("a pause is taken for a gap")
	}
}

func TestJitterBufferFollowsJumpsInTime(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]uint32{"forwards": 100000, "backwards": 1<<32 - 100000, "half way around": 1 << 31} {
		t.Run(name, func(t *testing.T) {
			arrivals := tonePackets(200, 160, 20000, func(int) int { return 0 })
			for i := range arrivals[100:] {
				arrivals[100+i].packet.Timestamp += jump
			}
			var (
				buffer jitterBuffer
				frame  [mixFrame]int16
				toned  int
			)
			for i := range arrivals {
				buffer.take(&arrivals[i].packet, PCMA)
				if buffer.frame(&frame) && holds500(frame[:]) {
					toned++
				}
			}
			if toned < 190 {
				t.Errorf("%d of 200 frames hold the tone", toned)
			}
		})
	}
}

// Whatever the timestamps say, no frame is asked for in vain and nothing breaks.
func FuzzJitterBuffer(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 160, 0, 0, 0, 160, 160}, true)
	f.Fuzz(func(t *testing.T, story []byte, alaw bool) {
		var (
			buffer jitterBuffer
			frame  [mixFrame]int16
			packet rtp.Packet
		)
		codec := PCMU
		if alaw {
			codec = PCMA
		}
		for ; len(story) >= 5; story = story[5:] {
			packet.Timestamp += uint32(story[0])<<24 | uint32(story[1])<<16 | uint32(story[2])<<8 | uint32(story[3])
			packet.Payload = make([]byte, min(int(story[4])*6, maxPayload))
			buffer.take(&packet, codec)
			buffer.frame(&frame)
			if ahead := int32(packet.Timestamp + uint32(len(packet.Payload)) - buffer.next); ahead > jitterLongest+maxPayload {
				t.Fatalf("%d ticks ahead", ahead)
			}
		}
	})
}

// BenchmarkConference is one frame of a hundred talks of three, all of whom speak, without the
// network: it happens fifty times a second, so that 20 ms would be a whole core.
func BenchmarkConference(b *testing.B) {
	pacer := NewPacer()
	_ = pacer.Close() // the benchmark is the clock
	conferences := make([]*Conference, 100)
	var streams []*Stream
	for i := range conferences {
		conferences[i] = NewConference(pacer)
		for _, kind := range []Kind{User, Agent, Supervisor} {
			stream := NewStream(pacer, discard{})
			if err := stream.Start(Format{Codec: PCMA, PayloadType: 8}); err != nil {
				b.Fatal(err)
			}
			if err := conferences[i].Join(stream, Seat{Kind: kind, HeardBy: User | Agent | Supervisor}); err != nil {
				b.Fatal(err)
			}
			streams = append(streams, stream)
		}
		b.Cleanup(conferences[i].Close)
	}
	voice := tonePackets(50, frameOctets, 20000, func(int) int { return 0 })
	now, packet := time.Now(), rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 8, SSRC: 1}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(FrameDuration)
		packet.SequenceNumber++
		packet.Timestamp += frameOctets
		packet.Payload = voice[i%len(voice)].packet.Payload
		for _, stream := range streams {
			if err := stream.Receive(&packet); err != nil {
				b.Fatal(err)
			}
		}
		for _, conference := range conferences {
			conference.tick(now, 0)
		}
	}
}
