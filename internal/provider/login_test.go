package provider_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
)

// anyCertificate is the certificate of a server that accepts every login.
var anyCertificate = tls.Certificate{}

// newAnyCertificate makes anyCertificate, and returns it in the form of PEM.
func newAnyCertificate() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"*.ap-northeast-1.prod.aws.tidbcloud.com", "*.us-east-1.prod.aws.tidbcloud.com"},
		NotBefore: bubbleStart.AddDate(-1, 0, 0), NotAfter: bubbleStart.AddDate(100, 0, 0), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	anyCertificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
}

// anyLogin is the Dial of a provider for tests of the API alone. It leads to a server that accepts every
// login and answers nothing but pings.
func anyLogin(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go acceptLogin(server, &tls.Config{Certificates: []tls.Certificate{anyCertificate}, MinVersion: tls.VersionTLS12})
	return client, nil
}

// acceptLogin is a server's side of a connection.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
func acceptLogin(conn net.Conn, config *tls.Config) {
	defer conn.Close()
	const offersTLS = "\x09\xaa" // the first capabilities, with CLIENT_SSL
	_, _ = conn.Write(bytes.Replace(withoutTLS, []byte("\x09\xa2"), []byte(offersTLS), 1))
	if _, _, err := readPacket(conn); err != nil {
		return
	}
	secure := tls.Server(conn, config)
	for { // the login, then commands
		sequence, command, err := readPacket(secure)
		if quits := sequence == 0 && command == 1; err != nil || quits {
			return
		}
		if _, err := secure.Write([]byte{7, 0, 0, sequence + 1, 0, 0, 0, 2, 0, 0, 0}); err != nil { // OK
			return
		}
	}
}

// readPacket reads a packet and returns its number and first byte.
func readPacket(r io.Reader) (sequence, first byte, err error) {
	var header [5]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, 0, err
	}
	size := int64(header[0]) | int64(header[1])<<8 | int64(header[2])<<16
	_, err = io.CopyN(io.Discard, r, size-1)
	return header[3], header[4], err
}
