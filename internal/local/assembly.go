package local

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// OfAssembly returns the configuration that deploys every stack of a cloud assembly: the one called home where the demo's world
// is, the others in their own accounts and Regions.
func OfAssembly(dir, home string) (Config, error) {
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return Config{}, fmt.Errorf("reading the cloud assembly: %w", err)
	}
	var manifest struct {
		Artifacts map[string]struct {
			Type, Environment string
			Properties        struct{ TemplateFile string }
		}
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return Config{}, fmt.Errorf("reading the cloud assembly: %w", err)
	}
	config := Config{Assembly: dir, StackName: home}
	for _, name := range slices.Sorted(maps.Keys(manifest.Artifacts)) {
		artifact := manifest.Artifacts[name]
		path := filepath.Join(dir, artifact.Properties.TemplateFile)
		switch place := strings.Split(strings.TrimPrefix(artifact.Environment, "aws://"), "/"); {
		case artifact.Type != "aws:cloudformation:stack":
		case name == home:
			config.TemplatePath = path
		case len(place) != 2:
			return Config{}, fmt.Errorf("reading the cloud assembly: stack %s is for %q, not for an account and Region", name, artifact.Environment)
		default:
			config.Others = append(config.Others, Other{TemplatePath: path, StackName: name, AccountID: place[0], Region: place[1]})
		}
	}
	if config.TemplatePath == "" {
		return Config{}, fmt.Errorf("reading the cloud assembly: %s has no stack %s", dir, home)
	}
	return config, nil
}
