// Package corpus is the text format of a case: a Program, what a judge must say
// of it on one design, and the story of how it came to be.
//
//	doublemount case 1
//	# Both hosts have mounted. A stores a file; B, whose copy of the
//	# directory is older, stores another, and A's is gone.
//	design: local
//	hosts: 2
//	expect: violated nothing-lost lost file
//	expect: held fsck
//	keeps: single
//	found-by: seed 7 run 1234
//
//	1 A mount
//	2 B mount
//	3 A create /a
//	4 B create /b
//	hold 3 at write#2 until 4
//	end A unmount
//	end B unmount
//
// # The rules
//
// There is one way to write a case: what [Parse] accepts is, byte for byte, what
// [Case.Bytes] prints, so a case changes in a repository only when it means
// something else. The vocabulary is closed; whatever is not in it is a
// [SyntaxError] with the line it stands on.
//
// The first line names the format. Comment lines follow it, then the keys in
// the order above, then one empty line, then the program as
// [model.Program.String] prints it. Comments stand at the top only: they tell
// the story. "design" and "hosts" stand once, "expect" once for each guarantee,
// "keeps" once for each design that must keep all those guarantees on the same
// Program, "found-by" once or not at all.
//
// Files are untrusted: their size and the length of a line are bounded, control
// and invisible characters are refused, and no input panics. Text put into a
// Case by other means is made harmless when it is printed.
//
// # What is not here
//
// Which designs exist, how a case is run, and whether an expectation was met.
package corpus
