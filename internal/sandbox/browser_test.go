package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var picture = flag.Bool("picture", false, "write the page as a browser shows it to .github/site.png")

// browser is a page of a headless Chromium, driven by its own protocol.
// https://chromedevtools.github.io/devtools-protocol/
type browser struct {
	testing.TB
	in      *os.File
	out     *bufio.Reader
	id      int
	session string
}

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

// openBrowser opens an empty page. The protocol goes by pipes, with a zero byte after each
// message.
func openBrowser(t testing.TB, chromium string) *browser {
	t.Helper()
	theirIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	cmd := exec.Command(chromium, "--headless=new", "--remote-debugging-pipe", "--no-sandbox",
		"--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir="+home)
	cmd.Env = append(os.Environ(), "HOME="+home)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = theirIn.Close(), theirOut.Close()
	b := &browser{TB: t, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		b.session = ""
		b.call("Browser.close", nil)
		_ = cmd.Wait()
		_, _ = in.Close(), out.Close()
	})
	target := b.call("Target.createTarget", map[string]any{"url": "about:blank"})["targetId"]
	b.session, _ = b.call("Target.attachToTarget", map[string]any{"targetId": target, "flatten": true})["sessionId"].(string)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1100, "height": 1130, "deviceScaleFactor": 1, "mobile": false})
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": "light"}}})
	return b
}

// call calls a method and returns its result.
func (b *browser) call(method string, params map[string]any) map[string]any {
	b.Helper()
	b.id++
	message := map[string]any{"id": b.id, "method": method, "params": params}
	if params == nil {
		delete(message, "params")
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err == nil {
		_, err = b.in.Write(append(text, 0))
	}
	if err != nil {
		b.Fatalf("%s: %v", method, err)
	}
	for {
		text, err := b.out.ReadBytes(0)
		if err != nil {
			b.Fatalf("%s: %v", method, err)
		}
		var answer struct {
			ID     int            `json:"id"`
			Result map[string]any `json:"result"`
			Error  map[string]any `json:"error"`
		}
		if err := json.Unmarshal(text[:len(text)-1], &answer); err != nil {
			b.Fatalf("%s: %v", method, err)
		}
		if answer.ID != b.id { // an event
			continue
		}
		if answer.Error != nil {
			b.Fatalf("%s: %v", method, answer.Error)
		}
		return answer.Result
	}
}

// eval evaluates an expression and waits for its promise.
func (b *browser) eval(expression string) any {
	b.Helper()
	out := b.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true})
	if out["exceptionDetails"] != nil {
		b.Fatalf("%s: %v", expression, out["exceptionDetails"])
	}
	result, _ := out["result"].(map[string]any)
	return result["value"]
}

// open opens a page, and returns when what it loads by itself is there.
func (b *browser) open(url string) {
	b.Helper()
	b.call("Page.navigate", map[string]any{"url": url})
	b.waitFor(fmt.Sprintf(`location.href === %q && document.readyState === "complete" && !document.querySelector("[aria-busy]")`, url))
}

// waitFor returns when a condition of the page is true.
func (b *browser) waitFor(condition string) {
	b.Helper()
	for b.eval(`new Promise((resolve) => setTimeout(() => resolve(`+condition+`), 20))`) != true {
		if err := b.Context().Err(); err != nil {
			b.Fatalf("%s: %v", condition, err)
		}
	}
}

// texts returns the texts of the elements that a selector finds, joined by commas.
func (b *browser) texts(selector string) string {
	b.Helper()
	text, _ := b.eval(fmt.Sprintf(`[...document.querySelectorAll(%q)].map((e) => e.textContent).join(", ")`, selector)).(string)
	return text
}

// save writes a picture of the page.
func (b *browser) save(file string) {
	b.Helper()
	data, _ := b.call("Page.captureScreenshot", map[string]any{"format": "png"})["data"].(string)
	content, err := base64.StdEncoding.DecodeString(data)
	if err == nil {
		err = os.WriteFile(file, content, 0o644)
	}
	if err != nil {
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
	b.eval(fmt.Sprintf(`document.querySelector("#name").value = %q;
		document.querySelector("#message").value = %q;
		document.querySelector("#guest-form button").click()`, name, entry))
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
	f.noChanges()
	b.open("about:blank")
	b.open(page)
	signed("after an up")
}
