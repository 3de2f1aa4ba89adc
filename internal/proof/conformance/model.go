// Package conformance checks the calls and answers of the embedded cloud against AWS's own models of its services: each request
// of the SDK clients and each answer, for the names, types, patterns, enums, lengths, ranges and required members of the models,
// and error codes. The models are a part of botocore's, in the directory models; `go generate` renews them.
package conformance

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"sync"
)

//go:generate go run ./extract

// Model is AWS's model of a service, in botocore's form (https://github.com/boto/botocore/tree/develop/botocore/data), without
// documentation.
type Model struct {
	Metadata   Metadata             `json:"metadata"`
	Operations map[string]Operation `json:"operations"`
	Shapes     map[string]*Shape    `json:"shapes"`
}

// Metadata says how a service is spoken to.
type Metadata struct {
	APIVersion   string `json:"apiVersion"`
	Protocol     string `json:"protocol"` // ec2, query, rest-xml, rest-json or json
	JSONVersion  string `json:"jsonVersion,omitempty"`
	TargetPrefix string `json:"targetPrefix,omitempty"`
	SigningName  string `json:"signingName,omitempty"`
}

// Operation is one operation.
type Operation struct {
	HTTP struct {
		Method     string `json:"method"`
		RequestURI string `json:"requestUri"`
	} `json:"http"`
	Input  *Ref  `json:"input,omitempty"`
	Output *Ref  `json:"output,omitempty"`
	Errors []Ref `json:"errors,omitempty"`
}

// Ref is the use of a shape.
type Ref struct {
	Shape         string `json:"shape"`
	LocationName  string `json:"locationName,omitempty"`
	Location      string `json:"location,omitempty"` // uri, querystring or header; else the body
	QueryName     string `json:"queryName,omitempty"`
	ResultWrapper string `json:"resultWrapper,omitempty"`
	Flattened     bool   `json:"flattened,omitempty"`
}

// Shape is a type.
type Shape struct {
	Type      string          `json:"type"`
	Members   map[string]*Ref `json:"members,omitempty"`
	Required  []string        `json:"required,omitempty"`
	Member    *Ref            `json:"member,omitempty"` // of a list
	Key       *Ref            `json:"key,omitempty"`    // of a map
	Value     *Ref            `json:"value,omitempty"`
	Enum      []string        `json:"enum,omitempty"`
	Min       *float64        `json:"min,omitempty"`
	Max       *float64        `json:"max,omitempty"`
	Pattern   string          `json:"pattern,omitempty"`
	Flattened bool            `json:"flattened,omitempty"`
	Union     bool            `json:"union,omitempty"`
	Payload   string          `json:"payload,omitempty"`
	Error     *ErrorTrait     `json:"error,omitempty"`
}

// ErrorTrait is what a shape that is an error has.
type ErrorTrait struct {
	Code       string `json:"code,omitempty"`
	StatusCode int    `json:"httpStatusCode,omitempty"`
}

//go:embed models/*.json
var files embed.FS

// models are the models by signing name.
var models = sync.OnceValue(func() map[string]*Model {
	all := map[string]*Model{}
	entries, err := files.ReadDir("models")
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		raw, err := files.ReadFile(path.Join("models", entry.Name()))
		if err != nil {
			panic(err)
		}
		model := &Model{}
		if err := json.Unmarshal(raw, model); err != nil {
			panic(fmt.Sprintf("%s: %v", entry.Name(), err))
		}
		all[strings.TrimSuffix(entry.Name(), ".json")] = model
	}
	return all
})
