package private

import (
	"path/filepath"
	"testing"
	"time"
)

// From nothing to a server that accepts connections, then a second start, then one after kill -9 of the server.
func BenchmarkStart(b *testing.B) {
	base := reachableDirectory(b)
	var first, second, recovery time.Duration
	for b.Loop() {
		directory := filepath.Join(base, time.Now().Format("150405.000000000"))
		first += timeStart(b, directory, false)
		second += timeStart(b, directory, true)
		recovery += timeStart(b, directory, false)
	}
	for name, total := range map[string]time.Duration{"first-ms": first, "second-ms": second, "after-kill-ms": recovery} {
		b.ReportMetric(float64(total.Milliseconds())/float64(b.N), name)
	}
}

// timeStart ends the server again: by kill -9, with something to recover, or in order.
func timeStart(b *testing.B, directory string, killed bool) time.Duration {
	b.Helper()
	begun := time.Now()
	cluster := startConfigured(b, Config{Dir: directory})
	took := time.Since(begun)
	if killed {
		execute(b, connect(b, cluster.ConnString()), "CREATE TABLE filled AS SELECT generate_series(1, 10000)")
		cluster.leave() // it is not started again
		if err := cluster.current().command.Process.Kill(); err != nil {
			b.Fatal(err)
		}
		<-cluster.Done()
	} else {
		stopCluster(b, cluster)
	}
	return took
}
