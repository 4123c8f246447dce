package mail

import "time"

// How many receipts one address gets in which time: whatever answers them, it ends.
const (
	receiptsPerSender = 5
	receiptWindow     = time.Hour
)

// ReceiptAllowed reports whether an address may get one more receipt at now, when it got others
// at the given times.
func ReceiptAllowed(earlier []time.Time, now time.Time) bool {
	count := 0
	for _, at := range earlier {
		if now.Sub(at) < receiptWindow {
			count++
		}
	}
	return count < receiptsPerSender
}
