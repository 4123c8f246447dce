package media

// SetFormat follows a change of the negotiated format in a call that goes on (RFC 3264 §8.3.2):
// another codec, payload type or telephone-event. What is played goes on from where it is, in
// the new codec; packets that are still under way in the old one are refused. The errors wrap
// ErrFormat, or are ErrNotStarted and ErrClosed.
func (s *Stream) SetFormat(format Format) error {
	if err := format.validate(); err != nil {
		return err
	}
	s.prepareFormat(format.Codec)
	if err := s.out.setFormat(format); err != nil {
		return err
	}
	s.in.mutex.Lock()
	defer s.in.mutex.Unlock()
	s.in.format = format
	return nil
}

// prepareFormat encodes what is played before the lock is taken for the change: the first use
// of a clip in a codec takes a moment, and the pacer waits for nobody.
func (s *Stream) prepareFormat(codec Codec) {
	s.out.mutex.Lock()
	playing := s.out.playing
	s.out.mutex.Unlock()
	if playing != nil && playing.clip != nil {
		_ = playing.clip.Encoded(codec) // the clip keeps it
	}
}

func (o *outgoing) setFormat(format Format) error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	switch {
	case o.closed:
		return ErrClosed
	case !o.started:
		return ErrNotStarted
	case o.format == format:
		return nil
	}
	o.format, o.switched = format, true
	o.silence = silentFrame(format.Codec)
	switch {
	case o.playing == nil:
	case o.playing.echo != nil:
		o.playing.echo.begin(o.silence[0]) // what it kept is in the old codec
	default:
		// All codecs here have as many octets a second: the position stays.
		o.playing.sound = o.playing.clip.Encoded(format.Codec)
	}
	o.presses.setFormat(format)
	return nil
}

// setFormat makes the keys that wait fit the format. The one that is being pressed goes on as it
// began, since its event and its tones would be two keys: an event that the party takes no more
// was taken from its first packet on, and its rest is silence.
func (p *presses) setFormat(format Format) {
	for i := range p.waiting {
		key := &p.waiting[i]
		begun := i == 0 && p.frame > 0
		switch {
		case begun && key.sound == nil:
			if format.TelephoneEvent == 0 {
				p.frame = max(p.frame, keyTone-1+keyEnds)
			}
		case begun || format.TelephoneEvent == 0:
			key.sound = keySound(digitKeys[key.code], format.Codec)
		default:
			key.sound = nil
		}
	}
}
