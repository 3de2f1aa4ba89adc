package connection

// Output formats.
const (
	FormatText = "text" // the value as it is
	FormatYAML = "yaml" // one key set in a YAML document; every other byte of an existing document is kept
)

// Output is one SSM parameter that agents read.
type Output struct {
	Key       string `json:"key"`       // of the profile, such as config.yaml
	Parameter string `json:"parameter"` // full SSM name
	Format    string `json:"format"`
	// YAMLPath is the dotted path of the value in a YAML document: container.backendServiceUrl.
	YAMLPath string `json:"yamlPath,omitempty"`
	Value    string `json:"value"`
}

// Config is what was published.
type Config struct {
	Parameters []Parameter `json:"parameters"`
}

// Parameter is one SSM parameter after publishing. Its value is not kept: SSM's own permissions decide who may read it.
type Parameter struct {
	Name            string `json:"name"`
	Version         int64  `json:"version"`
	PreviousVersion int64  `json:"previousVersion,omitempty"` // 0: the parameter was created
	Changed         bool   `json:"changed"`
	SHA256          string `json:"sha256"` // of the value, hexadecimal
}
