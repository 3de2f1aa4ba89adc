// Package differential holds two interpreters of the Amazon States Language against each other: the embedded one, and that of moto,
// which others wrote. The cases and what AWS's documents say of them are in testdata; so are the differences, each with who is
// right. Neither interpreter is an oracle: the specification is (https://states-language.net/spec.html), and where it is silent,
// the Step Functions Developer Guide.
package differential
