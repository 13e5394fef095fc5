package engine

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
)

// The passphrase protects nothing, since all secrets belong to the emulated clouds. It takes
// precedence over one in a file.
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/secrets/passphrase/manager.go, readPassphrase
const (
	passphraseVariable = "PULUMI_CONFIG_PASSPHRASE"
	passphrase         = "sandbox"
)

// usersPassphrase reports whether the state was made with the passphrase in the user's
// environment, which early versions of the sandbox used. A new stack has that of the others, since
// a reference to another stack reads its secrets with the same passphrase.
func (e *Engine) usersPassphrase() bool {
	_, value := os.LookupEnv(passphraseVariable)
	_, file := os.LookupEnv(passphraseVariable + "_FILE")
	if !value && !file {
		return false // the check takes a while
	}
	stacks, _ := e.Stacks() // without them the stack's own file decides
	for _, stack := range append([]string{e.stack()}, stacks...) {
		copied, err := readYAML(filepath.Join(e.path("project"), stackFile(stack)))
		if salt, ok := copied["encryptionsalt"].(string); err == nil && ok {
			return !opens(salt, passphrase)
		}
	}
	return false
}

// opens reports whether an encryptionsalt was made with the passphrase. An encryptionsalt has
// a version, the salt and a known text, encrypted.
// https://github.com/pulumi/pulumi/blob/v3.256.0/pkg/secrets/passphrase/manager.go, symmetricCrypterFromPhraseAndState
func opens(encryptionSalt, passphrase string) bool {
	parts := strings.SplitN(encryptionSalt, ":", 3)
	if len(parts) < 3 {
		return false
	}
	salt, err := base64.StdEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	text, err := config.NewSymmetricCrypterFromPassphrase(passphrase, salt).DecryptValue(context.Background(), parts[2])
	return err == nil && text == "pulumi"
}
