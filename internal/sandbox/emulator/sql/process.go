package sql

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// process is a running TiDB, as internal/tools/tidb builds it. It ends when its standard input
// is closed, so also when this process is killed.
type process struct {
	socket string
	cmd    *exec.Cmd
	in     io.WriteCloser
	answer *json.Decoder
	stderr bytes.Buffer // to be read when it has ended
	done   chan struct{}
}

// startProcess starts TiDB on the data in dir and waits until it serves.
func startProcess(tidb, dir string, args ...string) (*process, error) {
	p := &process{socket: filepath.Join(dir, "mysql.sock"), cmd: exec.Command(tidb, args...), done: make(chan struct{})}
	p.cmd.Dir = dir
	// TiDB gets nothing from the user's environment. The time zone is TiDB Cloud's.
	p.cmd.Env = []string{"TZ=UTC", "TMPDIR=" + filepath.Join(dir, "tmp")}
	// An interrupt at the terminal is for this process, which may need the server to finish.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting TiDB: %w", err)
	}
	p.answer = json.NewDecoder(out)
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	if err := p.read(); err != nil {
		return nil, fmt.Errorf("starting TiDB: %w", err)
	}
	return p, nil
}

// run runs a script with all privileges.
func (p *process) run(script string) error {
	_ = json.NewEncoder(p.in).Encode(script) // if it has ended, read returns that error
	return p.read()
}

// read reads the answer to a script, or the first one, which says that TiDB serves.
func (p *process) read() error {
	var text string
	if err := p.answer.Decode(&text); err != nil {
		_ = p.stop()
		return fmt.Errorf("TiDB has ended: %s; its log is %s", bytes.TrimSpace(p.stderr.Bytes()), filepath.Join(p.cmd.Dir, "tidb.log"))
	}
	if text != "" {
		return errors.New(text)
	}
	return nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// maxSocketPath is below the limit of every system. On macOS it is 104 bytes, including the
// final zero. https://man7.org/linux/man-pages/man7/unix.7.html
const maxSocketPath = 100

// dial connects to the server. It reaches a path that is too long through a shorter one.
func (p *process) dial() (net.Conn, error) {
	if len(p.socket) <= maxSocketPath {
		return net.Dial("unix", p.socket)
	}
	short, err := os.MkdirTemp("", "sql")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(short) }()
	link := filepath.Join(short, "s")
	if err := os.Symlink(p.socket, link); err != nil {
		return nil, err
	}
	return net.Dial("unix", link)
}

// stop ends the process. Whatever it answered is in its files.
func (p *process) stop() error {
	_ = p.in.Close()
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	return nil
}

// setup configures a new server as one of many small ones. Nobody can log in yet.
//
//   - Automatic statistics are not worth their CPU time here.
//   - A transaction is not written in parts, since a kill could leave half of it.
const setup = `SET GLOBAL tidb_enable_auto_analyze = OFF;
SET GLOBAL tidb_txn_commit_batch_size = 1073741824;
SET GLOBAL tidb_server_memory_limit = '1GB';
DROP USER IF EXISTS root`

// prepared is the folder beside the program from which new clusters are copied, if [Prepare]
// created it.
func prepared(tidb string) string { return tidb + ".data" }

// Prepare creates the data of a new cluster beside the program, unless it is there. It takes
// two seconds.
func Prepare(tidb string) error {
	if _, err := os.Stat(prepared(tidb)); err == nil {
		return nil
	}
	return create(tidb, prepared(tidb))
}

// create creates the data of a new cluster in dir, or nothing.
func create(tidb, dir string) error {
	scratch, err := os.MkdirTemp(filepath.Dir(dir), "bootstrap")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	p, err := startProcess(tidb, scratch)
	if err != nil {
		return err
	}
	if err := errors.Join(p.run(setup), p.stop()); err != nil {
		return fmt.Errorf("bootstrapping TiDB: %w", err)
	}
	if err := os.Rename(scratch, dir); err != nil && !errors.Is(err, os.ErrExist) { // another process made it
		return err
	}
	return nil
}

var bootstrap sync.Mutex // makes clusters wait for each other

// createData creates the data of a new cluster in dir, or nothing. It copies the data that lies
// beside the program, or else data that cache keeps for exactly this program.
func createData(tidb, cache, dir string) error {
	from := prepared(tidb)
	if _, err := os.Stat(from); err != nil {
		hash, err := fileHash(tidb)
		if err != nil {
			return fmt.Errorf("TIDB_SERVER: %w", err)
		}
		from = filepath.Join(cache, "new-"+hash)
		bootstrap.Lock()
		defer bootstrap.Unlock()
		if _, err := os.Stat(from); err != nil {
			if err := create(tidb, from); err != nil {
				return err
			}
		}
	}
	scratch, err := os.MkdirTemp(filepath.Dir(dir), "new")
	if err == nil {
		err = os.CopyFS(scratch, os.DirFS(from))
	}
	if err == nil {
		err = os.Rename(scratch, dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("creating the data of a cluster: %w", err), os.RemoveAll(scratch))
	}
	return nil
}

func fileHash(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return fmt.Sprintf("%.8x", h.Sum(nil)), err
}
