package deployment

import (
	"encoding/base64"
	"encoding/hex"
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

// newAsset reads a file and computes its key: the beginning of the hash of the content in
// base64 and of the name's extension.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/deploy-helpers/src/deploy/helpers/hash.ts
func newAsset(name, file string) (asset, error) {
	f, err := os.Open(file)
	if err != nil {
		return asset{}, err
	}
	defer func() { _ = f.Close() }()
	hash := blake3.New(32, nil)
	encoder := base64.NewEncoder(base64.StdEncoding, hash)
	size, err := io.Copy(encoder, io.LimitReader(f, maxAsset+1))
	switch {
	case err != nil:
		return asset{}, err
	case size > maxAsset:
		return asset{}, fmt.Errorf("%s is larger than 25 MiB, the limit of Pages", name)
	}
	_ = encoder.Close() // writing to a hash cannot fail
	_, _ = io.WriteString(hash, extension(name))
	return asset{name, file, size, hex.EncodeToString(hash.Sum(nil))[:32], contentType(name)}, nil
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
