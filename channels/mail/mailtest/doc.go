// Package mailtest is the world of mail for tests: a real Dovecot, which keeps mailboxes and
// serves them by IMAP, and a real Postfix, which takes mail by SMTP, delivers to that Dovecot
// and sends bounces.
//
// Both run from a directory of their own with free ports, beside whatever the machine has
// installed, and end with the test. No mail leaves the machine. Dovecot runs as an unprivileged
// user; Postfix can only be started by root, so that a test that needs it is skipped for anybody
// else ([Start]; [StartDovecot] works for everybody). Their certificate is signed by an
// authority that is made for the test, so that clients verify it as they would any other.
//
// Dovecot 2.3 and 2.4 are configured in different languages, and both are spoken here.
package mailtest
