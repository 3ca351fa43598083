// Command pulumi-resource-kubernetes is Pulumi's provider for Kubernetes.
//
// Its module has it as a library; the command of the module embeds files that only its repository generates.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

var version string // set when it is linked: the version of the SDK that the program uses

// Both come from the module: the build shows them to the compiler here.
//
//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var mapping []byte

func main() {
	provider.Serve("kubernetes", version, schema, mapping)
}
