// Command notebook has every verb of doublemount for the designs of package
// notebook: hunt, replay, designs.
package main

import (
	"github.com/doublemount/doublemount/cli"
	"github.com/doublemount/doublemount/examples/notebook"
)

func main() { cli.Main(notebook.Design, notebook.Broken) }
