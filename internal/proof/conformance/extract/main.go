// Command extract renews the models of package conformance from the botocore of this machine: the operations that the embedded
// cloud knows, with all that they refer to. BOTOCORE names botocore's directory; without it Python is asked.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"postern/internal/local/cloudtrail"
	"postern/internal/local/dynamodb"
	"postern/internal/local/events"
	"postern/internal/local/lambda"
	"postern/internal/local/privatelink"
	"postern/internal/local/route53"
	"postern/internal/local/secretsmanager"
	"postern/internal/local/sns"
	"postern/internal/local/ssm"
	"postern/internal/local/states"
	"postern/internal/local/sts"
	"postern/internal/local/wire"
	"postern/internal/proof/conformance"
)

// services are the services of the embedded cloud. Only their operations are asked for, which needs no world.
var services = []wire.Service{
	&cloudtrail.Service{}, &dynamodb.Service{}, &events.Service{}, &lambda.Service{}, &privatelink.Service{}, &route53.Service{}, &secretsmanager.Service{},
	&sns.Service{}, &ssm.Service{}, &states.Service{}, &sts.Service{},
}

func main() {
	log.SetFlags(0)
	root, err := botocore()
	if err != nil {
		log.Fatalf("botocore is not found: %v; set BOTOCORE to its directory, or pip install botocore", err)
	}
	for _, service := range services {
		if err := extract(root, service); err != nil {
			log.Fatalf("%s: %v", service.Name(), err)
		}
	}
}

func botocore() (string, error) {
	if root := os.Getenv("BOTOCORE"); root != "" {
		return root, nil
	}
	out, err := exec.Command("python3", "-c", "import botocore; print(botocore.__path__[0])").Output()
	return string(bytes.TrimSpace(out)), err
}

// extract writes the model of a service.
func extract(root string, service wire.Service) error {
	whole, err := read(root, service.Name())
	if err != nil {
		return err
	}
	part := conformance.Model{
		Metadata: whole.Metadata, Operations: map[string]conformance.Operation{}, Shapes: map[string]*conformance.Shape{},
	}
	for name := range service.Operations() {
		operation, known := whole.Operations[name]
		if !known {
			return fmt.Errorf("there is no operation %s", name)
		}
		part.Operations[name] = operation
		for _, ref := range append(operation.Errors, pointed(operation.Input, operation.Output)...) {
			add(&part, whole, ref.Shape)
		}
	}
	raw, err := json.Marshal(part)
	if err != nil {
		return err
	}
	// One line for each operation and shape, so that changes can be read.
	raw = bytes.ReplaceAll(raw, []byte(`},"`), []byte("},\n\""))
	return os.WriteFile(filepath.Join("models", service.Name()+".json"), append(raw, '\n'), 0o644)
}

// read reads botocore's newest model of a service.
func read(root, service string) (*conformance.Model, error) {
	if service == "states" {
		service = "stepfunctions"
	}
	files, err := filepath.Glob(filepath.Join(root, "data", service, "*", "service-2.json.gz"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no model in %s: %w", root, err)
	}
	zipped, err := os.ReadFile(slices.Max(files))
	if err != nil {
		return nil, err
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(unzipped)
	if err != nil {
		return nil, err
	}
	model := &conformance.Model{}
	return model, json.Unmarshal(raw, model)
}

// add adds a shape and all that it refers to.
func add(part, whole *conformance.Model, name string) {
	shape := whole.Shapes[name]
	if part.Shapes[name] != nil || shape == nil {
		return
	}
	part.Shapes[name] = shape
	refs := pointed(shape.Member, shape.Key, shape.Value)
	for _, ref := range shape.Members {
		refs = append(refs, *ref)
	}
	for _, ref := range refs {
		add(part, whole, ref.Shape)
	}
}

func pointed(refs ...*conformance.Ref) []conformance.Ref {
	var all []conformance.Ref
	for _, ref := range refs {
		if ref != nil {
			all = append(all, *ref)
		}
	}
	return all
}
