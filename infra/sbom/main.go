// Command sbom writes what the built functions consist of, as CycloneDX JSON: each function with its SHA-256, and the modules that the
// linker put into it. It reads the executables and not go.mod: what is deployed counts.
//
//	sbom -o build/sbom.json build/lambda/*/bootstrap
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

func main() {
	file := flag.String("o", "build/sbom.json", "the `file` to write")
	flag.Parse()
	if err := run(*file, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(file string, executables []string) error {
	raw, err := materials(executables)
	if err != nil {
		return err
	}
	return os.WriteFile(file, raw, 0o644) //nolint:gosec // for everybody to read
}

// materials is the document, without the time and without a serial number: the same executables give the same bytes.
func materials(executables []string) ([]byte, error) {
	if len(executables) == 0 {
		return nil, errors.New("no executables are named: make build, then name build/lambda/*/bootstrap")
	}
	modules := map[string]cyclonedx.Component{}
	var functions []cyclonedx.Component
	var uses []cyclonedx.Dependency
	for _, path := range executables {
		function, info, err := inspect(path)
		if err != nil {
			return nil, err
		}
		functions = append(functions, function)
		of := []string{}
		for _, module := range modulesOf(info) {
			modules[module.BOMRef] = module
			of = append(of, module.BOMRef)
		}
		slices.Sort(of)
		uses = append(uses, cyclonedx.Dependency{Ref: function.BOMRef, Dependencies: &of})
	}
	for _, ref := range slices.Sorted(maps.Keys(modules)) {
		functions = append(functions, modules[ref])
	}
	bom := cyclonedx.NewBOM()
	bom.SpecVersion = cyclonedx.SpecVersion1_6
	bom.Metadata = &cyclonedx.Metadata{Component: &cyclonedx.Component{
		Type: cyclonedx.ComponentTypeApplication, BOMRef: "postern", Name: "postern",
	}}
	bom.Components, bom.Dependencies = &functions, &uses
	var out bytes.Buffer
	encoder := cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true)
	if err := encoder.EncodeVersion(bom, bom.SpecVersion); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// inspect describes one function: its directory names it.
func inspect(path string) (cyclonedx.Component, *debug.BuildInfo, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the Makefile names the files
	if err != nil {
		return cyclonedx.Component{}, nil, err
	}
	info, err := buildinfo.Read(bytes.NewReader(raw))
	if err != nil {
		return cyclonedx.Component{}, nil, fmt.Errorf("%s is no executable of Go: %w", path, err)
	}
	sum := sha256.Sum256(raw)
	name := filepath.Base(filepath.Dir(path))
	return cyclonedx.Component{
		Type: cyclonedx.ComponentTypeApplication, BOMRef: "function/" + name, Name: name,
		Hashes: &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
	}, info, nil
}

// modulesOf are the modules in an executable, Go's standard library among them. A replaced module is what replaced it.
func modulesOf(info *debug.BuildInfo) []cyclonedx.Component {
	all := []cyclonedx.Component{module("std", strings.TrimPrefix(info.GoVersion, "go"), "")}
	for _, dependency := range info.Deps {
		if dependency.Replace != nil {
			dependency = dependency.Replace
		}
		all = append(all, module(dependency.Path, dependency.Version, dependency.Sum))
	}
	return all
}

// module describes a module; sum is as in go.sum, a hash of its files and not of an archive, and so no hash of CycloneDX's.
//
// Package URL: https://github.com/package-url/purl-spec, type golang; a version's + is escaped.
func module(path, version, sum string) cyclonedx.Component {
	url := "pkg:golang/" + strings.ToLower(path) + "@" + strings.ReplaceAll(version, "+", "%2B")
	component := cyclonedx.Component{
		Type: cyclonedx.ComponentTypeLibrary, BOMRef: url, Name: path, Version: version, PackageURL: url,
	}
	if sum != "" {
		component.Properties = &[]cyclonedx.Property{{Name: "go.sum", Value: sum}}
	}
	return component
}
