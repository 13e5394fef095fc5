package pages

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// What looks like a secret is published only if the config key publicFiles names it: every push
// deploys, and what was public once stays known. wrangler publishes all of it.

// Names of files and folders that hold secrets, in lower case: on some systems case does not
// matter.
var (
	secretFiles = []string{
		".env*", ".dev.vars*", ".npmrc", ".netrc", ".htpasswd", ".git-credentials", ".pgpass", ".pypirc",
		// The settings of a Pulumi stack, and what `sed -i.bak` leaves of them.
		"pulumi.*.yaml", "pulumi.*.yml", "pulumi.*.json", "pulumi.*.yaml.bak",
	}
	secretFolders = []string{".aws", ".ssh", ".svn", ".hg", ".gnupg", ".kube", ".docker", ".pulumi", ".env*", ".dev.vars*"}
	// projectFiles make a folder a Pulumi project.
	// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/common/workspace/paths.go, findProjectInDir
	projectFiles = []string{"pulumi.yaml", "pulumi.yml", "pulumi.json"}
)

// hasSecretName reports whether the name of a file or folder of a site suggests secrets.
func hasSecretName(name string, folder bool) bool {
	name = strings.ToLower(name)
	base := path.Base(name)
	patterns := secretFiles
	if folder {
		patterns = secretFolders
	}
	matches := func(pattern string) bool { ok, _ := path.Match(pattern, base); return ok }
	return slices.ContainsFunc(patterns, matches) || !folder && (isKeyName(base) || slices.Contains(projectFiles, name))
}

// isKeyName reports whether a file has the name of an SSH private key: id_* without .pub. Parts
// of a site may have such names too (id_card.png, the language id_ID.json). Their extension
// sets them apart; a key among them is found by its content.
func isKeyName(base string) bool {
	if !strings.HasPrefix(base, "id_") || strings.HasSuffix(base, ".pub") {
		return false
	}
	kind := contentType(base)
	major, _, _ := strings.Cut(kind, "/")
	return !slices.Contains([]string{"image", "audio", "video", "font"}, major) &&
		!slices.Contains([]string{"text/html", "text/css", "text/javascript", "application/javascript", "application/json"}, kind)
}

var (
	utf8BOM  = []byte("\xef\xbb\xbf")
	utf16BOM = [][]byte{[]byte("\xff\xfe"), []byte("\xfe\xff")} // what PowerShell writes
	// pemBegin matches the beginning of a file with PEM blocks. The second form is what openssl
	// pkcs12 writes before each block.
	pemBegin = regexp.MustCompile(`^\s*(-----BEGIN |Bag Attributes)`)
	// privateKey matches the first line of a private key: of PKCS #8, encrypted or not, of
	// RSA, EC, DSA and OpenSSH, and of PGP.
	// https://www.rfc-editor.org/rfc/rfc7468, https://www.rfc-editor.org/rfc/rfc9580#section-6.2.1
	privateKey = regexp.MustCompile(`-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----`)
)

// headSize is how much of a file is searched for a private key. The certificates that belong to
// a key may precede it.
const headSize = 16 << 10

// hasPrivateKey reports whether a file begins with a private key, or with PEM blocks of
// which one is a private key. It reads into buffer.
func hasPrivateKey(file string, buffer []byte) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	n, err := io.ReadFull(f, buffer)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	head := bytes.TrimPrefix(buffer[:n], utf8BOM)
	for _, mark := range utf16BOM {
		if rest, ok := bytes.CutPrefix(head, mark); ok {
			head = bytes.ReplaceAll(rest, []byte{0}, nil)
		}
	}
	return pemBegin.Match(head) && privateKey.Match(head), nil
}

// checkSecret notes a file or folder that looks like a secret and may not be public. It
// reports whether it did.
func (w *walker) checkSecret(name, file string, folder bool) (bool, error) {
	found := secret{name: name}
	if !hasSecretName(name, folder) {
		if folder {
			return false, nil
		}
		var err error
		if found.isKey, err = hasPrivateKey(file, w.head[:]); err != nil || !found.isKey {
			return false, err
		}
	}
	if i := slices.IndexFunc(w.public, func(p string) bool { return sitePath(p) == name }); i >= 0 {
		w.needed[i] = true
		return false, nil
	}
	w.secrets = append(w.secrets, found)
	return true, nil
}

// secret is what looks like a secret, by its name or because it is a private key.
type secret struct {
	name  string
	isKey bool
}

// sitePath converts a path that the user wrote to the form of an asset's name.
func sitePath(p string) string { return strings.TrimPrefix(path.Clean("/"+p), "/") }

var (
	// plainWord matches a word that a shell leaves as it is and the CLI does not take for an
	// option.
	plainWord = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./@%+=:,-]*$`)
	// typedWord matches a value that `pulumi config set --path` does not store as a string.
	// https://github.com/pulumi/pulumi/blob/v3.256.0/sdk/go/common/resource/config/object.go, coerce
	typedWord = regexp.MustCompile(`^([0-9]+|true|false)$`)
)

// publicLine returns the command that makes name an element of publicFiles.
func publicLine(index int, name string) string {
	options := ""
	if typedWord.MatchString(name) {
		options = "--type string "
	}
	if !plainWord.MatchString(name) {
		name = "-- '" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return fmt.Sprintf("`pulumi config set %s--path 'publicFiles[%d]' %s`", options, index, name)
}

// maxListed limits what an error lists.
const maxListed = 10

// exposed returns an error that names what looks like a secret.
func (w *walker) exposed() error {
	if len(w.secrets) == 0 {
		return nil
	}
	var names, commands []string
	for i, s := range w.secrets {
		why := ""
		if s.isKey {
			why = " (a private key)"
		}
		names, commands = append(names, s.name+why), append(commands, publicLine(len(w.public)+i, s.name))
	}
	return fmt.Errorf("everybody could read what looks like a secret: %s: take it out of the folder; or, where it is meant to be public, run %s",
		few(names, maxListed), strings.Join(commands[:min(len(commands), maxListed)], " and "))
}

// few lists the first of the names and counts the others.
func few(names []string, most int) string {
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}
