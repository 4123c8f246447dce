// Package private runs a PostgreSQL cluster that belongs to one Svar data directory, so that `svar serve` works on a
// machine where nobody has set up a database.
//
// It owns the directory it is given and everything in it:
//
//	lock         held by flock(2) while a cluster of this directory runs; names the holder's process id
//	cluster/     PostgreSQL's own data, made whole or not at all
//	password     the password of the role "svar" (mode 0600); the server knows no other way in
//	socket/      the Unix socket (mode 0700), unless its path is too long and an abstract socket is used
//	log/         what the server says, in two files of limited size
//
// The server listens on no network address. It dies with the process that started it, also when that process is
// killed by SIGKILL, and what was committed is there at the next start. As root it runs as an unprivileged user.
//
// The package knows nothing of Svar's tables: migrations and queries are package store's. With SVAR_DATABASE_URL it is
// not used at all. It needs Linux (parent-death signal, process descriptors, /proc).
package private
