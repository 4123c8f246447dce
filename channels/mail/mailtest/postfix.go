package mailtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// postfix is the server that takes mail and delivers it.
type postfix struct {
	process     *process
	smtp, smtps int // ports
}

func startPostfix(ctx context.Context, directory string, users []User, d *dovecot) (*postfix, error) {
	binary, err := exec.LookPath("/usr/sbin/postfix")
	if err != nil {
		return nil, errors.New("postfix is not installed: run scripts/debian-packages test")
	}
	settings := filepath.Join(directory, "postfix")
	for _, name := range []string{settings, filepath.Join(directory, "queue"), filepath.Join(directory, "data")} {
		if err := os.MkdirAll(name, 0o755); err != nil {
			return nil, err
		}
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		return nil, fmt.Errorf("find who postfix runs as: %w", err)
	}
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(filepath.Join(directory, "data"), uid, -1); err != nil {
		return nil, fmt.Errorf("give postfix its directory: %w", err)
	}
	p := &postfix{}
	err = withFreePorts(ctx, 2, func(ports []int) error {
		p.smtp, p.smtps = ports[0], ports[1]
		replacer := strings.NewReplacer(
			"$DIR", directory, "$DOMAINS", domains(users),
			"$LMTP", fmt.Sprint(d.lmtp), "$SASL", fmt.Sprint(d.sasl), "$SMTPS", fmt.Sprint(p.smtps), "$SMTP", fmt.Sprint(p.smtp),
		)
		if err := os.WriteFile(filepath.Join(settings, "main.cf"), []byte(replacer.Replace(mainSettings)), 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(settings, "master.cf"), []byte(replacer.Replace(masterSettings)), 0o644); err != nil {
			return err
		}
		if output, err := exec.CommandContext(ctx, binary, "-c", settings, "check").CombinedOutput(); err != nil {
			return fmt.Errorf("let postfix make its directories: %w: %s", err, output)
		}
		// Not by its start script, which would outlive neither us nor leave its daemon.
		p.process, err = startProcess(account{}, "daemon started", "/usr/lib/postfix/sbin/master", "-c", settings, "-s")
		return err
	})
	return p, err
}

func domains(users []User) string {
	var list []string
	for _, user := range users {
		_, domain, _ := strings.Cut(user.Address, "@")
		list = append(list, domain)
	}
	return strings.Join(list, ", ")
}

// mainSettings deliver to the users of the test. Who else is named in one of their domains is
// accepted at first, refused by Dovecot, and so comes back as a bounce; other domains are refused
// at once. Nothing is sent to another machine.
const mainSettings = `
compatibility_level = 3.6
queue_directory = $DIR/queue
data_directory = $DIR/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = /dev/stdout
myhostname = mail.svar.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = $DOMAINS
virtual_mailbox_maps = static:here
virtual_transport = lmtp:inet:127.0.0.1:$LMTP
local_transport = error:5.1.1 there is no such mailbox
default_transport = error:5.1.1 there is no such mailbox
relay_transport = error:5.1.1 there is no such mailbox
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
lmtp_dns_support_level = disabled
smtpd_tls_security_level = may
smtpd_tls_cert_file = $DIR/server.crt
smtpd_tls_key_file = $DIR/server.key
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:$SASL
smtputf8_enable = yes
bounce_queue_lifetime = 1h
message_size_limit = 104857600
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
unknown_local_recipient_reject_code = 550
`

const masterSettings = `
127.0.0.1:$SMTP inet n - n - - smtpd
127.0.0.1:$SMTPS inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`
