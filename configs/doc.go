// Package configs loads Svar's configuration: one YAML file, strict, over the defaults
// of svar.yaml, with every single value overridable by an environment variable.
//
// Whatever is wrong is said with file, line and column, references between the parts
// included (a flow that names a prompt that does not exist), and all of it at once; what is
// allowed but hardly meant is a warning. The package decides nothing: it fills the settings
// that package cmd hands to the others.
package configs
