package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var picture = flag.Bool("picture", false, "write the page as a browser shows it to .github/site.png")

// findChromium returns the program's path under the names that it has on Debian, Fedora and
// GitHub's runners.
func findChromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is installed, as by apt-get install chromium")
	return ""
}

// browser is a page of a headless Chromium.
type browser struct {
	testing.TB
	page context.Context
}

// openBrowser opens an empty page.
func openBrowser(t testing.TB, chromium string) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.WindowSize(1100, 1130), chromedp.Env("HOME="+t.TempDir()))
	allocated, end := chromedp.NewExecAllocator(t.Context(), options...)
	page, closePage := chromedp.NewContext(allocated)
	t.Cleanup(func() { closePage(); end() })
	b := &browser{t, page}
	b.run(chromedp.EmulateViewport(1100, 1130),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}}))
	return b
}

func (b *browser) run(actions ...chromedp.Action) {
	b.Helper()
	if err := chromedp.Run(b.page, actions...); err != nil {
		b.Fatal(err)
	}
}

// open opens a page, and returns when what it loads by itself is there.
func (b *browser) open(url string) {
	b.Helper()
	b.run(chromedp.Navigate(url))
	b.waitFor(`!document.querySelector("[aria-busy]")`)
}

// waitFor returns when a condition of the page is true.
func (b *browser) waitFor(condition string) {
	b.Helper()
	b.run(chromedp.Poll(condition, nil))
}

// texts returns the texts of the elements that a selector finds, joined by commas.
func (b *browser) texts(selector string) (text string) {
	b.Helper()
	b.run(chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll(%q)].map((e) => e.textContent).join(", ")`, selector), &text))
	return text
}

// save writes a picture of the page.
func (b *browser) save(file string) {
	b.Helper()
	var content []byte
	b.run(chromedp.CaptureScreenshot(&content))
	if err := os.WriteFile(file, content, 0o644); err != nil {
		b.Fatal(err)
	}
}

// A person sees the rows, and what they wrote is there after a reload and the next up.
func TestStack_siteInBrowser(t *testing.T) {
	chromium := findChromium(t)
	f, _ := newSiteFixture(t)
	f.up()
	page := f.serveSite().base + "/"
	b := openBrowser(t, chromium)
	b.open(page)
	f.want("projects", b.texts("#project-list h3"), "This page, Field notes, Tide table")

	name, entry := "Ada <3", `It's "lovely" here, isn't it? \o/`
	b.run(chromedp.SendKeys("#name", name), chromedp.SendKeys("#message", entry), chromedp.Click("#guest-form button"))
	b.waitFor(`document.querySelector("#status").textContent !== ""`)
	f.want("status", b.texts("#status"), "Thank you!")
	signed := func(when string) {
		t.Helper()
		f.want("guest "+when, b.texts("#guest-list strong"), name)
		f.want("entry "+when, b.texts("#guest-list li > p:last-child"), entry)
	}
	b.waitFor(`document.querySelectorAll("#guest-list strong").length > 0`)
	signed("at once")
	b.open("about:blank")
	b.open(page)
	signed("after a reload")
	if *picture {
		b.save(filepath.Join(root, ".github", "site.png"))
	}
}
