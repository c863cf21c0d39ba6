# The body of a script: the case, and one host. No single quote may stand here: a
# shell has all of it between two.
use strict;
use warnings;
use POSIX ();
use Fcntl qw(:DEFAULT :flock :mode);
use IO::Handle;
use Errno;

# What the shell asks: the case, how it is mounted, and where.
my ($case, $how, @where) = @ARGV;
my ($SEEN, $NOT_SEEN) = (10, 11); # no other end of perl looks like one of these
my $WORD = 512;
my $PATIENCE = 60;  # seconds that an operation may take
my $VISIBLE = 10;   # seconds after which the others have to see a new directory

my (@ops, %until, %written, %needs, $hosts, $claim);
for (split /\n/, $case) {
	if (/^hosts (\d+)$/) { $hosts = $1 }
	elsif (/^hold (\d+) until (\d+)$/) { $until{$1} = $2 }
	elsif (/^remount (\w)$/) { $needs{$1} = 1 }
	elsif (/^claim (.*)$/) { $claim = $1 }
	elsif (/^([?]?) ?(\d+)(?:-(\d+))? (\w+) (.*?) -> (.*)$/) {
		push @ops, {free => $1, step => $2, last => $3 || $2, host => $4, action => $5, want => $6};
		$written{$1} = 1 if $5 =~ /#(\d+)/;
	}
	else { die "bad line: $_" }
}

my %errno; # the names that a case has for errors, by number
for (sort keys %!) {
	$errno{Errno->can($_)->()} = $_ if !/^(EWOULDBLOCK|ENOTSUP|EDEADLOCK|EFSCORRUPTED|EFSBADCRC)$/;
}
$errno{Errno::EMFILE()} = "ENFILE"; # an EMFILE of a case is a slot in use

sub failed { my $e = $! + 0; return $errno{$e} || "EOTHER\t$!" }

# ---- one host: a process that works in its directory and has its open files

# Each slot is a perl handle that always has a descriptor. A file takes its place,
# so that perl has no chance to ask fstat of it: that would refresh a cache.
my (@slot, %taken);

sub into {
	my ($s, $path, $flags) = @_;
	my $n = fileno $slot[$s];
	POSIX::close($n);
	my $fd = POSIX::open($path, $flags, 0666);
	my $e = $! + 0;
	empty($n) if !defined $fd;
	die "descriptor $fd, not $n" if defined $fd && $fd != $n;
	$! = $e;
	return defined $fd;
}

sub out_of {
	my $n = fileno $slot[$_[0]];
	my $ok = defined POSIX::close($n);
	my $e = $! + 0;
	empty($n);
	$! = $e;
	return $ok;
}

sub empty {
	my $fd = POSIX::open("/dev/null", O_RDWR);
	die "no descriptor $_[0]" if !defined $fd || $fd != $_[0];
}

# directories opens those on the way to a path, as who follows it one by one does,
# and that of a name in the root if it is asked to.
sub directories {
	my ($path, $root) = @_;
	my @names = split m{/}, $path;
	pop @names;
	my @way = map { join "/", @names[0 .. $_] } 0 .. $#names;
	@way = (".") if !@way && $root;
	my @open;
	for (@way) {
		my $fd = POSIX::open($_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		if (!defined $fd) {
			my $e = $! + 0;
			POSIX::close($_) for @open;
			$! = $e;
			return;
		}
		push @open, $fd;
	}
	POSIX::close($_) for @open;
	return 1;
}

sub words {
	my $text = shift;
	my @runs;
	for (my $i = 0; $i < length $text; $i += $WORD) {
		my $w = substr $text, $i, $WORD;
		my $c = substr $w, 0, 1;
		my $is = "?";
		$is = ord $c ? "#" . ord $c : "0" if $w eq $c x $WORD && (!ord $c || $written{ord $c});
		if (@runs && $runs[-1][1] eq $is) { $runs[-1][0]++ }
		else { push @runs, [1, $is] }
	}
	return join(" ", map { "$_->[0]x$_->[1]" } @runs) || "nothing";
}

# put writes with one system call, as write(2) is.
sub put {
	my ($n, $words, $data, $write) = @_;
	my $text = chr($data) x ($words * $WORD);
	my $got;
	do { $got = $write ? $write->($text) : POSIX::write($n, $text, length $text) } while (!defined $got && $!{EINTR});
	return failed() if !$got;
	my $whole = int(($got + $WORD - 1) / $WORD);
	return $whole == $words ? "ok" : "$whole written";
}

# with_flag does something while an open file has a flag more.
sub with_flag {
	my ($f, $flag, $what) = @_;
	my $flags = fcntl($f, F_GETFL, 0) or return failed();
	fcntl($f, F_SETFL, $flags | $flag) or return failed();
	my $is = $what->();
	fcntl($f, F_SETFL, $flags + 0) or return failed();
	return $is;
}

# pread and pwrite, with memory that direct I/O takes: a page from its beginning.
my %calls = (x86_64 => [17, 18], aarch64 => [67, 68], riscv64 => [67, 68]);
sub direct {
	my ($which, $n, $memory, $length, $offset) = @_;
	my $call = $calls{(POSIX::uname())[4]} or die "no direct I/O by a script on this machine";
	my $at = unpack "J", pack "p", $$memory;
	my $skip = -$at & 4095;
	my $got = syscall($call->[$which], $n + 0, $at + $skip, $length + 0, $offset + 0);
	return $got < 0 ? (undef, 0) : ($got, $skip);
}

# within does what a step does in an open file.
sub within {
	my ($s, $kind, $by_path, $direct, $shared, $data, @n) = @_;
	my $f = $slot[$s];
	my $n = fileno $f;
	if ($direct && $kind eq "read") {
		return with_flag($f, O_DIRECT, sub {
			my $want = $n[1] * $WORD;
			my $memory = "\0" x ($want + 4096);
			my ($got, $skip) = direct(0, $n, \$memory, $want, $n[0] * $WORD);
			return defined $got ? words(substr $memory, $skip, $got) : failed();
		});
	}
	if ($direct && $kind eq "write") {
		return with_flag($f, O_DIRECT, sub {
			return put($n, $n[1], $data, sub {
				my $memory = $_[0] . substr($_[0], 0, 1) x 4096; # all of it is one byte
				return (direct(1, $n, \$memory, length $_[0], $n[0] * $WORD))[0];
			});
		});
	}
	if ($kind eq "read") {
		my ($text, $want) = ("", $n[1] * $WORD);
		POSIX::lseek($n, $n[0] * $WORD, 0);
		while (length $text < $want) {
			my $got = POSIX::read($n, my $more, $want - length $text);
			if (!defined $got) {
				next if $!{EINTR};
				return failed();
			}
			last if $got == 0;
			$text .= $more;
		}
		return words($text);
	}
	if ($kind eq "write") {
		POSIX::lseek($n, $n[0] * $WORD, 0);
		return put($n, $n[1], $data);
	}
	if ($kind eq "append") {
		return put($n, $n[0], $data) if $by_path;
		return with_flag($f, O_APPEND, sub { return put($n, $n[0], $data) });
	}
	if ($kind eq "truncate") { return truncate($f, $n[0] * $WORD) ? "ok" : failed() }
	if ($kind eq "fsync") { return $f->sync ? "ok" : failed() }
	if (!$n[1]) { # of the whole file
		my $how = $kind eq "unlock" ? LOCK_UN : $shared ? LOCK_SH : LOCK_EX;
		return "ok" if flock $f, $how | LOCK_NB;
		return failed();
	}
	# F_OFD_SETLK; a lock is a flock of struct flock64.
	my $type = $kind eq "unlock" ? F_UNLCK : $shared ? F_RDLCK : F_WRLCK;
	my $lock = pack "s s x4 q q l x4", $type, 0, ($n[0] || 0) * $WORD, ($n[1] || 0) * $WORD, 0;
	return "ok" if fcntl($f, 37, $lock);
	return $!{EAGAIN} || $!{EACCES} ? "EAGAIN" : failed();
}

# once carries out an operation with the system calls that an agent makes, and no
# others: one more look at a name could refresh what is stale.
sub once {
	my ($kind, @words) = split / /, shift;
	my (@p, @n);
	my ($f, $data, $direct, $shared) = (0, 0, 0, 0);
	for (@words) {
		if (m{^/(.*)}) { push @p, length $1 ? $1 : "." }
		elsif (/^f(\d)$/) { $f = $1 }
		elsif (/^#(\d+)$/) { $data = $1 }
		elsif ($_ eq "shared") { $shared = 1 }
		elsif ($_ eq "direct") { $direct = 1 }
		else { push @n, $_ }
	}
	if ($f && $kind ne "open") {
		return "EBADF" if !$taken{$f};
		return within($f, $kind, 0, $direct, $shared, $data, @n) if $kind ne "close";
		delete $taken{$f};
		return out_of($f) ? "ok" : failed();
	}
	return "EMFILE" if $f && $taken{$f};
	if ($kind =~ /^(unlink|rmdir|rename)$/) {
		for (@p) { directories($_, 1) or return failed() }
		return (unlink($p[0]) ? "ok" : failed()) if $kind eq "unlink";
		return (rmdir($p[0]) ? "ok" : failed()) if $kind eq "rmdir";
		return rename($p[0], $p[1]) ? "ok" : failed();
	}
	for (@p) { directories($_, 0) or return failed() }
	if ($kind eq "mkdir") { return mkdir($p[0], 0777) ? "ok" : failed() }
	if ($kind eq "link") { return link($p[0], $p[1]) ? "ok" : failed() }
	if ($kind eq "stat") {
		my @is = lstat $p[0] or return failed();
		return "dir" if -d _;
		return "EOTHER" if !-f _;
		return "file of " . int(($is[7] + $WORD - 1) / $WORD);
	}
	if ($kind eq "readdir") {
		opendir my $d, $p[0] or return failed();
		my @names;
		while (1) {
			$! = 0;
			my $name = readdir $d;
			last if !defined $name;
			# A client makes such names for open files that have lost theirs.
			push @names, $name if $name !~ /^([.][.]?$|[.]fuse_hidden|[.]nfs|[.]__afs|[.]smb|[.]__smbfile_silly)/;
		}
		return failed() if $! && !$!{ENOENT};
		return join " ", "names:", sort @names;
	}
	if ($kind eq "create") {
		into(0, $p[0], O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW) or return failed();
		return out_of(0) ? "ok" : failed();
	}
	if ($kind eq "open") {
		into($f, $p[0], O_RDWR | O_NOFOLLOW) or return failed();
		$taken{$f} = 1;
		return "ok";
	}
	into(0, $p[0], ($kind eq "read" ? O_RDONLY : O_RDWR) | O_NOFOLLOW | ($kind eq "append" ? O_APPEND : 0)) or return failed();
	if ($kind eq "read" && S_ISDIR((POSIX::fstat(fileno $slot[0]))[2] || 0)) {
		out_of(0);
		return "EISDIR";
	}
	my $is = within(0, $kind, 1, $direct, $shared, $data, @n);
	my $closed = out_of(0) ? "" : failed();
	return $closed && $is !~ /^E/ ? $closed : $is; # a case that says how much was written then has no script
}

# serve is a host: it reads a line for each operation and answers with one.
sub serve {
	my ($dir, $in, $out) = @_;
	$out->autoflush(1);
	chdir $dir or do { print $out "cannot enter $dir: $!\n"; return };
	for (0 .. 3) { open $slot[$_], "+<", "/dev/null" or do { print $out "no /dev/null: $!\n"; return } }
	print $out "ready\n";
	while (defined(my $line = <$in>)) {
		chomp $line;
		my $is = "ok";
		if ($line eq "unmount") {
			for (sort keys %taken) {
				my $closed = out_of($_) ? "ok" : failed();
				$is = $closed if $is eq "ok";
			}
			%taken = ();
			chdir "/";
		} else {
			# A directory on the way may have been replaced since it was found.
			my $below = $line =~ m{ /[^ ]+/};
			for my $try (1 .. 5) {
				$is = once($line);
				last if $is ne "ENOENT" || !$below;
			}
		}
		$is =~ tr/\n/?/;
		print $out "$is\n";
		return if $line eq "unmount";
	}
}
