package webhook

import (
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// MaxBody is the largest body that is read, in bytes, after base64 was undone.
const MaxBody = 64 << 10

// Delivery is one HTTP request of a ticket system.
type Delivery struct {
	Header http.Header
	Body   []byte    // as it was sent, byte by byte
	At     time.Time // when API Gateway received it
}

var (
	errTooLarge = errors.New("the body is larger than 64 KiB")
	errEncoding = errors.New("the body is not the base64 that it is said to be")
)

// deliveryOf reads API Gateway's event.
//
// AWS: payload format 2.0 joins repeated headers with commas; two spellings of one name stay two values here.
func deliveryOf(request events.APIGatewayV2HTTPRequest) (Delivery, error) {
	d := Delivery{Header: http.Header{}, Body: []byte(request.Body), At: receivedAt(request)}
	for name, value := range request.Headers {
		d.Header.Add(name, value)
	}
	if request.IsBase64Encoded {
		if len(request.Body) > base64.StdEncoding.EncodedLen(MaxBody) {
			return d, errTooLarge
		}
		body, err := base64.StdEncoding.DecodeString(request.Body)
		if err != nil {
			return d, errEncoding
		}
		d.Body = body
	}
	if len(d.Body) > MaxBody {
		return d, errTooLarge
	}
	return d, nil
}

// receivedAt is when API Gateway received a request, zero when it does not say.
func receivedAt(request events.APIGatewayV2HTTPRequest) time.Time {
	if epoch := request.RequestContext.TimeEpoch; epoch > 0 {
		return time.UnixMilli(epoch).UTC()
	}
	return time.Time{}
}

// one returns the value of a header that is there exactly once, or "".
func (d Delivery) one(name string) string {
	if values := d.Header.Values(name); len(values) == 1 {
		return values[0]
	}
	return ""
}
