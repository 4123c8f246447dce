package mailtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// dovecot is the server of mailboxes.
type dovecot struct {
	process                 *process
	imap, imaps, lmtp, sasl int // ports
}

func startDovecot(ctx context.Context, directory string, as account, users []User) (*dovecot, error) {
	binary, err := exec.LookPath("dovecot")
	if err != nil {
		if binary, err = exec.LookPath("/usr/sbin/dovecot"); err != nil {
			return nil, errors.New("dovecot is not installed: run scripts/debian-packages test")
		}
	}
	version, err := exec.CommandContext(ctx, binary, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("ask dovecot for its version: %w", err)
	}
	var passwords strings.Builder
	for _, user := range users {
		fmt.Fprintf(&passwords, "%s:{PLAIN}%s::::::\n", user.Address, user.Password)
	}
	if err := os.WriteFile(filepath.Join(directory, "users"), []byte(passwords.String()), 0o644); err != nil {
		return nil, err
	}
	for _, name := range []string{"run", "state", "mail"} {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, err
		}
		if err := os.Chown(path, as.uid, as.gid); err != nil {
			return nil, err
		}
	}
	d := &dovecot{}
	err = withFreePorts(ctx, 4, func(ports []int) error {
		d.imap, d.imaps, d.lmtp, d.sasl = ports[0], ports[1], ports[2], ports[3]
		path := filepath.Join(directory, "dovecot.conf")
		if err := os.WriteFile(path, []byte(d.configuration(string(version), directory, as)), 0o644); err != nil {
			return err
		}
		d.process, err = startProcess(as, "starting up for", binary, "-F", "-c", path)
		return err
	})
	return d, err
}

// configuration lets all parts run as one user, without chroot: what Dovecot calls rootless.
func (d *dovecot) configuration(version, directory string, as account) string {
	dialect := dialect23
	if !strings.HasPrefix(version, "2.3.") {
		dialect = dialect24
	}
	return strings.NewReplacer(
		"$DIR", directory, "$USER", as.user, "$GROUP", as.group, "$UID", fmt.Sprint(as.uid), "$GID", fmt.Sprint(as.gid),
		"$IMAPS", fmt.Sprint(d.imaps), "$IMAP", fmt.Sprint(d.imap), "$LMTP", fmt.Sprint(d.lmtp), "$SASL", fmt.Sprint(d.sasl),
	).Replace(dialect + listeners)
}

const listeners = `
base_dir = $DIR/run
state_dir = $DIR/state
log_path = /dev/stderr
listen = 127.0.0.1
default_internal_user = $USER
default_internal_group = $GROUP
default_login_user = $USER
first_valid_uid = 1
first_valid_gid = 1
recipient_delimiter = +
mail_max_userip_connections = 100
ssl = yes
service anvil {
  chroot =
}
service stats {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $IMAP
  }
  inet_listener imaps {
    port = $IMAPS
  }
}
service lmtp {
  inet_listener lmtp {
    port = $LMTP
  }
}
service auth {
  inet_listener sasl {
    port = $SASL
  }
}
`

const dialect23 = `
protocols = imap lmtp
ssl_cert = <$DIR/server.crt
ssl_key = <$DIR/server.key
auth_username_format = %Lu
mail_location = maildir:~/Maildir
lmtp_hdr_delivery_address = original
passdb {
  driver = passwd-file
  args = $DIR/users
}
userdb {
  driver = static
  args = uid=$UID gid=$GID home=$DIR/mail/%Lu allow_all_users=no
}
`

const dialect24 = `
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols {
  imap = yes
  lmtp = yes
}
ssl_server_cert_file = $DIR/server.crt
ssl_server_key_file = $DIR/server.key
auth_username_format = %{user | lower}
mail_driver = maildir
mail_path = ~/Maildir
lmtp_hdr_delivery_address = original
passdb passwd-file {
  passwd_file_path = $DIR/users
}
userdb static {
  fields {
    uid = $UID
    gid = $GID
    home = $DIR/mail/%{user | lower}
  }
}
`
