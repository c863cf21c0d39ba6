//go:build unix

package agent

import (
	"os/exec"
	"syscall"
)

// alone puts a command into a process group of its own: an interrupt from the
// keyboard is for us, who then end it in good order.
func alone(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
}

// kill ends a command and whatever it started. If it has ended, it has not been
// waited for, so nobody else has its number.
func kill(cmd *exec.Cmd) {
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	cmd.Process.Kill()
}

// groupLives reports whether anything of a command's process group is left after it
// was waited for. Its number is not given to another group while that is so.
func groupLives(cmd *exec.Cmd) bool {
	return cmd.Process != nil && syscall.Kill(-cmd.Process.Pid, 0) == nil
}
