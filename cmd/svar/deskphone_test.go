package main

import (
	"net/netip"
	"strings"
	"testing"

	"svar/configs"
)

// What is typed into a telephone names TLS where it is taken, and only there.
func TestPhoneSettingsNameTLS(t *testing.T) {
	t.Parallel()
	var config configs.Config
	config.Phone.Address = netip.MustParseAddrPort("192.0.2.7:5060")
	if got := phoneServer(config) + phoneServerTLS(config); got != "192.0.2.7, port 5060 (UDP or TCP)" {
		t.Errorf("without TLS: %q", got)
	}
	config.Phone.TLS.Address = "0.0.0.0:5061"
	if got := phoneServerTLS(config); !strings.Contains(got, "the name of this machine, port 5061 (TLS") {
		t.Errorf("with TLS: %q", got)
	}
}
