package configs

import (
	"bytes"
	_ "embed" // the defaults
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

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
// The error joins all faults, each as "file:line:column: what is wrong".
func Load(path string, lookUp func(string) (string, bool)) (Config, error) {
	var config Config
	built, err := decode("built-in svar.yaml", defaults, &config)
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
	if err := override(reflect.ValueOf(&config).Elem(), EnvPrefix, lookUp); err != nil {
		return Config{}, err
	}
	return config, check(config, sources)
}

// source is a file that was read, for the place of a fault found later.
type source struct {
	name string
	file *ast.File
}

func options() []yaml.DecodeOption {
	return []yaml.DecodeOption{yaml.Strict(), yaml.DisallowUnknownField(), yaml.CustomUnmarshaler(millis)}
}

// millis reads a length of time as people write it: 15s, 1m30s.
func millis(into *contact.Millis, data []byte) error {
	text := strings.Trim(strings.TrimSpace(string(data)), `"'`)
	length, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a length of time; write it as 15s or 1m30s", text)
	}
	*into = contact.MillisOf(length)
	return nil
}

func decode(name string, data []byte, into *Config) (source, error) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return source{}, placed(name, err)
	}
	read := source{name: name, file: file}
	if !slices.ContainsFunc(file.Docs, func(d *ast.DocumentNode) bool { return d.Body != nil && d.Body.Type() != ast.CommentType }) {
		return read, nil // the file says nothing; decoding it would empty into
	}
	if err := yaml.NewDecoder(bytes.NewReader(data), options()...).Decode(into); err != nil {
		return source{}, placed(name, err)
	}
	return read, nil
}

// placed writes a fault of the YAML library as file:line:column: text.
func placed(name string, err error) error {
	fault := yaml.Error(nil)
	if errors.As(err, &fault) && fault.GetToken() != nil && fault.GetToken().Position != nil {
		position := fault.GetToken().Position
		return fmt.Errorf("%s:%d:%d: %s", name, position.Line, position.Column, fault.GetMessage())
	}
	return fmt.Errorf("%s: %w", name, err)
}

// override sets every single value (not lists and maps) that the environment names.
func override(value reflect.Value, prefix string, lookUp func(string) (string, bool)) error {
	var faults []error
	for i := range value.NumField() {
		field := value.Field(i)
		name := prefix + strings.ToUpper(value.Type().Field(i).Tag.Get("yaml"))
		if isSection(field) {
			faults = append(faults, override(field, name+"_", lookUp))
			continue
		}
		if field.Kind() == reflect.Slice || field.Kind() == reflect.Map {
			continue
		}
		text, set := lookUp(name)
		if !set {
			continue
		}
		if field.Kind() == reflect.String {
			field.SetString(text) // as it is: a token of digits stays one
			continue
		}
		if err := yaml.UnmarshalWithOptions([]byte(text), field.Addr().Interface(), options()...); err != nil {
			faults = append(faults, fmt.Errorf("environment variable %s: %q cannot be read: %w", name, text, plain(err)))
		}
	}
	return errors.Join(faults...)
}

// isSection tells a group of settings from a single value that is a struct in Go.
func isSection(field reflect.Value) bool {
	return field.Kind() == reflect.Struct && field.Type().PkgPath() == reflect.TypeFor[Config]().PkgPath() &&
		field.Type() != reflect.TypeFor[Address]()
}

func plain(err error) error {
	if fault := yaml.Error(nil); errors.As(err, &fault) {
		return errors.New(fault.GetMessage())
	}
	return err
}
