package private

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that the server runs as.
type account struct {
	name   string
	uid    uint32
	groups []uint32 // the first one is the primary group
	// credential is nil when the server runs as the user that we are already.
	credential *syscall.Credential
}

// serverAccount chooses who runs the server: ourselves, or when we are root the system user "postgres", or "nobody"
// where that does not exist. PostgreSQL refuses to run as root.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		self := account{name: strconv.Itoa(os.Geteuid()), uid: uint32(os.Geteuid()), groups: []uint32{uint32(os.Getegid())}}
		if found, err := user.LookupId(self.name); err == nil {
			self.name = found.Username
		}
		return self, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		return unprivileged(found)
	}
	return account{}, fmt.Errorf("%w: PostgreSQL must not run as root, and this machine has neither a user \"postgres\" nor \"nobody\". "+
		"Create one (`adduser --system --group postgres`) or run svar as an ordinary user", ErrUnreachable)
}

func unprivileged(found *user.User) (account, error) {
	uid, err := strconv.ParseUint(found.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("user %s has the id %q: %w", found.Username, found.Uid, err)
	}
	gid, err := strconv.ParseUint(found.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("user %s has the group id %q: %w", found.Username, found.Gid, err)
	}
	// Only the primary group: supplementary ones (on Debian ssl-cert) open doors that this server never needs.
	return account{
		name:       found.Username,
		uid:        uint32(uid),
		groups:     []uint32{uint32(gid)},
		credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
	}, nil
}

// own gives a file or directory of ours to the account; nothing to do when the account is ourselves.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.groups[0]))
}

// checkReachable refuses a directory that the account cannot pass down to. Parents' modes are never changed: who may
// look into a directory is its owner's decision. Access control lists are not looked at.
func (a account) checkReachable(directory string) error {
	if a.credential == nil {
		return nil
	}
	for parent := filepath.Dir(directory); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return fmt.Errorf("look at %s: %w", parent, err)
		}
		if !a.mayPass(info) {
			return fmt.Errorf("%w: svar runs as root, so PostgreSQL runs as the user %q, and that user may not pass through %s (mode %04o). "+
				"Choose another place with --data, for example --data /var/lib/svar, or allow it with `chmod o+x %[3]s`",
				ErrUnreachable, a.name, parent, info.Mode().Perm())
		}
		if parent == filepath.Dir(parent) {
			return nil
		}
	}
}

// mayPass applies the kernel's rule: the first class that fits (owner, group, others) decides alone.
func (a account) mayPass(info fs.FileInfo) bool {
	status, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	mode := info.Mode().Perm()
	if status.Uid == a.uid {
		return mode&0o100 != 0
	}
	for _, group := range a.groups {
		if status.Gid == group {
			return mode&0o010 != 0
		}
	}
	return mode&0o001 != 0
}

// checkOwner refuses a cluster that another user made: PostgreSQL would refuse it too, in words that do not help.
func (a account) checkOwner(cluster string) error {
	info, err := os.Lstat(cluster)
	if err != nil {
		return fmt.Errorf("look at %s: %w", cluster, err)
	}
	status, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() {
		return fmt.Errorf("%w: %s is not a directory. Restore it from a backup, or move it away to begin with an empty database",
			ErrDamaged, cluster)
	}
	if status.Uid == a.uid {
		return nil
	}
	owner := strconv.FormatUint(uint64(status.Uid), 10)
	if found, err := user.LookupId(owner); err == nil {
		owner = found.Username
	}
	return fmt.Errorf("%w: %s belongs to %q, but PostgreSQL would run as %q. Start svar as the user that first made it, "+
		"choose another place with --data, or give it over with `chown -R %[4]s %[2]s`", ErrOwner, cluster, owner, a.name)
}
