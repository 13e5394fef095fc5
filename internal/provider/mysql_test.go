package provider_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// mysqlServer speaks as much of the MySQL protocol as the driver needs: TLS, a
// native login, and the statements of a Database. Connections are pipes, so it runs
// where time is free.
type mysqlServer struct {
	// host is the name on the certificate.
	host string
	// authorized is asked for each login; the error is sent, and hangUp closes.
	authorized func(user string, check func(password string) bool) *mysqlError
	// refuse is asked for each statement; the error is sent.
	refuse func(statement string) *mysqlError
	// plain makes it a server without TLS.
	plain bool

	certificate tls.Certificate
	ca          []byte

	mu         sync.Mutex
	databases  map[string][2]string // name: character set and collation
	statements []string
	logins     int
}

// mysqlError is an ERR packet.
type mysqlError struct {
	number int
	text   string
}

var (
	denied = &mysqlError{1045, "Access denied for user"}
	hangUp = &mysqlError{}
)

func newMySQL(t *testing.T, host string) *mysqlServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(4e9, 0), // free time begins in the year 2000
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &mysqlServer{
		host:        host,
		certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		ca:          pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		databases:   map[string][2]string{"test": {"utf8mb4", "utf8mb4_bin"}},
	}
}

// trust makes the provider trust the server's certificate.
func (s *mysqlServer) trust(t *testing.T) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, s.ca, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TIDBCLOUD_SQL_CA_FILE", file)
}

// dial connects to the server whatever the address.
func (s *mysqlServer) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		_ = s.serve(server) // what matters the client reports
	}()
	return client, nil
}

// ran returns the statements since the last time, without reads.
func (s *mysqlServer) ran() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	statements := s.statements
	s.statements = nil
	return statements
}

func (s *mysqlServer) serve(conn net.Conn) error {
	salt := []byte("abcdefghijklmnopqrst")
	const capabilities = 1 | 8 | 0x200 | 0x2000 | 0x8000 | 0x80000
	flags := uint32(capabilities)
	if !s.plain {
		flags |= 0x800
	}
	var hello bytes.Buffer
	hello.WriteByte(10)
	hello.WriteString("8.0.11-TiDB-v7.5.2\x00\x01\x00\x00\x00")
	hello.Write(salt[:8])
	hello.WriteByte(0)
	_ = binary.Write(&hello, binary.LittleEndian, uint16(flags))
	hello.Write([]byte{45, 2, 0})
	_ = binary.Write(&hello, binary.LittleEndian, uint16(flags>>16))
	hello.WriteByte(21)
	hello.Write(make([]byte, 10))
	hello.Write(salt[8:])
	hello.WriteString("\x00mysql_native_password\x00")
	if err := writePacket(conn, 0, hello.Bytes()); err != nil {
		return err
	}
	packet, seq, err := readPacket(conn)
	if err != nil {
		return err
	}
	if len(packet) == 32 { // a request for TLS
		secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.certificate}, SessionTicketsDisabled: true})
		if err := secure.Handshake(); err != nil {
			return err
		}
		conn = secure
		if packet, seq, err = readPacket(conn); err != nil {
			return err
		}
	}
	user, rest, _ := bytes.Cut(packet[32:], []byte{0})
	reply := rest[1 : 1+int(rest[0])]
	s.mu.Lock()
	s.logins++
	s.mu.Unlock()
	switch refused := s.authorized(string(user), func(password string) bool { return bytes.Equal(reply, scramble(salt, password)) }); refused {
	case nil:
	case hangUp:
		return nil
	default:
		return writePacket(conn, seq+1, refused.packet())
	}
	if err := writePacket(conn, seq+1, []byte{0, 0, 0, 2, 0, 0, 0}); err != nil {
		return err
	}
	for {
		packet, _, err := readPacket(conn)
		if err != nil || packet[0] == 1 {
			return err
		}
		answers := [][]byte{{0, 0, 0, 2, 0, 0, 0}}
		if packet[0] == 3 {
			answers = s.query(string(packet[1:]))
		}
		for i, answer := range answers {
			if err := writePacket(conn, byte(i+1), answer); err != nil {
				return err
			}
		}
	}
}

var (
	makes  = regexp.MustCompile("^(CREATE DATABASE IF NOT EXISTS|ALTER DATABASE|DROP DATABASE IF EXISTS) `([^`]+)`(?: CHARACTER SET (\\w+))?(?: COLLATE (\\w+))?$")
	schema = regexp.MustCompile(`SCHEMA_NAME = '([^']*)'$`)
)

func (s *mysqlServer) query(statement string) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		if refused := s.refuse(statement); refused != nil {
			return [][]byte{refused.packet()}
		}
	}
	if m := schema.FindStringSubmatch(statement); m != nil {
		eof := []byte{0xfe, 0, 0, 2, 0}
		answers := [][]byte{{2}, column("DEFAULT_CHARACTER_SET_NAME"), column("DEFAULT_COLLATION_NAME"), eof}
		if db, ok := s.databases[m[1]]; ok {
			answers = append(answers, append(text(db[0]), text(db[1])...))
		}
		return append(answers, eof)
	}
	m := makes.FindStringSubmatch(statement)
	if m == nil {
		return [][]byte{(&mysqlError{1064, "no such statement: " + statement}).packet()}
	}
	s.statements = append(s.statements, statement)
	db, exists := s.databases[m[2]]
	switch {
	case strings.HasPrefix(m[1], "DROP"):
		delete(s.databases, m[2])
		return [][]byte{{0, 0, 0, 2, 0, 0, 0}}
	case !exists:
		db = [2]string{"utf8mb4", "utf8mb4_bin"}
	case strings.HasPrefix(m[1], "CREATE"):
		return [][]byte{{0, 0, 0, 2, 0, 0, 0}}
	}
	if m[3] != "" {
		db = [2]string{m[3], m[3] + "_bin"}
	}
	if m[4] != "" {
		db[1] = m[4]
	}
	s.databases[m[2]] = db
	return [][]byte{{0, 0, 0, 2, 0, 0, 0}}
}

func (e *mysqlError) packet() []byte {
	return append([]byte{0xff, byte(e.number), byte(e.number >> 8)}, []byte("#28000"+e.text)...)
}

func column(name string) []byte {
	var b []byte
	for _, s := range []string{"def", "", "", "", name, name} {
		b = append(b, text(s)...)
	}
	return append(b, 0x0c, 45, 0, 0xff, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0)
}

func text(s string) []byte { return append([]byte{byte(len(s))}, s...) }

func scramble(salt []byte, password string) []byte {
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	mask := sha1.Sum(append(bytes.Clone(salt), twice[:]...))
	for i := range mask {
		mask[i] ^= once[i]
	}
	return mask[:]
}

func writePacket(w io.Writer, seq byte, payload []byte) error {
	n := len(payload)
	_, err := w.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), seq}, payload...))
	return err
}

func readPacket(r io.Reader) (payload []byte, seq byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, err
	}
	payload = make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err = io.ReadFull(r, payload)
	if err == nil && len(payload) == 0 {
		err = fmt.Errorf("an empty packet")
	}
	return payload, head[3], err
}
