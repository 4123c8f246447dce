package identity

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The columns of a file of people, all of them required, in any order: were protected left
// out by mistake, everybody would lose his protection.
const (
	columnID        = "id"        // of the register: letters, digits and . _ - @, at most 64
	columnName      = "name"      // given name and family name
	columnRole      = "role"      // staff, pupil, guardian, supplier or other, or the Swedish word
	columnTitle     = "title"     // may be empty
	columnSchool    = "school"    // may be empty
	columnNumbers   = "numbers"   // telephone numbers with | between, may be empty
	columnProtected = "protected" // yes or no, ja or nej; empty is no
)

var importColumns = []string{columnID, columnName, columnRole, columnTitle, columnSchool, columnNumbers, columnProtected}

// importLimits bound what a file may make us hold.
type importLimits struct {
	bytes    int64 // of the file
	rows     int   // below the header
	field    int   // characters of a field
	numbers  int   // of one person
	problems int   // that are collected before reading stops
}

var defaultImportLimits = importLimits{bytes: 256 << 20, rows: 1_000_000, field: 200, numbers: 10, problems: 50}

// ImportProblem is one thing that is wrong with a file of people.
type ImportProblem struct {
	Line     int    // from 1, as an editor counts
	Column   string // a column's name, "" when it is not one field that is wrong
	Value    string // what stands there, cut; "" when it is absent or must not be repeated
	Expected string // what is wrong or was expected, in plain words
}

func (p ImportProblem) String() string {
	text := &strings.Builder{}
	fmt.Fprintf(text, "line %d", p.Line)
	if p.Column != "" {
		fmt.Fprintf(text, ", column %s", p.Column)
	}
	text.WriteString(": ")
	if p.Value != "" {
		fmt.Fprintf(text, "%q: ", p.Value)
	}
	text.WriteString(p.Expected)
	return text.String()
}

// ImportError says why a file of people was not imported. It may hold personal data from the
// file: show it to whoever imports, and keep it out of logs.
type ImportError struct {
	Problems []ImportProblem
	// Stopped tells that reading ended early, so that the rest of the file may hold more.
	Stopped bool
}

func (e *ImportError) Error() string {
	text := &strings.Builder{}
	for i, problem := range e.Problems {
		if i > 0 {
			text.WriteByte('\n')
		}
		text.WriteString(problem.String())
	}
	if e.Stopped {
		text.WriteString("\nreading stopped here; the rest of the file was not checked")
	}
	return text.String()
}

// ParsePeople reads a file of people: CSV (RFC 4180) in UTF-8, with or without byte order mark,
// with a header line of the columns id, name, role, title, school, numbers and protected in any
// order, and semicolons (as Swedish spreadsheets write), commas or tabs between fields. Lines
// without any value are skipped.
//
// It returns all people or none: every problem of the file, up to 50, is collected in an
// [*ImportError] by line and column. Another encoding is refused rather than guessed: a wrong
// guess spoils names without a sign. Limits: 256 MB, 1,000,000 rows, 200 characters in a field,
// 10 numbers for a person. Any other error comes from reading the file.
func ParsePeople(file io.Reader) ([]Person, error) {
	return parsePeople(file, defaultImportLimits)
}

func parsePeople(file io.Reader, limits importLimits) ([]Person, error) {
	limited := &boundedReader{reader: file, remaining: limits.bytes}
	parser := &peopleParser{limits: limits, lineOfID: map[PersonID]int{}}
	people, err := parser.parse(bufio.NewReaderSize(limited, 64<<10))
	var malformed *csv.ParseError
	switch {
	case errors.Is(err, errImportTooLarge):
		parser.stop(parser.line, fmt.Sprintf("the file is larger than %d bytes; split it", limits.bytes))
	case errors.As(err, &malformed):
		parser.stop(malformed.StartLine, fmt.Sprintf("not readable as CSV (%v); put a field that holds quotes in quotes, and double those within", malformed.Err))
	case err != nil:
		return nil, fmt.Errorf("read people: %w", err)
	}
	if found := &parser.found; len(found.Problems) > 0 {
		if len(found.Problems) > limits.problems { // the last row had several
			found.Problems, found.Stopped = found.Problems[:limits.problems], true
		}
		return nil, found
	}
	return people, nil
}

// peopleParser collects what is wrong while it reads.
type peopleParser struct {
	limits   importLimits
	columns  []string // by position, from the header
	line     int      // of the row that is read
	lineOfID map[PersonID]int
	found    ImportError
}

// errStopImport ends the reading after a problem that the rest of the file cannot be checked
// behind.
var errStopImport = errors.New("import stopped")

func (p *peopleParser) stop(line int, expected string) {
	p.found.Problems = append(p.found.Problems, ImportProblem{Line: max(line, 1), Expected: expected})
	p.found.Stopped = true
}

func (p *peopleParser) report(column, value, expected string) {
	const maxShown = 40
	if shown := []rune(value); len(shown) > maxShown {
		value = string(shown[:maxShown]) + "…"
	}
	p.found.Problems = append(p.found.Problems, ImportProblem{p.line, column, value, expected})
}

func (p *peopleParser) parse(file *bufio.Reader) ([]Person, error) {
	reader, err := p.openCSV(file)
	if err != nil || reader == nil {
		return nil, err
	}
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		p.line = 1
		p.report("", "", "the file is empty; "+expectedHeader)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p.line, _ = reader.FieldPos(0)
	if !p.readHeader(header) {
		return nil, nil
	}
	var people []Person
	for rows := 0; ; {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		p.line, _ = reader.FieldPos(0)
		if isBlank(fields) {
			continue
		}
		if rows++; rows > p.limits.rows {
			p.stop(p.line, fmt.Sprintf("more than %d people; split the file", p.limits.rows))
			return nil, nil
		}
		person, err := p.readPerson(fields)
		if errors.Is(err, errStopImport) {
			return nil, nil
		}
		if len(p.found.Problems) >= p.limits.problems {
			p.found.Stopped = true
			return nil, nil
		}
		if len(p.found.Problems) == 0 {
			people = append(people, person)
		}
	}
	if len(people) == 0 && len(p.found.Problems) == 0 {
		p.report("", "", "there is nobody below the header")
	}
	return people, nil
}

// openCSV finds out how the file is written. It returns no reader after a problem.
func (p *peopleParser) openCSV(file *bufio.Reader) (*csv.Reader, error) {
	const mostHeader = 4096
	start, err := file.Peek(mostHeader)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	text := string(start)
	const byteOrderMark = "\ufeff"
	switch {
	case strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff"):
		p.stop(1, "the file is UTF-16; save it as \"CSV UTF-8\"")
		return nil, nil
	case strings.HasPrefix(text, "PK\x03\x04"):
		p.stop(1, "the file is a workbook or an archive; save it as \"CSV UTF-8\"")
		return nil, nil
	case strings.HasPrefix(text, byteOrderMark):
		text = text[len(byteOrderMark):]
		if _, err := file.Discard(len(byteOrderMark)); err != nil {
			return nil, err
		}
	}
	reader := csv.NewReader(file)
	reader.FieldsPerRecord = -1 // counted here, to name the line and go on
	reader.ReuseRecord = true
	header, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	for _, delimiter := range ";\t" {
		if strings.ContainsRune(header, delimiter) {
			reader.Comma = delimiter
			break
		}
	}
	return reader, nil
}

var expectedHeader = "the first line must name the columns " + strings.Join(importColumns, ", ")

func (p *peopleParser) readHeader(header []string) bool {
	isColumn := func(name string) bool {
		return slices.Contains(importColumns, strings.ToLower(strings.TrimSpace(name)))
	}
	if !slices.ContainsFunc(header, isColumn) {
		p.stop(p.line, "no header; "+expectedHeader)
		return false
	}
	for _, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case !utf8.ValidString(name):
			p.report("", "", notUTF8)
		case !isColumn(name):
			p.report("", name, "no such column; the columns are "+strings.Join(importColumns, ", "))
		case slices.Contains(p.columns, name):
			p.report(name, "", "the header names this column twice")
		}
		p.columns = append(p.columns, name)
		if len(p.found.Problems) >= p.limits.problems {
			break
		}
	}
	for _, name := range importColumns {
		if !slices.Contains(p.columns, name) {
			p.report(name, "", "the header lacks this column")
		}
	}
	p.found.Stopped = len(p.found.Problems) > 0
	return !p.found.Stopped
}

const notUTF8 = "the file is not UTF-8 (older spreadsheets write Windows-1252); save it as \"CSV UTF-8\""

// readPerson reads one row and reports all that is wrong with it. Its error is errStopImport
// or nil.
func (p *peopleParser) readPerson(fields []string) (Person, error) {
	if len(fields) != len(p.columns) {
		p.report("", "", fmt.Sprintf("%d fields where the header has %d columns; put a field that holds the delimiter in quotes", len(fields), len(p.columns)))
		return Person{}, nil
	}
	var person Person
	for i, column := range p.columns {
		value := strings.TrimSpace(strings.Clone(fields[i]))
		switch {
		case !utf8.ValidString(value):
			// Most other rows would say the same.
			p.report(column, "", notUTF8)
			p.found.Stopped = true
			return Person{}, errStopImport
		case utf8.RuneCountInString(value) > p.limits.field:
			p.report(column, value, fmt.Sprintf("longer than %d characters", p.limits.field))
			continue
		case strings.ContainsFunc(value, unicode.IsControl):
			p.report(column, value, "a line break or another control character")
			continue
		}
		switch column {
		case columnID:
			person.ID = p.readID(value)
		case columnName:
			if value == "" {
				p.report(column, "", "the name is missing")
			}
			person.Name = value
		case columnRole:
			person.Role = p.readRole(value)
		case columnTitle:
			person.Title = value
		case columnSchool:
			person.School = value
		case columnNumbers:
			person.Numbers = p.readNumbers(value)
		case columnProtected:
			person.Protected = p.readProtected(value)
		}
	}
	return person, nil
}

func (p *peopleParser) readID(value string) PersonID {
	const longest = 64
	isAllowed := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-@", r)
	}
	id := PersonID(value)
	switch {
	case value == "":
		p.report(columnID, "", "the id is missing")
	case len(value) > longest || strings.ContainsFunc(value, func(r rune) bool { return !isAllowed(r) }):
		p.report(columnID, value, fmt.Sprintf("an id has letters, digits and . _ - @ only, and at most %d bytes", longest))
	case isPersonalIdentityNumber(value):
		p.report(columnID, "", "this is a personal identity number, which must not be an identifier; use the register's own id")
	case p.lineOfID[id] != 0:
		p.report(columnID, value, fmt.Sprintf("the same id stands on line %d", p.lineOfID[id]))
	default:
		p.lineOfID[id] = p.line
		return id
	}
	return ""
}

// roleWords are the Swedish words that a register has for the roles.
var roleWords = map[string]PersonRole{
	"medarbetare": RoleStaff, "elev": RolePupil, "vårdnadshavare": RoleGuardian, "leverantör": RoleSupplier, "övrig": RoleOther,
}

func (p *peopleParser) readRole(value string) PersonRole {
	word := strings.ToLower(value)
	if role := PersonRole(word); role.Valid() {
		return role
	}
	role, known := roleWords[word]
	if !known {
		p.report(columnRole, value, "expected staff, pupil, guardian, supplier or other (or medarbetare, elev, vårdnadshavare, leverantör, övrig)")
	}
	return role
}

func (p *peopleParser) readNumbers(value string) []Number {
	var numbers []Number
	for text := range strings.FieldsFuncSeq(value, func(r rune) bool { return strings.ContainsRune("|;,", r) }) {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		number, err := ParseNumber(text, HomeRegion)
		switch {
		case err != nil:
			p.report(columnNumbers, text, "expected a telephone number such as 08-465 004 01 or +44 20 7946 0018, several with | between (spreadsheets drop a leading zero: make the column text)")
		case number.IsShort():
			p.report(columnNumbers, text, "a short code belongs to a service, not to a person")
		case !slices.Contains(numbers, number):
			numbers = append(numbers, number)
		}
		if len(p.found.Problems) >= p.limits.problems {
			break
		}
	}
	if len(numbers) > p.limits.numbers {
		p.report(columnNumbers, value, fmt.Sprintf("%d numbers, at most %d", len(numbers), p.limits.numbers))
	}
	return numbers
}

func (p *peopleParser) readProtected(value string) bool {
	switch strings.ToLower(value) {
	case "", "no", "nej", "false", "falskt", "0":
		return false
	case "yes", "ja", "true", "sant", "1":
		return true
	}
	p.report(columnProtected, value, "expected yes or no (ja or nej)")
	return true
}

func isBlank(fields []string) bool {
	return !slices.ContainsFunc(fields, func(field string) bool { return strings.TrimSpace(field) != "" })
}

// isPersonalIdentityNumber tells a Swedish personnummer or samordningsnummer (its day plus 60)
// by form, date and check digit: YYMMDD-NNNN, with or without century and dash (row D7).
func isPersonalIdentityNumber(text string) bool {
	digits := strings.NewReplacer("-", "", "+", "").Replace(text)
	if len(digits) == 12 {
		digits = digits[2:]
	}
	if len(digits) != 10 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	month := digits[2:4]
	day := (int(digits[4]-'0')*10 + int(digits[5]-'0')) % 60
	if month < "01" || month > "12" || day < 1 || day > 31 {
		return false
	}
	sum := 0
	for i, digit := range []byte(digits) {
		value := int(digit - '0')
		if i%2 == 0 {
			value *= 2
		}
		sum += value/10 + value%10
	}
	return sum%10 == 0
}

// errImportTooLarge ends a file that is over its limit.
var errImportTooLarge = errors.New("file too large")

// boundedReader fails past its limit, where io.LimitReader would end as if all were read.
type boundedReader struct {
	reader    io.Reader
	remaining int64
}

func (b *boundedReader) Read(buffer []byte) (int, error) {
	if b.remaining < 0 {
		return 0, errImportTooLarge
	}
	n, err := b.reader.Read(buffer[:min(int64(len(buffer)), b.remaining+1)])
	b.remaining -= int64(n)
	if b.remaining < 0 {
		return 0, errImportTooLarge
	}
	return n, err
}
