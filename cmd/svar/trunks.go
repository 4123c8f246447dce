package main

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"svar/channels/phone"
	"svar/configs"
	"svar/identity"
)

// phoneTLS is how SIP is taken by TLS; nil when it is not. Its certificate is in files of its own, or the one that
// browsers are shown, or one that signs itself.
func (a *App) phoneTLS() (*phone.TLS, error) {
	settings, https := a.options.Config.Phone.TLS, a.options.Config.HTTPS
	if settings.Address == "" {
		return nil, nil
	}
	address, err := netip.ParseAddrPort(settings.Address)
	if err != nil {
		return nil, fmt.Errorf("read phone.tls.address: %w", err)
	}
	shown := a.certificates
	switch {
	case settings.Certificate != "":
		shown, err = newCertificateFiles(settings.Certificate, settings.Key, time.Now, a.options.Log)
	case shown == nil:
		shown, err = newSelfSigned(filepath.Join(a.options.Data, "https", "self-signed.pem"), neededNames(https), time.Now, a.options.Log)
	}
	if err != nil {
		return nil, fmt.Errorf("the certificate of phone.tls: %w", err)
	}
	return &phone.TLS{Address: address, Certificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if named := *hello; named.ServerName == "" && len(https.ACME.Domains) > 0 {
			named.ServerName = https.ACME.Domains[0] // many telephones and carriers name nobody
			hello = &named
		}
		return shown.certificate(hello)
	}}, nil
}

// trunks are those of the configuration, and the one that phone.outbound.trunk names by host:port.
func trunks(config configs.Phone) ([]phone.Trunk, error) {
	var out []phone.Trunk
	for _, trunk := range config.Trunks {
		roots, err := trunk.Roots()
		if err != nil {
			return nil, fmt.Errorf("trunk %s, ca_file: %w", trunk.Name, err)
		}
		out = append(out, phone.Trunk{
			Name: trunk.Name, Prefixes: trunk.Addresses, Distrusted: trunk.TrustCallerID != nil && !*trunk.TrustCallerID,
			Proxies: trunk.Places(), Transport: cmp.Or(trunk.Transport, config.Outbound.Transport), Domain: trunk.Domain,
			Challenge: trunk.Challenge, User: trunk.User, Password: trunk.Password.Reveal(),
			Register: trunk.Register.Expires.Duration(), Registrars: trunk.Register.Registrars, KeepAlive: trunk.KeepAlive.Duration(),
			MaxCalls: trunk.MaxCalls, CallsPerHour: trunk.CallsPerHour, RootCAs: roots, ServerName: trunk.ServerName,
		})
	}
	if place := config.Outbound.Trunk; place != "" && !isTrunk(config, place) {
		out = append(out, phone.Trunk{Name: place, Proxies: []string{place}, Transport: config.Outbound.Transport})
	}
	return out, nil
}

// isTrunk tells a trunk's name from a host:port.
func isTrunk(config configs.Phone, name string) bool {
	return slices.ContainsFunc(config.Trunks, func(trunk configs.Trunk) bool { return trunk.Name == name })
}

func routes(config configs.Phone) []phone.Route {
	var out []phone.Route
	for _, route := range config.Outbound.Routes {
		out = append(out, phone.Route(route))
	}
	if config.Outbound.Trunk != "" {
		out = append(out, phone.Route{Prefix: "+", Trunks: []string{config.Outbound.Trunk}})
	}
	return out
}

func dialPlan(config configs.Outbound) phone.DialPlan {
	plan := phone.DialPlan{
		Prefixes: config.Prefixes, Emergency: config.Emergency.Trunk, MaxCalls: config.MaxCalls,
		NumberPerHour: config.NumberPerHour, CallsPerHour: config.CallsPerHour,
	}
	for _, number := range config.Short {
		plan.Short = append(plan.Short, identity.Number(number))
	}
	return plan
}
