//go:build race

package main

// underRace says that this test binary looks for races.
const underRace = true
