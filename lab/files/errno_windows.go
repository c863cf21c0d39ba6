package files

import "github.com/doublemount/doublemount/model"

func systemNamed(number uint32) (model.Errno, bool) { return windowsErrno(number) }
