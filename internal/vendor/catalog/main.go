// Command catalog prints the vendor catalog as a Markdown table: make vendors.
package main

import (
	"fmt"
	"os"

	"postern/internal/vendor"
)

func main() {
	catalog, err := vendor.Check()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(table(catalog))
}
