package files

import "github.com/doublemount/doublemount/model"

// isLock reports whether a step is about advisory locks.
func isLock(s model.Step) bool { return s.Kind == model.Lock || s.Kind == model.Unlock }
