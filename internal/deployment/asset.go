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

// asset is a file of a site.
type asset struct {
	// name is the path in the site, with slashes and without a leading one.
	name string
	// path is where the file is.
	path        string
	size        int64
	key         string
	contentType string
}

// maxAsset is the largest file that Pages takes, in bytes.
// https://developers.cloudflare.com/pages/platform/limits/#file-size
const maxAsset = 25 << 20

// newAsset reads a file and computes its key.
func newAsset(name, file string) (asset, error) {
	a := asset{name: name, path: file, contentType: contentType(name)}
	f, err := os.Open(file)
	if err != nil {
		return asset{}, err
	}
	defer func() { _ = f.Close() }()
	hash := blake3.New(32, nil)
	encoder := base64.NewEncoder(base64.StdEncoding, hash)
	if a.size, err = io.Copy(encoder, io.LimitReader(f, maxAsset+1)); err != nil {
		return asset{}, err
	}
	if a.size > maxAsset {
		return asset{}, fmt.Errorf("%s is larger than 25 MiB, the limit of Pages", name)
	}
	_ = encoder.Close() // a hash takes every write
	_, _ = io.WriteString(hash, extension(name))
	a.key = hex.EncodeToString(hash.Sum(nil))[:32]
	return a, nil
}

// extension returns what follows the last dot of a name, as Node's path.extname does.
// https://github.com/cloudflare/workers-sdk/blob/main/packages/deploy-helpers/src/shared/hash.ts
func extension(name string) string {
	base := path.Base(name)
	if i := strings.LastIndex(base, "."); i > 0 {
		return base[i+1:]
	}
	return ""
}
