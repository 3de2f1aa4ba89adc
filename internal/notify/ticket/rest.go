package ticket

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// rest calls a system's JSON API.
type rest struct {
	client *http.Client
	base   string // without a slash at the end
	basic  string // user and password, with a colon between; "" for none
}

// maxAnswer is the most that is read of an answer: a page of a hundred long comments.
const maxAnswer = 8 << 20

// do sends in, unless it is nil, and reads the answer into out, unless that is nil.
func (r rest) do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("writing the request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	address := r.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if r.basic != "" {
		request.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(r.basic)))
	}
	return r.send(request, out)
}

func (r rest) send(request *http.Request, out any) error {
	response, err := r.client.Do(request) //nolint:gosec // the host is of the settings, checked when they are read
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if refusal := answered(response); refusal != nil {
		return refusal
	}
	if err != nil || out == nil {
		return err
	}
	if json.Unmarshal(raw, out) != nil {
		return errors.New("the answer is not the JSON that was expected")
	}
	return nil
}
