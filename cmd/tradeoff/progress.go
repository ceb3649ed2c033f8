package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress tells how far long work is: nothing in the first two seconds, then once a second on a terminal and every
// ten seconds in a file.
type progress struct {
	w        io.Writer
	now      func() time.Time
	terminal bool
	start    time.Time // of the work
	last     time.Time // that something was written
	written  int       // columns of the line that stands there
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, now: time.Now}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	p.begin()
	return p
}

// begin starts the clock of a piece of work.
func (p *progress) begin() {
	p.start = p.now()
	p.last = p.start.Add(time.Second)
}

// report says that a part of the work is done.
func (p *progress) report(what string, done, total int) {
	now, pause := p.now(), time.Second
	if !p.terminal {
		pause = 10 * time.Second
	}
	first := p.last.Before(p.start.Add(2 * time.Second))
	if now.Sub(p.start) < 2*time.Second || !first && now.Sub(p.last) < pause {
		return
	}
	p.last = now
	text := fmt.Sprintf("tradeoff: %s: %d of %d", what, done, total)
	if !p.terminal {
		fmt.Fprintln(p.w, text)
		return
	}
	fmt.Fprintf(p.w, "\r%-*s", p.written, text)
	p.written = len(text)
}

// end clears the line.
func (p *progress) end() {
	if p.written > 0 {
		fmt.Fprintf(p.w, "\r%*s\r", p.written, "")
		p.written = 0
	}
}

// counting counts bytes as they are read.
type counting struct {
	io.Reader
	seen func(n int)
}

// Read reads on and counts.
func (c counting) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.seen(n)
	return n, err
}
