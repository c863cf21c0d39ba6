module github.com/doublemount/doublemount

go 1.26.0

require pgregory.net/rapid v1.3.0

require (
	github.com/anishathalye/porcupine v1.3.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
)
