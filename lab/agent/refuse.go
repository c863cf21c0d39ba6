package agent

import (
	"fmt"

	"github.com/doublemount/doublemount/lab/files"
)

func failure(code int, format string, args ...any) *rpcError {
	return &rpcError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// refuse is what the agent will not do.
func refuse(format string, args ...any) error { return failure(codeRefused, format, args...) }

// refused is what the system would not do. The caller quotes it.
func refused(err error) error {
	e := failure(codeRefused, "%v", err)
	e.Data = &refusal{Errno: files.Errno(err).String()}
	return e
}

// atRoot is an error of the system that the root itself was the reason of.
func atRoot(err error) error {
	e := refused(err).(*rpcError)
	e.Data.Root = true
	return e
}
