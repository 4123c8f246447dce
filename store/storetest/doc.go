// Package storetest gives tests real databases: one private cluster per test binary, started when the first test asks, and
// a database of its own for every test, copied from a migrated one. So all tests of a package run in parallel.
//
//	func TestMain(m *testing.M) { storetest.Main(m, store.Migrate) }
//
//	func TestTickets(t *testing.T) {
//		t.Parallel()
//		connString := storetest.Database(t)
//		…
//	}
//
// The cluster writes nothing through to the disk: it is quicker, and its data is thrown away.
package storetest
