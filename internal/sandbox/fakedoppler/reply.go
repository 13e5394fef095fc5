package fakedoppler

import (
	"errors"
	"fmt"
	"net/http"

	"portfolio-infra/internal/sandbox/wire"
)

// answer is the answer to a call that was not refused, but for its "success".
type answer map[string]any

// refusal is the answer to a call that the API does not do. It is an error.
type refusal struct {
	status  int
	message string
}

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.message) }

// fail sends an error: a refusal as it is, anything else as the API's own.
func fail(w http.ResponseWriter, err error) {
	var r *refusal
	if !errors.As(err, &r) {
		r = &refusal{http.StatusInternalServerError, err.Error()}
	}
	wire.Reply(w, r.status, map[string]any{"messages": []string{r.message}, "success": false})
}
