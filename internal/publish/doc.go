// Package publish writes what agents read to SSM Parameter Store: plain values, and single keys of YAML documents of which every
// other byte is kept. It is the only package that calls SSM.
package publish
