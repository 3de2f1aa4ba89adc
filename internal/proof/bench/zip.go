package main

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"time"
)

// unchanging is the time of every file in a zip, so that the same code has the same size: 1980 is the first year a zip can tell.
var unchanging = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// zipSizes are those of the functions in directory, each as its NAME/bootstrap.
func zipSizes(directory string, names []string) ([]figure, error) {
	var figures []figure
	for _, name := range names {
		size, err := zipped(bootstrap(directory, name))
		if err != nil {
			return nil, fmt.Errorf("the zip of %s: %w", name, err)
		}
		figures = append(figures, figure{zipSize, name, float64(size) / 1e6})
	}
	return figures, nil
}

// zipped is how many bytes the deployment package of an executable has.
func zipped(path string) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close() //nolint:errcheck // read only
	var size count
	archive := zip.NewWriter(&size)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: unchanging}
	header.SetMode(0o755)
	entry, err := archive.CreateHeader(header)
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(entry, file); err != nil {
		return 0, err
	}
	err = archive.Close() // writes the directory, which counts too
	return int64(size), err
}

// count is a writer that only counts.
type count int64

func (c *count) Write(p []byte) (int, error) {
	*c += count(len(p))
	return len(p), nil
}
