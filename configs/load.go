package configs

import (
	"bytes"
	_ "embed" // the defaults
	"encoding"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"svar/contact"
)

//go:embed svar.yaml
var defaults []byte

// Defaults returns the text of the built-in configuration.
func Defaults() []byte { return bytes.Clone(defaults) }

// EnvPrefix begins the name of every environment variable that sets a value.
const EnvPrefix = "SVAR_"

// Load reads the file at path (empty: only the defaults) over the defaults, then the
// environment over both, and checks the whole. lookUp is os.LookupEnv, or a test's own.
// The error joins all faults, each as "file:line:column: what is wrong", or with the variable
// that set the value instead of the place.
func Load(path string, lookUp func(string) (string, bool)) (Config, error) {
	config, built, err := builtIn()
	if err != nil {
		return Config{}, err
	}
	sources := []source{built}
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return Config{}, fmt.Errorf("read the configuration: %w", err)
		}
		own, err := decode(path, data, &config)
		if err != nil {
			return Config{}, err
		}
		sources = append(sources, own)
	}
	env := &environment{lookUp: lookUp, named: map[string]string{}}
	if err := env.override(reflect.ValueOf(&config).Elem(), EnvPrefix, "$"); err != nil {
		return Config{}, err
	}
	config.Warnings, err = check(config, sources, env.named)
	config.speakLanguages()
	return config, err
}

// readDefaults reads the defaults, which are the same as long as the process lives: their YAML is by far the
// longest part of a Load.
var readDefaults = sync.OnceValue(func() builtInRead {
	var read builtInRead
	read.source, read.err = decode("built-in svar.yaml", defaults, &read.config)
	return read
})

type builtInRead struct {
	config Config
	source source
	err    error
}

// builtIn returns the defaults, which share nothing with what others were given.
func builtIn() (Config, source, error) {
	read := readDefaults()
	config := read.config
	unshare(reflect.ValueOf(&config).Elem())
	return config, read.source, read.err
}

// unshare puts copies in the place of all lists, maps and pointers in a value that can be set. What a type of another
// package hides in itself, such as an address, is never changed and stays.
func unshare(value reflect.Value) {
	switch value.Kind() {
	case reflect.Struct:
		for i := range value.NumField() {
			if field := value.Field(i); field.CanSet() {
				unshare(field)
			}
		}
	case reflect.Array:
		for i := range value.Len() {
			unshare(value.Index(i))
		}
	case reflect.Slice:
		if value.IsNil() {
			return
		}
		own := reflect.MakeSlice(value.Type(), value.Len(), value.Len())
		reflect.Copy(own, value)
		for i := range own.Len() {
			unshare(own.Index(i))
		}
		value.Set(own)
	case reflect.Map:
		if value.IsNil() {
			return
		}
		own := reflect.MakeMapWithSize(value.Type(), value.Len())
		for key, shared := range value.Seq2() {
			element := reflect.New(shared.Type()).Elem()
			element.Set(shared)
			unshare(element)
			own.SetMapIndex(key, element)
		}
		value.Set(own)
	case reflect.Pointer:
		if value.IsNil() {
			return
		}
		own := reflect.New(value.Type().Elem())
		own.Elem().Set(value.Elem())
		unshare(own.Elem())
		value.Set(own)
	default: // it shares nothing
	}
}

// source is a file that was read, for the place of a fault found later.
type source struct {
	name string
	file *ast.File
}

func options() []yaml.DecodeOption {
	return []yaml.DecodeOption{
		yaml.Strict(), yaml.DisallowUnknownField(), yaml.CustomUnmarshaler(millis),
		written[Address]("is not an IP address, such as 192.0.2.7"), written[netip.Addr]("is not an IP address, such as 192.0.2.7"),
		written[netip.AddrPort]("is not an IP address with a port, such as 192.0.2.7:5060"),
		written[netip.Prefix]("is not a range of addresses, such as 192.0.2.0/24"),
	}
}

// written reads what a type of its own reads from text: the YAML library loses the place of its faults.
func written[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](fault string) yaml.DecodeOption {
	return yaml.CustomUnmarshaler(func(into *T, data []byte) error {
		text := scalar(data)
		if P(into).UnmarshalText([]byte(text)) != nil {
			return &valueFault{value: text, what: fault}
		}
		return nil
	})
}

func scalar(data []byte) string { return strings.Trim(strings.TrimSpace(string(data)), `"'`) }

// millis reads a length of time as people write it: 15s, 1m30s.
func millis(into *contact.Millis, data []byte) error {
	text := scalar(data)
	length, err := time.ParseDuration(text)
	if err != nil {
		return &valueFault{value: text, what: "is not a length of time; write it as 15s or 1m30s"}
	}
	*into = contact.MillisOf(length)
	return nil
}

// valueFault is a value that cannot be read. The YAML library does not say where it is.
type valueFault struct{ value, what string }

func (f *valueFault) Error() string { return fmt.Sprintf("%q %s", f.value, f.what) }

// find returns the first place in the file that has the value.
func (f *valueFault) find(file *ast.File) *token.Position {
	search := &valueSearch{value: f.value}
	for _, doc := range file.Docs {
		ast.Walk(search, doc)
	}
	return search.found
}

type valueSearch struct {
	value string
	found *token.Position
}

// Visit implements [ast.Visitor].
func (s *valueSearch) Visit(node ast.Node) ast.Visitor {
	if scalar, is := node.(ast.ScalarNode); is && s.found == nil && scalar.GetToken().Value == s.value {
		s.found = scalar.GetToken().Position
	}
	return s
}

// Decode reads a YAML file of another kind as strictly as the configuration: an unknown or repeated key is a fault,
// and every fault is written "file:line:column: what is wrong". place gives the "file:line:column: " of a path,
// such as $.streams[0].channel, or of what that is in when the file says nothing there.
func Decode(name string, data []byte, into any) (place func(path string) string, err error) {
	read, err := decode(name, data, into)
	return func(path string) string {
		for at := path; at != ""; at = above(at) {
			if position := read.position(at); position != "" {
				return position
			}
		}
		return name + ": "
	}, err
}

func decode(name string, data []byte, into any) (source, error) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return source{}, placed(name, err)
	}
	read := source{name: name, file: file}
	if !slices.ContainsFunc(file.Docs, func(d *ast.DocumentNode) bool { return d.Body != nil && d.Body.Type() != ast.CommentType }) {
		return read, nil // the file says nothing; decoding it would empty into
	}
	if err := yaml.NewDecoder(bytes.NewReader(data), options()...).Decode(into); err != nil {
		if fault := (*valueFault)(nil); errors.As(err, &fault) {
			if position := fault.find(file); position != nil {
				return source{}, fmt.Errorf("%s:%d:%d: %w", name, position.Line, position.Column, fault)
			}
		}
		return source{}, placed(name, err)
	}
	return read, nil
}

// placed writes a fault of the YAML library as file:line:column: text.
func placed(name string, err error) error {
	fault := yaml.Error(nil)
	if errors.As(err, &fault) && fault.GetToken() != nil && fault.GetToken().Position != nil {
		position := fault.GetToken().Position
		return fmt.Errorf("%s:%d:%d: %s", name, position.Line, position.Column, inWords(fault))
	}
	return fmt.Errorf("%s: %w", name, err)
}

// inWords says what is wrong to whoever writes the file: the YAML library speaks of types of Go.
func inWords(fault yaml.Error) string {
	if overflow := (*yaml.OverflowError)(nil); errors.As(fault, &overflow) {
		switch kind := overflow.DstType.Kind(); kind {
		case reflect.Uint8, reflect.Uint16, reflect.Uint32:
			return fmt.Sprintf("%s is not within 0–%d", overflow.SrcNum, uint64(1)<<overflow.DstType.Bits()-1)
		default:
			return overflow.SrcNum + " is too large or too small a number here"
		}
	}
	if wrong := (*yaml.TypeError)(nil); errors.As(fault, &wrong) {
		return fmt.Sprintf("%s stands where %s is expected", kindInWords(wrong.SrcType), kindInWords(wrong.DstType))
	}
	return fault.GetMessage()
}

func kindInWords(of reflect.Type) string {
	if of == nil {
		return "something else"
	}
	switch of.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a group of settings"
	case reflect.Pointer:
		return kindInWords(of.Elem())
	default:
		return "a number"
	}
}

// environment sets values by variables, and knows which ones it has set.
type environment struct {
	lookUp func(string) (string, bool)
	// named are the variables by the path of what they set ("$.http.address").
	named map[string]string
}

// override sets every value that the environment names. A list of settings is set as a whole
// by files alone, but the values of what has an id in it can be: secrets of mailboxes need
// not lie in a file.
func (e *environment) override(value reflect.Value, prefix, path string) error {
	var faults []error
	for i := range value.NumField() {
		field := value.Field(i)
		key := value.Type().Field(i).Tag.Get("yaml")
		name, at := prefix+strings.ToUpper(key), path+"."+key
		switch {
		case isSection(field):
			faults = append(faults, e.override(field, name+"_", at))
		case field.Kind() == reflect.Slice && isSection(reflect.Zero(field.Type().Elem())):
			for j := range field.Len() {
				if id := elementID(field.Index(j)); id != "" {
					faults = append(faults, e.override(field.Index(j), name+"_"+id+"_", fmt.Sprintf("%s[%d]", at, j)))
				}
			}
		case field.Kind() == reflect.Map || field.Kind() == reflect.Pointer:
		default:
			faults = append(faults, e.set(field, name, at))
		}
	}
	return errors.Join(faults...)
}

// elementID returns the id of an element of a list as names of the environment have it; ""
// when it has none.
func elementID(element reflect.Value) string {
	if element.Kind() != reflect.Struct {
		return ""
	}
	id := element.FieldByName("ID")
	if !id.IsValid() || id.Kind() != reflect.String {
		return ""
	}
	return strings.ToUpper(strings.ReplaceAll(id.String(), "-", "_"))
}

// set sets one value, or a list of single ones, if the environment names it.
func (e *environment) set(field reflect.Value, name, path string) error {
	text, named := e.lookUp(name)
	if !named {
		return nil
	}
	e.named[path] = name
	if field.Kind() == reflect.String {
		field.SetString(text) // as it is: a token of digits stays one
		return nil
	}
	value := text
	if field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.String {
		setTexts(field, text)
		return nil
	}
	if field.Kind() == reflect.Slice {
		if !strings.HasPrefix(strings.TrimSpace(text), "[") {
			value = "[" + text + "]"
		}
		field.SetZero()
	}
	if err := yaml.UnmarshalWithOptions([]byte(value), field.Addr().Interface(), options()...); err != nil {
		return fmt.Errorf("environment variable %s: %q cannot be read: %w", name, text, plain(err))
	}
	return nil
}

// setTexts sets a list of texts as they are: the beginning of a number, +46, stays one.
func setTexts(field reflect.Value, text string) {
	field.SetZero()
	text = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "["), "]")
	for part := range strings.SplitSeq(text, ",") {
		if part = scalar([]byte(part)); part != "" {
			field.Set(reflect.Append(field, reflect.ValueOf(part).Convert(field.Type().Elem())))
		}
	}
}

// isSection tells a group of settings from a single value that is a struct in Go.
func isSection(field reflect.Value) bool {
	return field.Kind() == reflect.Struct && field.Type().PkgPath() == reflect.TypeFor[Config]().PkgPath() &&
		field.Type() != reflect.TypeFor[Address]()
}

func plain(err error) error {
	if fault := yaml.Error(nil); errors.As(err, &fault) {
		return errors.New(inWords(fault))
	}
	return err
}
