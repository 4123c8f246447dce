package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// leastThreads is how many goroutines run at one time at the least. A turn of the queue is a dozen hops between goroutines, and with two
	// threads on two cores each hop waits while the collector or a write to the disk has one of them: with four the operating system
	// shares the cores out, and appends take half of the time.
	leastThreads = 4
	// collectAt is by how many percent the heap grows until it is collected: each collection takes a core from the calls while it lasts. More
	// than that would take more than 100 MB for a thousand callers who wait.
	collectAt = 150
)

// tune fits Go's scheduler and collector to what Svar does, as far as the environment does not (GOMAXPROCS, GOGC).
func tune() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < leastThreads {
		runtime.GOMAXPROCS(leastThreads)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
}
