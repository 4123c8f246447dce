// Package report holds the measures: each one is a fold over recorded events, so that a
// figure can always be counted again from what happened. docs say what each measure
// means; [Formula] is printed with every figure and changes when a definition does.
//
// The package is pure: it reads no database and no clock. Who wants figures hands it the
// events of the contacts in question, in the order in which they were recorded.
package report

// Formula is the version of all definitions in this package.
const Formula = 3
