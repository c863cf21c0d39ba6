package loop

// Describe says what a block of the disk was at the end of the last Run, where the
// file system has a tool that knows.
func (r *Runner) Describe(block int32) string { return "" }
