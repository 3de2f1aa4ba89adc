// Package apigateway simulates API Gateway: an HTTP API whose routes call functions, with payload format 2.0 and a
// throttle in virtual time.
package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"postern/internal/local/clock"
)

// Route is a route of the API.
type Route struct {
	APIID    string
	Key      string // such as POST /webhook/{source}
	Function string // ARN
}

// Stage is what the API bears.
type Stage struct {
	APIID       string
	Rate, Burst float64 // requests a second on average, and at once; 0 for AWS's own limit
}

// Response is what the caller gets.
type Response struct {
	Status int
	Header map[string]string
	Body   string
}

// Invoke calls a function for a route; sourceARN is what the function's policy must let in.
type Invoke func(function, sourceARN string, payload []byte) (result []byte, err error)

// Service is API Gateway of one account and Region, safe for concurrent use.
type Service struct {
	clock           *clock.Clock
	account, region string
	invoke          Invoke

	mu     sync.Mutex
	routes []Route
	stages map[string]*bucket
	served int
}

// bucket is a stage's throttle.
//
// AWS: a token bucket, of burst tokens, filled at the rate.
type bucket struct {
	rate, burst, tokens float64
	at                  time.Time
}

// New returns an API Gateway without routes.
func New(c *clock.Clock, account, region string, invoke Invoke) *Service {
	return &Service{clock: c, account: account, region: region, invoke: invoke, stages: map[string]*bucket{}}
}

// AddRoute makes a route.
func (s *Service) AddRoute(r Route) error {
	method, path, ok := strings.Cut(r.Key, " ")
	if !ok || method == "" || !strings.HasPrefix(path, "/") {
		return fmt.Errorf("routes such as %q are not simulated", r.Key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.routes = append(s.routes, r)
	return nil
}

// AddStage deploys an API. Nothing answers before.
func (s *Service) AddStage(stage Stage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stages[stage.APIID] = &bucket{rate: stage.Rate, burst: stage.Burst, tokens: stage.Burst, at: s.clock.Now()}
}

// maxPayload is the largest body that API Gateway takes.
const maxPayload = 10 << 20

// Post sends a request, and answers as API Gateway does: 404, 413, 429 and 500 are its own.
func (s *Service) Post(path string, header http.Header, body []byte) Response {
	route, parameters, ok := s.match(path)
	if !ok {
		return message(http.StatusNotFound, "Not Found")
	}
	if len(body) > maxPayload {
		return message(http.StatusRequestEntityTooLarge, "Request Too Long")
	}
	if !s.admit(route.APIID) {
		return message(http.StatusTooManyRequests, "Too Many Requests")
	}
	payload, err := json.Marshal(s.event(route, path, parameters, header, body))
	if err != nil {
		panic(err) // strings and numbers
	}
	source := fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/$default/%s",
		s.region, s.account, route.APIID, strings.Replace(route.Key, " ", "", 1))
	result, err := s.invoke(route.Function, source, payload)
	var answer events.APIGatewayV2HTTPResponse
	if err != nil || json.Unmarshal(result, &answer) != nil || answer.StatusCode == 0 {
		return message(http.StatusInternalServerError, "Internal Server Error")
	}
	return Response{Status: answer.StatusCode, Header: answer.Headers, Body: answer.Body}
}

func message(status int, text string) Response {
	header := map[string]string{"Content-Type": "application/json"}
	return Response{Status: status, Header: header, Body: `{"message":"` + text + `"}`}
}

// match finds the route of a path, with the values of its parameters.
func (s *Service) match(path string) (Route, map[string]string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, route := range s.routes {
		want := strings.Split(strings.TrimPrefix(route.Key, http.MethodPost+" "), "/")
		got := strings.Split(path, "/")
		parameters := map[string]string{}
		fits := len(want) == len(got) && s.stages[route.APIID] != nil
		for i := 0; fits && i < len(want); i++ {
			if name, isParameter := strings.CutPrefix(want[i], "{"); isParameter && got[i] != "" {
				parameters[strings.TrimSuffix(name, "}")] = got[i]
			} else {
				fits = want[i] == got[i]
			}
		}
		if fits {
			return route, parameters, true
		}
	}
	return Route{}, nil, false
}

func (s *Service) admit(apiID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.stages[apiID]
	if b.burst == 0 {
		return true
	}
	now := s.clock.Now()
	b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.at).Seconds())
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// event is the request in payload format 2.0.
//
// AWS: names of headers are in lower case, repeated ones are joined with commas; what is not text comes in base64.
func (s *Service) event(route Route, path string, parameters map[string]string, header http.Header, body []byte) any {
	s.mu.Lock()
	s.served++
	id := fmt.Sprintf("embedded-%06d", s.served)
	s.mu.Unlock()
	request := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: route.Key, RawPath: path, Headers: map[string]string{}, PathParameters: parameters,
		Body: string(body),
	}
	for name, values := range header {
		request.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if !isText(header.Get("Content-Type")) {
		request.Body, request.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	now := s.clock.Now()
	context := &request.RequestContext
	context.RouteKey, context.AccountID, context.APIID = route.Key, s.account, route.APIID
	context.Stage, context.RequestID = "$default", id
	context.Time, context.TimeEpoch = now.Format("02/Jan/2006:15:04:05 -0700"), now.UnixMilli()
	context.HTTP = events.APIGatewayV2HTTPRequestContextHTTPDescription{
		Method: http.MethodPost, Path: path, Protocol: "HTTP/1.1", SourceIP: "192.0.2.1", UserAgent: header.Get("User-Agent"),
	}
	return request
}

func isText(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (strings.HasPrefix(kind, "text/") || kind == "application/json" || kind == "application/javascript" ||
		kind == "application/xml")
}
