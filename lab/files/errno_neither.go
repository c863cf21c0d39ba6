//go:build !unix && !windows

package files

import "github.com/doublemount/doublemount/model"

func systemNamed(uint32) (model.Errno, bool) { return model.EOTHER, false }
