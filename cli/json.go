package cli

import (
	"encoding/json"
	"io"
)

// writeJSON writes one value as every verb does: indented, and with text as it is.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
