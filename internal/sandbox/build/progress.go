package build

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// progress shows how far some builds are, as one count of packages. On a terminal that is a
// line that changes, elsewhere a line now and then.
type progress struct {
	out     io.Writer
	inPlace bool
	// count returns how many packages the builds compile. It is called, in the background,
	// when the first is: until then there may be nothing to do.
	count func() (int, error)

	counting    sync.WaitGroup
	mu          sync.Mutex // guards the fields below
	done, total int        // total is 0 until it is known
	shown       bool       // a line that the next one replaces
}

// steps is how many lines there are elsewhere than on a terminal, and stepPackages how many
// packages lie between two of them at least.
const steps, stepPackages = 10, 50

// lines returns a writer for what a go command says. A line of go build -v is the path of a
// package that it begins to compile. What else a go command says is passed on, apart from the
// names of modules that it downloads.
func (p *progress) lines() io.Writer { return &lines{progress: p} }

type lines struct {
	*progress
	partial []byte
}

// Write implements [io.Writer].
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, b...)
	for {
		line, rest, whole := bytes.Cut(l.partial, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		l.partial = rest
		l.line(string(line))
	}
}

func (p *progress) line(line string) {
	module, download := strings.CutPrefix(line, "go: downloading ")
	switch {
	case download:
		p.show("downloading " + module)
	case strings.ContainsAny(line, " \t"):
		p.print(line)
	default:
		p.compiled()
	}
}

func (p *progress) compiled() {
	if p.done++; p.done == 1 {
		p.counting.Go(func() {
			total, err := p.count()
			if err != nil {
				return // the build will say why
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.total = total
		})
	}
	text := fmt.Sprintf("%d packages", p.done)
	if p.total > 0 {
		text = fmt.Sprintf("%d of %d packages", p.done, max(p.done, p.total))
	}
	if p.done >= p.total && p.total > 0 {
		text += ", linking"
	}
	p.show(text)
	if step := max(p.total/steps, stepPackages); !p.inPlace && p.total > 0 && p.done%step == 0 {
		fmt.Fprintf(p.out, "  %s\n", text)
	}
}

// show shows a text on the line that changes.
func (p *progress) show(text string) {
	if p.inPlace {
		p.shown = true
		fmt.Fprintf(p.out, "\r\x1b[K  %.76s", text)
	}
}

// say prints a line.
func (p *progress) say(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print(line)
}

func (p *progress) print(line string) {
	p.clear()
	fmt.Fprintln(p.out, line)
}

func (p *progress) clear() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// end takes the line away. Nothing may be written any more.
func (p *progress) end() {
	p.counting.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// isTerminal tells whether a person reads along.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}
