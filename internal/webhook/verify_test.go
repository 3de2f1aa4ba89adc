package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The vectors are those of the systems' own documentation.
func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	const everybody = "It's a Secret to Everybody"
	for name, test := range map[string]struct {
		source  string
		secret  string
		body    string
		at      time.Time
		headers map[string]string
	}{
		// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
		"GitHub": {"github", everybody, "Hello, World!", noon, map[string]string{
			"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
		// https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks
		"Jira": {"jira", everybody, "Hello World!", noon, map[string]string{
			"X-Hub-Signature": "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"}},
		// https://github.com/standard-webhooks/standard-webhooks, libraries
		"Standard Webhooks": {"standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `{"test": 2432232314}`, time.Unix(1614265330, 0),
			map[string]string{"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
				"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := delivery(test.headers, []byte(test.body))
			d.At = test.at
			source := everySource(t)[test.source]
			if err := source.Verify(d, []Secret{NewSecret(test.secret)}); err != nil {
				t.Error(err)
			}
			d.Body = append(d.Body, ' ')
			if err := source.Verify(d, []Secret{NewSecret(test.secret)}); !errors.Is(err, errSignature) {
				t.Errorf("a changed body: %v", err)
			}
		})
	}
}

func TestEitherSecret(t *testing.T) {
	t.Parallel()
	for name, source := range everySource(t) {
		body := sample(name)
		for signer, want := range map[string]error{key: nil, oldKey: nil, "YW5vdGhlci1zZWNyZXQtYWx0b2dldGhlcg==": errSignature} {
			err := source.Verify(delivery(sign(source, signer, noon, body), body), []Secret{NewSecret(key), NewSecret(oldKey)})
			if !errors.Is(err, want) {
				t.Errorf("%s, signed with %s: %v, want %v", name, signer, err, want)
			}
		}
	}
}

func sha1Of(body []byte) string {
	hash := hmac.New(sha1.New, []byte(key))
	hash.Write(body)
	return "sha1=" + hex.EncodeToString(hash.Sum(nil))
}

// Every attack is refused with one and the same answer.
func TestAttacks(t *testing.T) {
	t.Parallel()
	flip := func(body []byte) []byte { return bytes.Replace(body, []byte("agents-prod"), []byte("agents-evil"), 1) }
	set := func(headers map[string]string, name, value string) map[string]string {
		headers = maps.Clone(headers)
		headers[name] = value
		return headers
	}
	type attack struct {
		sources string // "" for all
		headers func(h map[string]string, s *Source, body []byte) map[string]string
		body    func([]byte) []byte
		at      time.Duration
	}
	signedBy := func(key string, at time.Duration) func(map[string]string, *Source, []byte) map[string]string {
		return func(_ map[string]string, s *Source, body []byte) map[string]string {
			return sign(s, key, noon.Add(at), body)
		}
	}
	each := func(change func(string) string) func(map[string]string, *Source, []byte) map[string]string {
		return func(h map[string]string, _ *Source, _ []byte) map[string]string {
			h = maps.Clone(h)
			for name, value := range h {
				h[name] = change(value)
			}
			return h
		}
	}
	const timed, hub = "standard zendesk", "github jira"
	for name, a := range map[string]attack{
		"wrong key":          {headers: signedBy("d3Jvbmcta2V5LXdyb25nLWtleQ==", 0)},
		"tampered body":      {sources: "standard github jira zendesk", body: flip},
		"replay":             {sources: timed, headers: signedBy(key, -tolerance-time.Second)},
		"future":             {sources: timed, headers: signedBy(key, tolerance+time.Second)},
		"replayed later":     {sources: timed, at: tolerance + time.Second},
		"no header":          {headers: func(map[string]string, *Source, []byte) map[string]string { return nil }},
		"empty header":       {headers: each(func(string) string { return "" })},
		"joined header":      {headers: each(func(v string) string { return v + "," + v })},
		"joined with blanks": {headers: each(func(v string) string { return v + ", " + v })},
		"doubled header": {headers: func(h map[string]string, _ *Source, _ []byte) map[string]string {
			h = maps.Clone(h)
			for name, value := range maps.Clone(h) {
				h[strings.ToUpper(name)] = value
			}
			return h
		}},
		"SHA-1": {sources: hub, headers: func(_ map[string]string, _ *Source, body []byte) map[string]string {
			return map[string]string{"x-hub-signature": sha1Of(body), "x-hub-signature-256": sha1Of(body)}
		}},
		"only the old header": {sources: "github", headers: func(h map[string]string, _ *Source, body []byte) map[string]string {
			return map[string]string{"x-hub-signature": sha1Of(body)}
		}},
		"no algorithm": {sources: hub, headers: each(func(v string) string { return strings.TrimPrefix(v, "sha256=") })},
		"SHA-512":      {sources: hub, headers: each(func(v string) string { return "sha512=" + strings.TrimPrefix(v, "sha256=") })},
		"cut":          {sources: hub, headers: each(func(v string) string { return v[:len(v)-min(len(v), 2)] })},
		"another version": {sources: "standard", headers: func(h map[string]string, _ *Source, _ []byte) map[string]string {
			return set(h, "webhook-signature", strings.Replace(h["webhook-signature"], "v1,", "v0,", 1))
		}},
		"id with a full stop": {sources: "standard", headers: func(h map[string]string, _ *Source, _ []byte) map[string]string {
			return set(h, "webhook-id", "msg.1")
		}},
		"another id": {sources: "standard", headers: func(h map[string]string, _ *Source, _ []byte) map[string]string {
			return set(h, "webhook-id", "msg_2")
		}},
		"time that is none": {sources: timed, headers: func(h map[string]string, s *Source, _ []byte) map[string]string {
			return set(set(h, "webhook-timestamp", "1e9"), "x-zendesk-webhook-signature-timestamp", "2026-99-02T14:00:00Z")
		}},
		"time moved": {sources: timed, at: time.Hour, headers: func(h map[string]string, s *Source, body []byte) map[string]string {
			fresh := sign(s, key, noon.Add(time.Hour), body)
			h = maps.Clone(h)
			for _, name := range []string{"webhook-timestamp", "x-zendesk-webhook-signature-timestamp"} {
				if fresh[name] != "" {
					h[name] = fresh[name]
				}
			}
			return h
		}},
		"basic": {sources: "servicenow jira-automation", headers: each(func(v string) string {
			return strings.Replace(v,
				"Bearer", "Basic", 1)
		})},
		"no scheme": {sources: "servicenow jira-automation",
			headers: each(func(v string) string { return strings.TrimPrefix(v, "Bearer ") })},
		"empty bearer":  {sources: "servicenow jira-automation", headers: each(func(string) string { return "Bearer " })},
		"bearer prefix": {sources: "servicenow jira-automation", headers: each(func(v string) string { return v[:len(v)-1] })},
	} {
		for source, s := range everySource(t) {
			if a.sources != "" && !strings.Contains(" "+a.sources+" ", " "+source+" ") {
				continue
			}
			t.Run(name+"/"+source, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				body := sample(source)
				headers := sign(s, key, noon, body)
				if a.headers != nil {
					headers = a.headers(headers, s, body)
				}
				if a.body != nil {
					body = a.body(body)
				}
				got := w.send(t, post(source, headers, body, noon.Add(a.at)))
				if got.status != http.StatusUnauthorized || got.raw != `{"message":"not authorized"}` {
					t.Errorf("answered %d %s", got.status, got.raw)
				}
				if got := w.metrics.String(); strings.Count(got, `"WebhookRefused":1`) != 1 || strings.Contains(got, source) {
					t.Errorf("metrics %s", got)
				}
				if len(w.machine.executions) != 0 || len(w.table.Calls()) != 0 {
					t.Error("something was started or read")
				}
			})
		}
	}
}

func TestNoSecretDenies(t *testing.T) {
	t.Parallel()
	for name, source := range everySource(t) {
		for _, secret := range []string{"", " \n", "whsec_", "whsec_===="} {
			if source.Scheme != "standard" && strings.HasPrefix(secret, "whsec_") {
				continue
			}
			w := newWorld(t)
			w.vault.values = map[string]string{SecretPrefix + name + " AWSCURRENT": secret}
			body := sample(name)
			headers := map[string]string{"authorization": "Bearer " + secret}
			if source.Scheme != "bearer" {
				headers = sign(source, strings.TrimRight(strings.TrimSpace(secret), "="), noon, body)
			}
			if got := w.send(t, post(name, headers, body, noon)); got.status != http.StatusUnauthorized {
				t.Errorf("%s with the secret %q: answered %d", name, secret, got.status)
			}
			w.vault.values = nil
			if got := newSend(t, w, name, headers, body); got.status != http.StatusUnauthorized {
				t.Errorf("%s without a secret: answered %d", name, got.status)
			}
		}
		if err := source.Verify(delivery(nil, nil), []Secret{{}}); !errors.Is(err, errNoSecret) {
			t.Errorf("%s with the zero secret: %v", name, err)
		}
	}
}

// newSend sends past what the vault keeps.
func newSend(t *testing.T, w *world, source string, headers map[string]string, body []byte) result {
	t.Helper()
	w.secrets = NewVault(w.vault)
	return w.send(t, post(source, headers, body, noon))
}

func TestNoTimeDenies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := sample("github")
	request := post("github", sign(w.config.Sources["github"], key, noon, body), body, noon)
	request.RequestContext.TimeEpoch = 0
	if got := w.send(t, request); got.status != http.StatusUnauthorized {
		t.Errorf("answered %d", got.status)
	}
}

func TestSignatureAmongSeveral(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := sample("standard")
	headers := sign(w.config.Sources["standard"], key, noon, body)
	headers["webhook-signature"] = "v1a,c29tZXRoaW5n v1,bm90IGl0 " + headers["webhook-signature"]
	if got := w.send(t, post("standard", headers, body, noon)); got.status != http.StatusAccepted {
		t.Errorf("answered %d %s", got.status, got.raw)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	secret := NewSecret(key)
	for _, text := range formatted(secret) {
		if strings.Contains(text, key) {
			t.Errorf("the secret is in %s", text)
		}
	}
}

func FuzzVerify(f *testing.F) {
	sources := everySource(f)
	for name, source := range sources {
		body := sample(name)
		for header, value := range sign(source, key, noon, body) {
			f.Add(name, header, value, body, false)
		}
	}
	f.Add("standard", "webhook-signature", "v1,,, v1", []byte("{}"), true)
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, name, header, value string, body []byte, encoded bool) {
		request := post(name, map[string]string{header: value}, body, noon)
		request.IsBase64Encoded = encoded
		response, err := w.Handle(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		// One header is enough for a bearer, and for the hub signatures: of these only the seeds are right.
		if response.StatusCode == http.StatusAccepted && !bytes.Equal(body, sample(name)) && !strings.Contains(value, key) &&
			!strings.Contains(value, oldKey) {
			raw, _ := base64.StdEncoding.DecodeString(string(body))
			if !encoded || !bytes.Equal(raw, sample(name)) {
				t.Errorf("%s: %s %q let %q in", name, header, value, body)
			}
		}
	})
}
