// Command list prints the vendor catalog as a Markdown table: make vendors.
package main

import (
	"fmt"
	"os"

	"postern/internal/catalog"
)

func main() {
	vendors, err := catalog.Check()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(table(vendors))
}
