package pages

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portfolio-infra/internal/testcheck"
)

// key returns a private key of that kind, as text.
func key(kind string) string {
	return "-----BEGIN " + kind + "-----\nMIIB\n-----END " + kind + "-----\n"
}

func TestRead_secrets(t *testing.T) {
	long := strings.Repeat("MIIB\n", 1000)
	certificate := "-----BEGIN CERTIFICATE-----\n" + long + "-----END CERTIFICATE-----\n"
	utf16 := "\xff\xfe" + strings.Join(strings.Split(key("RSA PRIVATE KEY"), ""), "\x00") + "\x00"
	for _, tt := range []struct{ file, content, as string }{
		{".env", "", ""}, {"docs/.env.example", "", ""}, {".ENV.local", "", ""}, {".envrc", "", ""}, {".dev.vars", "", ""}, {".dev.vars.production", "", ""},
		{".npmrc", "", ""}, {".netrc", "", ""}, {"a/.htpasswd", "", ""}, {".git-credentials", "", ""},
		{".aws/credentials", "", ".aws"}, {"home/.ssh/known_hosts", "", "home/.ssh"}, {".svn/wc.db", "", ".svn"}, {".SSH/config", "", ".SSH"}, {".env/bin/python", "", ".env"},
		{"id_rsa", "", ""}, {"keys/id_ed25519", "", ""}, {"id_work.bak", "", ""}, {"id_rsa.txt", "", ""}, {"id_ecdsa.pem", "", ""},
		{"Pulumi.dev.yaml", "", ""}, {"a/pulumi.prod.yaml", "", ""}, {"Pulumi.dev.yaml.bak", "", ""}, {"Pulumi.yaml", "", ""},
		{"a.txt", key("PRIVATE KEY"), "a.txt (a private key)"},
		{"a.pem", key("ENCRYPTED PRIVATE KEY"), "a.pem (a private key)"},
		{"a.key", key("RSA PRIVATE KEY"), "a.key (a private key)"},
		{"a.html", key("EC PRIVATE KEY"), "a.html (a private key)"},
		{"deploy", key("OPENSSH PRIVATE KEY"), "deploy (a private key)"},
		{"a.asc", key("PGP PRIVATE KEY BLOCK"), "a.asc (a private key)"},
		{"space.pem", " \r\n\t\n" + key("PRIVATE KEY"), "space.pem (a private key)"},
		{"bom.pem", "\xef\xbb\xbf" + key("PRIVATE KEY"), "bom.pem (a private key)"},
		{"utf16.pem", utf16, "utf16.pem (a private key)"},
		{"both.pem", certificate + key("PRIVATE KEY"), "both.pem (a private key)"},
		{"p12.pem", "Bag Attributes\n    friendlyName: x\nKey Attributes: <No Attributes>\n" + key("PRIVATE KEY"), "p12.pem (a private key)"},
		{"id_card.png", key("PRIVATE KEY"), "id_card.png (a private key)"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			f := files{"index.html": "", tt.file: tt.content}
			_, err := Read(t.Context(), Folder{Site: f.site(t)})
			if tt.as == "" {
				tt.as = tt.file
			}
			testcheck.Error(t, err, "what looks like a secret: "+tt.as+": take it out of the folder")
		})
	}
}

func TestRead_noSecrets(t *testing.T) {
	f := files{"id_rsa.pub": "", "id_card.png": "", "locales/id_ID.json": "", "id_ID/index.html": "", "valid_id_rsa": "", ".well-known/acme": "", "env": "", "pulumi.html": "",
		"docs/Pulumi.yaml": "", ".nojekyll": "", ".htaccess": "", "aws/x": "", ".aws.html": "",
		"cert.pem": key("CERTIFICATE"), "public.pem": key("PUBLIC KEY"), "a.asc": key("PGP PUBLIC KEY BLOCK"), "docs.html": "<pre>\n" + key("PRIVATE KEY"), "empty": "",
		// What is not served is not looked at.
		"node_modules/a/.npmrc": "", "functions/.env": "", ".git/id_rsa": "", "_headers": ""}
	f.read(t)
}

// A link counts by its name in the site and by the content that it leads to.
func TestRead_linkedSecrets(t *testing.T) {
	f := files{"index.html": "", "readme.txt": "-> a/deploy", "a/deploy": key("PRIVATE KEY"), ".env": "-> index.html", "home/.ssh": "-> ../a"}
	_, err := Read(t.Context(), Folder{Site: f.site(t)})
	testcheck.Error(t, err, "a secret: .env, a/deploy (a private key), home/.ssh, readme.txt (a private key): take")
}

var publicCommand = regexp.MustCompile("`pulumi config set (--type string )?--path 'publicFiles\\[(\\d+)\\]' (?:-- )?('(?:[^']|'\\\\'')*'|[^`]+)`")

// follow does what an error advises, and returns the new value of publicFiles.
func follow(t *testing.T, public []string, err error) []string {
	t.Helper()
	found := publicCommand.FindAllStringSubmatch(err.Error(), -1)
	if len(found) == 0 {
		t.Fatalf("no advice in %q", err)
	}
	for _, f := range found {
		if f[2] != fmt.Sprint(len(public)) {
			t.Errorf("index %s for path number %d", f[2], len(public)+1)
		}
		name := f[3]
		if quoted, ok := strings.CutPrefix(name, "'"); ok {
			name = strings.ReplaceAll(strings.TrimSuffix(quoted, "'"), `'\''`, "'")
		}
		if isNumber := regexp.MustCompile(`^[0-9]+$`).MatchString(name); isNumber != (f[1] != "") {
			t.Errorf("%s is stored as %q", name, f[1])
		}
		public = append(public, name)
	}
	return public
}

// Whoever follows the advice of each error publishes what it names and nothing else.
func TestRead_publicFiles(t *testing.T) {
	f := files{"index.html": "", "docs/.env.example": "", ".ssh/config": "", ".ssh/id_rsa": "", "my keys/it's.pem": key("PRIVATE KEY"), "42": key("PRIVATE KEY"), "-x.pem": key("PRIVATE KEY")}
	for i := range 12 {
		f[fmt.Sprintf("env/.env.%02d", i)] = ""
	}
	folder := Folder{Site: f.site(t), Public: []string{"/docs/.env.example"}}
	rounds := 0
	var s *Site
	for ; ; rounds++ {
		var err error
		if s, err = Read(t.Context(), folder); err == nil {
			break
		}
		if rounds == 0 {
			testcheck.Error(t, err, "env/.env.06 and 6 more: take")
		}
		if rounds > 5 {
			t.Fatal(err)
		}
		folder.Public = follow(t, folder.Public, err)
	}
	var names []string
	for _, a := range s.assets {
		names = append(names, a.name)
	}
	for name := range f {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not published", name)
		}
	}
	if len(s.Warnings) > 0 {
		t.Errorf("warnings: %v", s.Warnings)
	}

	folder.Public = append(folder.Public, "no/.env", "index.html", "./docs//.env.example")
	s, err := Read(t.Context(), folder)
	if err != nil || len(s.Warnings) != 1 || !strings.HasSuffix(s.Warnings[0], "like a secret: no/.env, index.html, ./docs//.env.example") {
		t.Errorf("%v, %v", s, err)
	}
	// A folder's path is for its name alone.
	folder.Public = []string{".ssh", "docs", "env"}
	_, err = Read(t.Context(), folder)
	testcheck.Error(t, err, ".ssh/id_rsa")
	testcheck.Error(t, err, "docs/.env.example")
}
