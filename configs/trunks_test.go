package configs_test

import (
	"slices"
	"testing"
	"time"
)

func TestTrunksAreRead(t *testing.T) {
	t.Parallel()
	config := load(t, `phone:
  tls: {address: "127.0.0.1:5061"}
  trunks:
    - name: carrier
      addresses: [192.0.2.0/24]
      trust_caller_id: false
      proxy: sbc1.example.org:5061
      proxies: ["sbc2.example.org:5061"]
      transport: tls
      user: svar
      password: secret
      register: {expires: 10m}
      keep_alive: 30s
      max_calls: 60
    - {name: other, proxies: ["192.0.2.9:5060"]}
    - {name: roaming, challenge: true, user: roaming, password: secret}
  outbound:
    trunk: carrier
    routes: [{prefix: "+4670", trunks: [other, carrier]}]
    emergency: {trunk: carrier}
    short: ["11414"]
`)
	trunk := config.Phone.Trunks[0]
	if !slices.Equal(trunk.Places(), []string{"sbc1.example.org:5061", "sbc2.example.org:5061"}) || *trunk.TrustCallerID ||
		trunk.Register.Expires.Duration() != 10*time.Minute || trunk.Password.Reveal() != "secret" {
		t.Errorf("read %+v", trunk)
	}
	if !config.Phone.Trunks[2].Challenge || trunk.Challenge {
		t.Error("who signs on is read otherwise")
	}
	if outbound := config.Phone.Outbound; outbound.NumberPerHour != 10 || outbound.CallsPerHour != 600 {
		t.Errorf("read %+v", outbound)
	}
}

func TestFaultsOfTrunksAreSaid(t *testing.T) {
	t.Parallel()
	trunk := func(more string) string { return "phone:\n  trunks:\n    - {name: a, proxy: 'h:1', " + more + "}\n" }
	for content, says := range map[string]string{
		trunk("transport: sctp"):                                             "no transport",
		trunk("proxies: [h]"):                                                "not host:port",
		trunk("register: {expires: 10m}"):                                    "takes a user",
		trunk("user: a, register: {expires: 10s}"):                           "1m to 24h",
		trunk("user: 'a b'"):                                                 "cannot hold spaces",
		trunk("password: secret"):                                            "set user",
		trunk("keep_alive: 1s"):                                              "every 5s",
		trunk("max_calls: -1"):                                               "not below 0",
		trunk("ca_file: /nowhere/ca.pem"):                                    "/nowhere/ca.pem",
		trunk("transport: tls"):                                              "needs phone.tls.address",
		"phone: {outbound: {transport: tls}}\n":                              "needs phone.tls.address",
		"phone: {tls: {address: here}}\n":                                    "not IP:port",
		"phone: {tls: {certificate: a.pem}}\n":                               "needs its key",
		"phone: {tls: {certificate: /nowhere/a.pem, key: /nowhere/b.pem}}\n": "/nowhere/a.pem",
		trunk("challenge: true"):                                             "set both",
		trunk("challenge: true, user: a"):                                    "set both",
		trunk("challenge: true, user: '+46850800100', password: b"):          "the number of line",
		"phone: {trunks: [{name: a, challenge: true, user: u, password: b}, {name: b, challenge: true, user: u, password: b}]}\n":                       "the same user",
		"phone: {trunks: [{name: a, challenge: true, user: u, password: b, domain: D}, {name: b, challenge: true, user: v, password: b, domain: d}]}\n": "the same domain",
		"phone: {trunks: [{name: a}]}\n":                                       "addresses or a proxy",
		"phone: {trunks: [{proxies: ['h:1']}]}\n":                              "a name of its own",
		"phone: {outbound: {trunk: nobody}}\n":                                 "neither the name",
		"phone: {outbound: {short: ['112']}}\n":                                "112 has emergency",
		"phone: {outbound: {calls_per_hour: 0}}\n":                             "between one call",
		"phone: {outbound: {number_per_hour: 0}}\n":                            "between one call",
		"phone: {outbound: {emergency: {trunk: 'this machine'}}}\n":            "not the name of a trunk with a proxy",
		"phone: {outbound: {routes: [{prefix: '46', trunks: ['x']}]}}\n":       "not the beginning",
		"phone: {outbound: {routes: [{prefix: '+46', trunks: []}]}}\n":         "needs a trunk",
		"phone: {outbound: {routes: [{prefix: '+46', trunks: ['nobody']}]}}\n": "not the name of a trunk",
	} {
		refused(t, content, nil, "own.yaml:", says)
	}
}
