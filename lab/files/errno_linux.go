package files

import (
	"syscall"

	"github.com/doublemount/doublemount/model"
)

// systemErrnos are the errors that only this system has.
var systemErrnos = []errnoPair{
	{syscall.EUCLEAN, model.EUCLEAN},
	{syscall.EBADMSG, model.EUCLEAN}, // a checksum that is wrong (EFSBADCRC of ext4 and XFS)
}
