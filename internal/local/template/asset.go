package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// code finds the directory of a function's code: CDK writes it into the resource's metadata, and into the assembly's asset
// manifest under the object key.
func (l *loader) code(metadata map[string]any, function *Function) (string, error) {
	if l.options.Assembly == "" {
		return "", nil
	}
	if path, _ := metadata["aws:asset:path"].(string); path != "" {
		return within(l.options.Assembly, path)
	}
	return Asset(l.options.Assembly, function.Code.S3Key)
}

// Asset is the directory of the asset that a cloud assembly publishes under an object key.
func Asset(assembly, objectKey string) (string, error) {
	path, err := assetOf(assembly, objectKey)
	if err != nil {
		return "", err
	}
	return within(assembly, path)
}

func within(assembly, path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(assembly, path)
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("code asset: %w", err)
	}
	return path, nil
}

func assetOf(assembly, objectKey string) (string, error) {
	manifests, err := filepath.Glob(filepath.Join(assembly, "*.assets.json"))
	if err != nil || len(manifests) == 0 {
		return "", errors.Join(err, fmt.Errorf("no asset manifest in %s", assembly))
	}
	for _, name := range manifests {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		var manifest struct {
			Files map[string]struct {
				Source       struct{ Path string }
				Destinations map[string]struct{ ObjectKey string }
			}
		}
		if err := json.Unmarshal(text, &manifest); err != nil {
			return "", fmt.Errorf("asset manifest %s: %w", name, err)
		}
		for _, file := range manifest.Files {
			for _, destination := range file.Destinations {
				if destination.ObjectKey == objectKey {
					return file.Source.Path, nil
				}
			}
		}
	}
	return "", fmt.Errorf("no asset with object key %s in %s", objectKey, assembly)
}
