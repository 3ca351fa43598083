// Command pulumi-resource-kubernetes is Pulumi's provider for Kubernetes.
//
// Its module has it as a library; the command of the module embeds files that only its repository generates.
package main

import (
	_ "embed"
	"os"
	"time"

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
	go endWithEngine(os.Getppid())
	provider.Serve("kubernetes", version, schema, mapping)
}

// An engine that is killed stops none of its plugins, and this one would go on with what it was told for minutes.
func endWithEngine(engine int) {
	for os.Getppid() == engine {
		time.Sleep(time.Second)
	}
	os.Exit(1)
}
