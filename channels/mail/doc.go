// Package mail is the gateway of e-mail: it takes mails from mailboxes by IMAP and sends
// answers and receipts by SMTP.
//
// # The path of a mail
//
//  1. [Gateway] keeps a connection to each mailbox and is told of new mail by IDLE
//     (RFC 9051 §6.3.13). It asks for what lies after the cursor: the UID of the last mail
//     that was taken, and the UIDVALIDITY that this UID belongs to.
//  2. Each mail is fetched without being marked and read ([parse]): text, sanitised HTML,
//     attachments, whether a machine wrote it (RFC 3834), and which ticket it proves to go on
//     with. Subjects prove nothing: "[SD-100234]" can be written by anybody. Our own
//     Message-IDs and reply addresses carry a signature and do (token.go).
//  3. [Post.Take] stores it with the cursor in one transaction, so that whatever crashes it
//     is taken exactly once. Only then is it marked as seen, for people who look into the
//     mailbox; nothing depends on that mark.
//  4. A mail that cannot be taken is set aside ([Post.Quarantine]) and never keeps the next
//     ones waiting.
//
// [Sender] sends one mail at a time. Whoever calls it repeats what failed for the time being;
// a repetition has the same Message-ID.
//
// # Strangers
//
// Anybody can send a mail. Its size, depth, number of parts, and the length of whatever is
// taken from it are bounded (limits.go). No content of the web is ever loaded for it, and HTML
// passes a policy that leaves no script, form or remote image. No automatic mail gets a receipt,
// and receipts have an empty return path, so that two machines cannot answer each other.
//
// # What it does not own
//
// Tickets, receipts' text, and how often something is sent are decided elsewhere. The gateway
// makes no contact by itself: what [Post] stores comes to the queue from there.
package mail
