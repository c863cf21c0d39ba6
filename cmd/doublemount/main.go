// Command doublemount finds out which guarantee a file-system design keeps when
// hosts share one disk, and shows the smallest thing that breaks the next one.
// Run it with --help.
package main

import (
	"github.com/doublemount/doublemount/cli"
	"github.com/doublemount/doublemount/sim/designs"
)

func main() { cli.Main(designs.All()...) }
