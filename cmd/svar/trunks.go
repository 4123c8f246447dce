package main

import (
	"cmp"
	"fmt"
	"slices"

	"svar/channels/phone"
	"svar/configs"
	"svar/identity"
)

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
			User: trunk.User, Password: trunk.Password.Reveal(),
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
