package migration

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Matches reports whether a checksum that drizzle-kit or Prisma recorded is that of the migration,
// whatever its line ends were then. Old releases of Prisma wrote the bytes without leading zeros
// (schema-engine/connectors/schema-connector/src/checksum.rs of prisma-engines).
func (m Migration) Matches(checksum string) bool {
	sums := []string{m.Checksum}
	if m.Hash != "" { // the text is known
		sums = append(sums, m.Hash, digest([]byte(strings.ReplaceAll(m.text, "\n", "\r\n"))))
	}
	for _, sum := range sums {
		if sum == checksum || checksum != "" && unpadded(sum) == checksum {
			return true
		}
	}
	return false
}

func unpadded(sum string) (short string) {
	b, _ := hex.DecodeString(sum)
	for _, c := range b {
		short += fmt.Sprintf("%x", c)
	}
	return short
}
