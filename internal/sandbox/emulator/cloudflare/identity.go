package cloudflare

import "time"

func verifyToken(*call) (any, error) {
	return map[string]any{"id": "00000000000000000000000000000001", "status": "active"}, nil
}

// The user to whom the token belongs.
const (
	userID    = "00000000000000000000000000000002"
	userEmail = "sandbox@example.com"
)

func getUser(*call) (any, error) {
	return map[string]any{
		"id": userID, "email": userEmail,
		"first_name": nil, "last_name": nil, "two_factor_authentication_enabled": false, "suspended": false,
	}, nil
}

func (c *call) account() map[string]any {
	return map[string]any{
		"id": c.cloud.account(), "name": "Sandbox", "type": "standard",
		"settings":   map[string]any{"enforce_twofactor": false},
		"created_on": time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func listAccounts(c *call) (any, error) {
	return list(c, []*call{c}, 50, (*call).account)
}

func listMemberships(c *call) (any, error) {
	return list(c, []*call{c}, 50, func(c *call) map[string]any {
		return map[string]any{
			"id": "00000000000000000000000000000003", "status": "accepted",
			"account": c.account(), "roles": []string{"Administrator"},
		}
	})
}
