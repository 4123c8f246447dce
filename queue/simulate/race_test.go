//go:build race

package simulate_test

// underRace says that every step costs some ten times as much: what is proven without it is only run then.
const underRace = true
