package sql

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
)

// The parts of the MySQL protocol that a gateway sees: packets, and what a client sends first.
// The head of a packet has the length of what follows, in three bytes, and a number.
// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
const (
	clientSSL = 0x800
	// maxFirstPacket is more than a client ever sends first.
	maxFirstPacket = 1 << 16
)

// insecureTransport is TiDB Cloud's answer to a login without TLS, with the number 1105.
const insecureTransport = "Connections using insecure transport are prohibited. " +
	"See https://docs.pingcap.com/tidbcloud/secure-connections-to-serverless-tier-clusters"

var errPacket = errors.New("no packet of the MySQL protocol")

// forward passes data between a client and the server until one of them ends. It refuses a
// client that does not ask for TLS, since TiDB does not do so at a Unix socket.
// https://github.com/pingcap/tidb/blob/v8.5.6/pkg/server/conn.go (isUnixSocket)
//
// For cut see [Servers.Intercept].
func forward(client, server net.Conn, cut func(after bool) bool) error {
	greeting, err := readPacket(server)
	if err != nil {
		return err
	}
	if _, err := client.Write(greeting); err != nil {
		return err
	}
	first, err := readPacket(client)
	if err != nil {
		return err
	}
	if len(first) < 6 || binary.LittleEndian.Uint16(first[4:])&clientSSL == 0 {
		return writeError(client, first[3]+1, insecureTransport)
	}
	if _, err := server.Write(first); err != nil {
		return err
	}
	var sent atomic.Bool // and not answered
	go func() {
		sends := 0
		_ = pass(server, client, func() bool {
			if sends++; sends <= loginSends {
				return false
			}
			sent.Store(true)
			return cut(false)
		})
		_ = server.Close()
	}()
	return pass(client, server, func() bool { return sent.CompareAndSwap(true, false) && cut(true) })
}

// loginSends is how often a client sends something to log in after its request for TLS: twice for
// TLS, and the login. After that it sends one command at a time.
const loginSends = 3

var errCut = errors.New("the connection was cut")

// pass copies what comes from a connection until cut reports, before it passes something on, that it
// is to end.
func pass(to io.Writer, from io.Reader, cut func() bool) error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if cut() {
				return errCut
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// readPacket returns a packet, including its head.
func readPacket(r io.Reader) ([]byte, error) {
	packet := make([]byte, 4)
	if _, err := io.ReadFull(r, packet); err != nil {
		return nil, err
	}
	length := int(packet[0]) | int(packet[1])<<8 | int(packet[2])<<16
	if length > maxFirstPacket {
		return nil, errPacket
	}
	packet = append(packet, make([]byte, length)...)
	_, err := io.ReadFull(r, packet[4:])
	return packet, err
}

// writeError sends the error 1105.
func writeError(w io.Writer, number byte, text string) error {
	body := append([]byte{0xff}, binary.LittleEndian.AppendUint16(nil, 1105)...)
	body = append(body, "#HY000"+text...)
	head := []byte{byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16), number}
	_, err := w.Write(append(head, body...))
	return err
}
