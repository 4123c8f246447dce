package mail

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"

	"github.com/jhillyerd/enmime/v2"
	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// policy is what HTML of a stranger may have: text, its shape, links that open elsewhere, and
// pictures that came with the mail, as data. Nothing that is loaded, runs, or takes input. The
// console shows it in a sandboxed frame all the same.
var policy = newPolicy()

var dataImage = regexp.MustCompile(`^data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*$`)

func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements(
		"a", "abbr", "address", "article", "b", "big", "blockquote", "br", "center", "cite", "code", "dd", "del", "details", "dfn", "div", "dl", "dt", "em",
		"figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "ins", "kbd", "li", "main", "mark", "ol", "p", "pre",
		"q", "s", "samp", "section", "small", "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
	)
	p.AllowNoAttrs().OnElements("a", "font", "span")
	number := regexp.MustCompile(`^[0-9]{1,4}%?$`)
	p.AllowAttrs("width", "height", "border", "cellpadding", "cellspacing").Matching(number).OnElements("table", "td", "th", "tr", "img", "hr")
	p.AllowAttrs("colspan", "rowspan", "start").Matching(number).OnElements("td", "th", "ol")
	p.AllowAttrs("align", "valign").Matching(regexp.MustCompile(`^(?i)(left|right|center|justify|top|middle|bottom)$`)).Globally()
	p.AllowAttrs("dir").Matching(bluemonday.Direction).Globally()
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[A-Za-z-]{2,20}$`)).Globally()
	p.AllowAttrs("bgcolor", "color").Matching(regexp.MustCompile(`^(#[0-9A-Fa-f]{3,8}|[A-Za-z]{3,20})$`)).OnElements("table", "td", "th", "tr", "font")
	p.AllowStyles("color", "background-color", "font-weight", "font-style", "text-decoration", "text-align").Globally()
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	p.AllowAttrs("src").Matching(dataImage).OnElements("img")
	p.AllowURLSchemeWithCustomPolicy("data", func(u *url.URL) bool { return dataImage.MatchString(u.String()) })
	p.AllowAttrs("alt").Matching(bluemonday.Paragraph).OnElements("img")
	p.SkipElementsContent("script", "style", "title", "head", "noscript", "object", "svg", "math", "template", "textarea", "select", "iframe", "audio", "video", "applet")
	return p
}

// sanitise returns HTML that is safe to show. Pictures that came with the mail are put in;
// instead of every other one stands a note.
func sanitise(body string, images map[string]string, words notes) string {
	cleaned := policy.Sanitize(replaceImages(cleanText(cutBytes(body, maxHTML)), images, words))
	if len(cleaned) > maxHTML {
		// Its pictures are among the attachments.
		cleaned = policy.Sanitize(replaceImages(cleanText(cutBytes(body, maxHTML)), nil, words))
	}
	return strings.TrimSpace(cutBytes(cleaned, maxHTML))
}

// replaceImages goes through the tags one by one; everything but pictures stays as it is.
func replaceImages(body string, images map[string]string, words notes) string {
	var out bytes.Buffer
	room := maxHTML
	tokens := html.NewTokenizer(strings.NewReader(body))
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return out.String()
		}
		raw := append([]byte(nil), tokens.Raw()...)
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			out.Write(raw)
			continue
		}
		token := tokens.Token()
		if token.DataAtom != atom.Img && token.DataAtom != atom.Image {
			out.Write(raw)
			continue
		}
		shown := shownImage(token, images, words)
		if room -= len(shown); room > 0 {
			out.WriteString(shown)
		}
	}
}

// shownImage is what stands where the picture was. Pictures of one or two pixels are how
// senders learn who has read a mail: they leave nothing.
func shownImage(token html.Token, images map[string]string, words notes) string {
	attributes := map[string]string{}
	for _, attribute := range token.Attr {
		if _, twice := attributes[attribute.Key]; !twice {
			attributes[attribute.Key] = attribute.Val
		}
	}
	alt := cleanLine(attributes["alt"], maxNameRunes)
	src := strings.TrimSpace(attributes["src"])
	note := words.image
	if id, isPart := cutPrefixFold(src, "cid:"); isPart {
		if decoded, err := url.PathUnescape(id); err == nil {
			id = decoded
		}
		if data, known := images[strings.Trim(id, "<>")]; known {
			return `<img src="` + data + `" alt="` + html.EscapeString(alt) + `">`
		}
		note = words.file
	} else if dataImage.MatchString(src) && len(src) <= maxInlineImage {
		return `<img src="` + src + `" alt="` + html.EscapeString(alt) + `">`
	} else if isTiny(attributes["width"]) || isTiny(attributes["height"]) {
		return ""
	}
	if alt != "" {
		note = alt + ", " + note
	}
	return "<em>[" + html.EscapeString(note) + "]</em>"
}

func isTiny(size string) bool {
	size = strings.TrimSuffix(strings.TrimSpace(size), "px")
	return size == "0" || size == "1" || size == "2"
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}

// inlineImages returns the pictures of the mail as data, by their Content-ID (RFC 2392). SVG is
// none of them: it is a document.
func inlineImages(envelope *enmime.Envelope) map[string]string {
	images := map[string]string{}
	for _, part := range envelope.Root.BreadthMatchAll(func(p *enmime.Part) bool { return p.ContentID != "" }) {
		kind := part.ContentType
		if kind == "image/jpg" {
			kind = "image/jpeg"
		}
		data := "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(part.Content)
		if len(data) <= maxInlineImage && dataImage.MatchString(data) {
			images[strings.Trim(part.ContentID, "<>")] = data
		}
	}
	return images
}

// plainText makes text from sanitised HTML, for lists, searches and screen readers: blocks on
// lines of their own, links by their words.
func plainText(sanitised string) string {
	var out strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(sanitised))
	for {
		switch tokens.Next() {
		case html.CommentToken, html.DoctypeToken:
		case html.ErrorToken:
			return tidyLines(out.String())
		case html.TextToken:
			out.WriteString(strings.ReplaceAll(string(tokens.Text()), "\n", " "))
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := tokens.TagName()
			switch atom.Lookup(name) { //nolint:exhaustive // all others stand within a line
			case atom.Br, atom.P, atom.Div, atom.Tr, atom.Li, atom.Table, atom.Ul, atom.Ol, atom.Blockquote, atom.Pre, atom.Hr,
				atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
				out.WriteByte('\n')
			}
		}
	}
}

// tidyLines leaves single spaces and at most one empty line.
func tidyLines(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		if line == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue
		}
		lines = append(lines, line)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func cutBytes(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "")
}
