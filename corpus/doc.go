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
// # Steps
//
// A line has the step's number, the host's letter, the operation or event, and
// its operands, each in one way:
//
//	A create /a              B open /a f1        A close f1
//	A read /a 8 16           A write f1 0 8 #3   A append /a 4 #1
//	A read /a 0 8 direct     A truncate /a 8     A fsync f1
//	A rename /a /b/c         A link /a /b        A readdir /
//	A writeback              A writeback 3       A writeback 2 1
//	A mount                  A remount           A reboot
//	A crash                  A crash keep 1 3    all power-loss keep 2
//	A pause                  A resume            A fence
//	A partition              A partition B       A partition disk
//	A heal                   A heal B            A heal disk
//	all tick 3               A tick 2
//
// Offsets, lengths and sizes are in words; #3 is the number of a write; direct
// is past the cache. "writeback 3" writes the three oldest dirty blocks,
// "writeback 2 1" passes over two and writes one. "keep 1 3" is which writes on
// their way survive, counted from 1. A partition is from all, from one host or
// from the disk. What each means is told at [model.Kind] and [model.Step].
//
// After the steps come the holds, then the strikes, then the closing unmounts:
//
//	hold 3 at write#2 until 5
//	strike 3 at write#2 fail
//	strike 3 at write#1 misdirect 17
//	strike 3 at send#1 delay 6
//	end A unmount
//
// # Answers
//
// Below another empty line may stand what each operation answered in the run that
// was found, in the order of the calls:
//
//	saw 3 -> ok
//	saw 4-5 -> 8x#1 8x0
//	saw 7 -> ENOENT
//	saw 8 A unmount -> ok
//	saw 8 A mount -> ok
//	saw final readdir / -> names: a b
//	saw final stat /a -> file of 8
//
// "4-5" is step 4, which had not returned when step 5 was called, and had when
// step 6 was. The numbers after the last step are the closing unmounts, in their
// order; "final" is the closing observation. An operation that is not the step of
// its number is named: a remount is two. An answer is "ok", an error's name, the
// words read or "nothing", "names:" and a listing, "dir" or "file of" and a size,
// "3 written" of more, "skipped", "never returned".
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
// [model.Program.String] prints it, then the answers, if there are any. Comments stand at the top only: they tell
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
