// Package catalog holds the vendor profiles: for each vendor, as data, what a request must say, which service and ports there are,
// how the name is made to resolve, what to send to whom, and what is published for the clients. A profile is a YAML file in
// profiles/, checked against profile.schema.json and against itself when it is loaded; a vendor is added without Go.
package catalog
