package pages

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"lukechampine.com/blake3"
)

// asset is a file that is served.
type asset struct {
	name        string // in the site, with slashes and without a leading one
	file        string // on this machine
	size        int64
	key         string // under which Cloudflare stores the content
	contentType string
}

// maxAsset is the size of the largest file that Pages takes, in bytes.
// https://developers.cloudflare.com/pages/platform/limits/#file-size
const maxAsset = 25 << 20

// newAsset reads a file and computes its key.
func newAsset(name, file string) (asset, error) {
	f, err := os.Open(file)
	if err != nil {
		return asset{}, err
	}
	defer func() { _ = f.Close() }()
	key, size, err := encode(io.Discard, name, io.LimitReader(f, maxAsset+1))
	switch {
	case err != nil:
		return asset{}, err
	case size > maxAsset:
		return asset{}, fmt.Errorf("%s is larger than 25 MiB, the limit of Pages", name)
	}
	return asset{name, file, size, key, contentType(name)}, nil
}

// encode writes content in base64, and returns its key and its size. The key is the beginning
// of the hash of the base64 text and the name's extension.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/deploy-helpers/src/deploy/helpers/hash.ts
func encode(w io.Writer, name string, content io.Reader) (key string, size int64, err error) {
	hash := blake3.New(32, nil)
	encoder := base64.NewEncoder(base64.StdEncoding, io.MultiWriter(w, hash))
	size, err = io.Copy(encoder, content)
	if err := errors.Join(err, encoder.Close()); err != nil {
		return "", 0, err
	}
	_, _ = io.WriteString(hash, extension(name)) // writing to a hash cannot fail
	return hex.EncodeToString(hash.Sum(nil))[:32], size, nil
}

// extension returns what follows the last dot of a name, as Node's path.extname does.
// https://nodejs.org/api/path.html#pathextnamepath
func extension(name string) string {
	base := path.Base(name)
	if i := strings.LastIndex(base, "."); i > 0 {
		return base[i+1:]
	}
	return ""
}
