package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v75/github"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// tolerance is how far a delivery's own time may be from when it arrived, both ways.
const tolerance = 5 * time.Minute

// The reasons of a refusal are for our log. The sender learns none of them.
var (
	errNoSecret  = errors.New("no secret is set")
	errHeader    = errors.New("a header is missing, doubled or malformed")
	errTime      = errors.New("signed more than five minutes ago or ahead")
	errSignature = errors.New("the signature is of another body, or made with another secret")
)

// A scheme is how a system signs. It returns nil when the delivery was signed with the secret, which is never empty.
type scheme func(source *Source, d Delivery, secret Secret) error

// schemes are the ways that are known, by the name that sources/*.yaml uses.
var schemes = map[string]scheme{
	"standard": verifyStandard,
	"jira":     verifyJira,
	"github":   verifyGitHub,
	"zendesk":  verifyZendesk,
	"bearer":   verifyBearer,
}

// Verify returns nil when the delivery was signed with one of the secrets. Without a secret nothing is: fail closed.
func (s *Source) Verify(d Delivery, secrets []Secret) error {
	check, known := schemes[s.Scheme]
	if !known || d.At.IsZero() {
		return errHeader
	}
	refusal := errNoSecret
	for _, secret := range secrets {
		if secret.reveal() == "" {
			continue
		}
		if refusal = check(s, d, secret); refusal == nil {
			return nil
		}
	}
	return refusal
}

var (
	// A full stop would let a message pose as another one: id, time and body are signed joined by full stops. And a comma means
	// that API Gateway joined two headers.
	standardID        = regexp.MustCompile(`^[!-+/-~-]{1,256}$`)
	standardTime      = regexp.MustCompile(`^[1-9][0-9]{0,11}$`)
	standardSignature = regexp.MustCompile(`^v1a?,[A-Za-z0-9+/=]+( v1a?,[A-Za-z0-9+/=]+)*$`)
	hubSignature      = regexp.MustCompile(`^sha256=[0-9a-f]{64}$`)
	zendeskTime       = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
	zendeskSignature  = regexp.MustCompile(`^[A-Za-z0-9+/]{43}=$`)
)

// verifyStandard checks what https://www.standardwebhooks.com prescribes. Its library compares with time.Now, so the time is
// compared here, with when API Gateway received the delivery.
func verifyStandard(_ *Source, d Delivery, secret Secret) error {
	id, at := d.one(standardwebhooks.HeaderWebhookID), d.one(standardwebhooks.HeaderWebhookTimestamp)
	signature := d.one(standardwebhooks.HeaderWebhookSignature)
	if !standardID.MatchString(id) || !standardTime.MatchString(at) || !standardSignature.MatchString(signature) {
		return errHeader
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return errHeader
	}
	if !near(time.Unix(seconds, 0), d.At) {
		return errTime
	}
	// The library takes "whsec_" for a key of no bytes, which anybody has.
	hook, err := standardwebhooks.NewWebhook(secret.reveal())
	if err != nil || strings.Trim(strings.TrimPrefix(secret.reveal(), "whsec_"), "=") == "" {
		return errNoSecret
	}
	if hook.VerifyIgnoringTimestamp(d.Body, d.Header) != nil {
		return errSignature
	}
	return nil
}

// verifyJira checks an admin webhook of Jira: the header's name is GitHub's old one, the digest is SHA-256.
//
// Jira: https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks
func verifyJira(_ *Source, d Delivery, secret Secret) error {
	signature := d.one("X-Hub-Signature")
	if !hubSignature.MatchString(signature) {
		return errHeader
	}
	given, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	if err != nil || !hmac.Equal(given, mac(secret, d.Body)) {
		return errSignature
	}
	return nil
}

// verifyGitHub lets only X-Hub-Signature-256 pass: the library alone takes SHA-1 too.
func verifyGitHub(_ *Source, d Delivery, secret Secret) error {
	signature := d.one(github.SHA256SignatureHeader)
	if !hubSignature.MatchString(signature) {
		return errHeader
	}
	if github.ValidateSignature(signature, d.Body, []byte(secret.reveal())) != nil {
		return errSignature
	}
	return nil
}

// verifyZendesk checks the digest of the time and the body, joined by nothing: the time's form is fixed, so neither can pose as
// a part of the other.
//
// Zendesk: https://developer.zendesk.com/documentation/webhooks/verifying/
func verifyZendesk(_ *Source, d Delivery, secret Secret) error {
	at, signature := d.one("X-Zendesk-Webhook-Signature-Timestamp"), d.one("X-Zendesk-Webhook-Signature")
	if !zendeskTime.MatchString(at) || !zendeskSignature.MatchString(signature) {
		return errHeader
	}
	signed, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return errHeader
	}
	if !near(signed, d.At) {
		return errTime
	}
	given, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil || !hmac.Equal(given, mac(secret, []byte(at), d.Body)) {
		return errSignature
	}
	return nil
}

// verifyBearer compares a header with the secret, for senders that cannot sign. It proves the sender, not the body.
func verifyBearer(source *Source, d Delivery, secret Secret) error {
	given := d.one(source.Header)
	if source.Header == "Authorization" {
		kind, token, _ := strings.Cut(given, " ")
		if !strings.EqualFold(kind, "Bearer") {
			return errHeader
		}
		given = token
	}
	if given == "" {
		return errHeader
	}
	// Of the digests, because ConstantTimeCompare tells lengths apart.
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(secret.reveal()))
	if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return errSignature
	}
	return nil
}

func mac(secret Secret, parts ...[]byte) []byte {
	hash := hmac.New(sha256.New, []byte(secret.reveal()))
	for _, part := range parts {
		hash.Write(part)
	}
	return hash.Sum(nil)
}

func near(a, b time.Time) bool { return a.Sub(b).Abs() <= tolerance }
