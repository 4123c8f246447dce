//go:build race

package queue_test

// underRace says that every step costs some six times as much.
const underRace = true
