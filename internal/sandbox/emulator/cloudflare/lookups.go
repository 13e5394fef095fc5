package cloudflare

import "time"

// The look-ups by which clients find out who they are. There is one of each,
// and its account's name tells that it is not real.

const accountName = "Sandbox"

var accountCreated = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

func verifyToken(c *call) (reply, error) {
	return reply{
		result:   map[string]any{"id": "00000000000000000000000000000001", "status": "active"},
		messages: []message{{Code: 10000, Message: "This API Token is valid and active"}},
	}, nil
}

func (c *call) account() map[string]any {
	return map[string]any{
		"id": c.cloud.account(), "name": accountName, "type": "standard",
		"settings":   map[string]any{"enforce_twofactor": false},
		"created_on": accountCreated,
	}
}

func getAccount(c *call) (reply, error) { return reply{result: c.account()}, nil }

func asItIs(m map[string]any) map[string]any { return m }

func listAccounts(c *call) (reply, error) {
	return list(c, []map[string]any{c.account()}, 50, asItIs)
}

func getUser(c *call) (reply, error) {
	return reply{result: map[string]any{
		"id": "00000000000000000000000000000002", "email": "sandbox@example.com",
		"first_name": nil, "last_name": nil, "two_factor_authentication_enabled": false, "suspended": false,
	}}, nil
}

func listMemberships(c *call) (reply, error) {
	return list(c, []map[string]any{{
		"id": "00000000000000000000000000000003", "status": "accepted",
		"account": c.account(), "roles": []string{"Administrator"},
	}}, 50, asItIs)
}
