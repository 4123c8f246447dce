package mail

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/jhillyerd/enmime/v2"
	"github.com/jhillyerd/enmime/v2/mediatype"
	"golang.org/x/text/encoding/charmap"
)

// read takes a mail apart. costly says that it was not read to its end, because its making would
// keep the library busy for years: a multipart inside another that never ends doubles its time,
// and the time for parts grows with their square. No mail that a person writes is like that.
func read(raw []byte) (envelope *enmime.Envelope, costly bool, err error) {
	raw = withReadableHeader(raw)
	watched := &watch{raw: raw, boundaries: map[string]bool{}}
	// Text is not made from HTML here: the tree that this takes has no bound.
	envelope, err = enmime.NewParser(
		enmime.SkipMalformedParts(true), enmime.MultipartWOBoundaryAsSinglePart(true), enmime.DisableTextConversion(true),
		enmime.MaxStoredPartErrors(20), enmime.SetCustomParseMediaType(watched.mediaType),
		enmime.SetReadPartErrorPolicy(func(*enmime.Part, error) bool { return true }), // half a part is better than none
	).ReadEnvelope(bytes.NewReader(raw))
	return envelope, watched.exceeded, err
}

// watch sees every Content-Type that the library comes upon, before it acts on it.
type watch struct {
	raw        []byte
	boundaries map[string]bool
	parts      int
	exceeded   bool
}

// mediaType reads a Content-Type, or a Content-Disposition, which has the same grammar, as its
// sender must have meant it.
func (w *watch) mediaType(value string) (kind string, params map[string]string, invalid []string, err error) {
	kind, params, invalid, err = mediatype.ParseWithOptions(value, mediatype.ParseOptions{StripMediaTypeInvalidCharacters: true})
	for _, disposition := range []string{"attachment", "inline"} {
		if _, is := cutPrefixFold(strings.TrimSpace(value), disposition); is {
			return disposition, params, invalid, nil
		}
	}
	if strings.TrimSpace(value) == "" {
		return kind, params, invalid, err
	}
	if boundary := params["boundary"]; boundary != "" && !w.affordable(boundary) || boundary == "" && strings.HasPrefix(kind, "multipart/") {
		return "text/plain", map[string]string{}, invalid, nil
	}
	if err != nil || !strings.Contains(kind, "/") {
		return "application/octet-stream", map[string]string{}, invalid, nil //nolint:nilerr // what has no readable type is a file: as text its bytes could change
	}
	// What is beyond ASCII in a text that promises ASCII is most often UTF-8, and ASCII is UTF-8 as well.
	if charset := strings.ToLower(params["charset"]); charset == "us-ascii" || charset == "ascii" {
		params["charset"] = "utf-8"
	}
	return kind, params, invalid, nil
}

// affordable reports whether one more multipart may be read. A boundary that was met already ends
// where it is met again, so that it adds nothing.
func (w *watch) affordable(boundary string) bool {
	if w.boundaries[boundary] {
		return true
	}
	parts := bytes.Count(w.raw, []byte("--"+boundary))
	if len(w.boundaries) == maxMultiparts || w.parts+parts > maxParts {
		w.exceeded = true
		return false
	}
	w.boundaries[boundary] = true
	w.parts += parts
	return true
}

// withReadableHeader returns the mail with a header in UTF-8. Old programs write letters into it
// as they are, which is against the rules, and means Windows' West European ones.
func withReadableHeader(raw []byte) []byte {
	end := bytes.Index(raw, []byte("\n\r\n"))
	if bare := bytes.Index(raw, []byte("\n\n")); bare >= 0 && (end < 0 || bare < end) {
		end = bare
	}
	if end < 0 {
		end = len(raw)
	}
	if utf8.Valid(raw[:end]) {
		return raw
	}
	header, err := charmap.Windows1252.NewDecoder().Bytes(raw[:end])
	if err != nil {
		return raw
	}
	return append(header, raw[end:]...)
}
