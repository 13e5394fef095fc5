package provider

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"portfolio-infra/internal/testcheck"
)

// TiDB answers 1044 to a CREATE DATABASE without the privilege, and 1142 to a CREATE TABLE.
func TestWithSuggestion(t *testing.T) {
	refused := fmt.Errorf("creating: %w", &mysql.MySQLError{Number: 1044, Message: "Access denied for user to database"})
	testcheck.Error(t, withSuggestion(refused), "use one of role_admin")
}

func TestNewPassword(t *testing.T) {
	safe := regexp.MustCompile(`^[a-zA-Z0-9]{32}$`)
	seen := map[string]bool{}
	for range 5000 {
		password := newPassword()
		if !safe.MatchString(password) || strings.ContainsAny(password, "lIO01") {
			t.Fatalf("%q", password)
		}
		for _, kind := range []string{lowers, uppers, digits} {
			if !strings.ContainsAny(password, kind) {
				t.Fatalf("%q has none of %s", password, kind)
			}
		}
		if seen[password] {
			t.Fatalf("%q again", password)
		}
		seen[password] = true
	}
}
