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
		defer func() { _ = server.Close() }()
		for data := 0; ; {
			record, err := readRecord(client)
			if err != nil {
				return
			}
			if record[0] == recordData {
				data++
			}
			if data > loginRecords {
				sent.Store(true)
				if cut(false) {
					return
				}
			}
			if _, err := server.Write(record); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := server.Read(buffer)
		if n > 0 && sent.CompareAndSwap(true, false) && cut(true) {
			return errCut
		}
		if n > 0 {
			if _, err := client.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// What a client sends by TLS 1.3 is in records, each with a head of its type, its version and its
// length. The first ones of application data end the handshake and log in. After that each has a
// command, if it is not of more than 16 kB.
// https://www.rfc-editor.org/rfc/rfc8446#section-5
const (
	recordHead   = 5
	recordData   = 23
	loginRecords = 2
)

var errCut = errors.New("the connection was cut")

// readRecord returns a record of TLS, including its head.
func readRecord(r io.Reader) ([]byte, error) {
	record := make([]byte, recordHead)
	if _, err := io.ReadFull(r, record); err != nil {
		return nil, err
	}
	record = append(record, make([]byte, binary.BigEndian.Uint16(record[3:]))...)
	_, err := io.ReadFull(r, record[recordHead:])
	return record, err
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
