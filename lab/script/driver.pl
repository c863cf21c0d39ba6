# All hosts: what drives them, compares and cleans up. It follows host.pl in the
# same single quotes.

my (%up, %dir, %mounted, $made);

sub give_up { die "$_[0]\n" }

sub run_command { # of a shell, with arguments; says whether it succeeded
	my ($command, @args) = @_;
	my $status = system "sh", "-c", $command, "sh", @args;
	return $status == 0;
}

sub start {
	my ($h, $path) = @_;
	pipe(my $in, my $to) && pipe(my $from, my $out) or give_up("no pipe: $!");
	my $pid = fork;
	give_up("no process: $!") if !defined $pid;
	if (!$pid) {
		$SIG{$_} = "DEFAULT" for qw(INT TERM HUP);
		for ($to, $from, map { @$_{qw(to from)} } values %up) { close $_ }
		eval { serve($path, $in, $out) };
		print $out "$@\n" if $@;
		POSIX::_exit(0);
	}
	close $in;
	close $out;
	$to->autoflush(1);
	$up{$h} = {pid => $pid, to => $to, from => $from, text => "", waiting => []};
	my $hello = line_of($up{$h}, $PATIENCE);
	give_up("$h: " . (defined $hello ? $hello : "no answer")) if !defined $hello || $hello ne "ready";
}

sub stop { # a host, and at once if it has not done what it was asked for
	my ($h) = @_;
	my $m = delete $up{$h} or return;
	kill "KILL", $m->{pid} if @{$m->{waiting}};
	close $m->{to};
	close $m->{from};
	for (1 .. 70) { # what a hung file system keeps cannot be waited for
		return if waitpid($m->{pid}, POSIX::WNOHANG()) != 0;
		select undef, undef, undef, $_ / 500;
	}
}

# line_of is the next line of a process, or undef when there is none in time.
sub line_of {
	my ($m, $seconds) = @_;
	my $end = time + $seconds;
	while ($m->{text} !~ /\n/) {
		my $bits = "";
		vec($bits, fileno $m->{from}, 1) = 1;
		my $ready = select $bits, undef, undef, $seconds ? 1 : 0;
		if ($ready <= 0) {
			return if !$seconds || time > $end;
			next;
		}
		my $got = sysread $m->{from}, $m->{text}, 65536, length $m->{text};
		give_up("a host has ended: " . $m->{text}) if !$got;
	}
	$m->{text} =~ s/^(.*)\n//;
	return $1;
}

sub call { # begins an operation
	my ($op) = @_;
	my $m = $op->{action} eq "sync" || $op->{action} =~ /^writeback/ ? syncing($dir{$op->{host}}) : $up{$op->{host}};
	$op->{by} = $m;
	push @{$m->{waiting}}, $op;
	print {$m->{to}} "$op->{action}\n" if $m->{to};
}

# landed takes the answer of an operation, and says whether there is one in time.
sub landed {
	my ($op, $seconds) = @_;
	my $m = $op->{by};
	while (!defined $op->{got}) {
		my $line = line_of($m, $seconds);
		if (!defined $line) {
			return 0 if !$seconds;
			give_up("step $op->{step} ($op->{host} $op->{action}): no answer within $PATIENCE s");
		}
		my $first = shift @{$m->{waiting}};
		($first->{got}, $first->{why}) = split /\t/, $line, 2;
		if ($m->{once}) {
			close $m->{from};
			waitpid $m->{pid}, 0;
		}
	}
	return 1;
}

# syncing is sync -f under way. It is another process: one that ends closes the files
# that it has of a host, and closing flushes.
sub syncing {
	my ($path) = @_;
	pipe(my $from, my $out) or give_up("no pipe: $!");
	my $pid = fork;
	give_up("no process: $!") if !defined $pid;
	if (!$pid) {
		$SIG{$_} = "DEFAULT" for qw(INT TERM HUP);
		for (values %up) { close $_->{to} }
		open STDERR, ">&", $out;
		my $end = system "sync", "-f", $path;
		if ($end == 0) { print $out "ok\n" }
		$out->flush;
		POSIX::_exit(0);
	}
	close $out;
	return {pid => $pid, from => $from, text => "", waiting => [], once => 1};
}

sub said { # what sync printed, as an answer
	my ($op) = @_;
	return if $op->{got} eq "ok";
	for (keys %errno) {
		local $! = $_;
		if ($op->{got} =~ /^sync: .*: \Q$!\E$/) { $op->{got} = $errno{$_}; return }
	}
	give_up($op->{got});
}

sub on { # mounts the image
	my ($h) = @_;
	run_command($where[0], $h) or give_up("$h: mount failed");
	$mounted{$h} = 1;
}

sub off {
	my ($h) = @_;
	delete $mounted{$h};
	run_command($where[1], $h) or give_up("$h: unmount failed");
}

sub mount {
	my ($h) = @_;
	if ($how eq "loop") {
		on($h);
	} elsif (my $command = $ENV{"REMOUNT_" . ($h eq "final" ? "A" : $h)}) {
		run_command($command) or give_up("the command that remounts $h failed");
	}
	start($h, $dir{$h});
}

sub unmount {
	my ($h, $op) = @_;
	call($op);
	landed($op, $PATIENCE);
	stop($h);
	if ($how eq "loop") {
		off($h);
	} elsif ($op->{got} eq "ok") {
		my $sync = {%$op, action => "sync", got => undef};
		call($sync);
		landed($sync, $PATIENCE);
		said($sync);
		$op->{got} = $sync->{got};
	}
}

sub execute {
	my @flying;
	my $land = sub { # those that it picks; of the others, those that have ended
		my ($next, $which) = @_;
		my @rest;
		for (@flying) {
			if ($which->($_)) { landed($_, $PATIENCE) }
			elsif (!landed($_, 0)) { $_->{under} = $next; push @rest, $_ }
		}
		@flying = @rest;
	};
	for my $op (@ops) {
		delete @$op{qw(got why)};
		$op->{under} = $op->{step};
		my ($h, $action) = @$op{qw(host action)};
		if ($op->{want} eq "skipped") { $op->{got} = "skipped"; next }
		my $now = $op->{step} || 1e9;
		my $moves = $action =~ /^(mount|unmount)$/;
		$land->($op->{step}, sub { my $o = $_[0]; ($until{$o->{step}} || 0) < $now || $moves && $o->{host} eq $h });
		if ($action eq "mount") { mount($h); $op->{got} = "ok"; next }
		start($h, $dir{$h}) if !$up{$h};
		if ($action eq "unmount") { unmount($h, $op); next }
		call($op);
		if ($until{$op->{step}}) { push @flying, $op }
		else { landed($op, $PATIENCE) }
	}
	$land->(0, sub { 1 });
	for (@ops) { said($_) if $_->{action} =~ /^(sync|writeback)/ && $_->{want} ne "skipped" }
}

# differs says why an answer is not that of the run that was found; nothing if it is.
sub differs {
	my ($op) = @_;
	return "it was $op->{want}" if $op->{got} ne $op->{want};
	return "it had returned before the step after $op->{last}" if $op->{under} > $op->{last};
	return "";
}

sub report {
	my $seen = !grep { !$_->{free} && differs($_) } @ops;
	for my $op (@ops) {
		my $line = ($op->{step} ? "$op->{step} " : "") . "$op->{host} $op->{action} -> $op->{got}";
		$line .= " ($op->{why})" if $op->{why};
		my $other = differs($op);
		$line .= $op->{free} ? "   ($other, which does not matter)" : "   DIFFERS: $other" if $other;
		$line =~ s/[^ -~]/?/g;
		print "$line\n";
	}
	print "$claim: ", $seen ? "SEEN" : "not seen", "\n";
	return $seen;
}

# fresh makes a directory of our own below that of the first host, and has the others
# see it.
sub fresh {
	my @names = map { chr(ord("A") + $_) } 0 .. $hosts - 1;
	if ($how eq "loop") {
		$dir{$_} = "$where[2]/$_/shared" for @names, "final";
		on("A");
		mkdir $dir{A}, 0777 or give_up("cannot make a directory: $!");
		off("A");
		return;
	}
	my $name;
	for (1 .. 100) {
		$name = sprintf "doublemount-script-%d-%08x", $$, int rand 2**32;
		last if mkdir "$where[0]/$name", 0777;
		give_up("cannot make a directory in $where[0]: $!") if !$!{EEXIST};
		$name = undef;
	}
	give_up("cannot make a directory in $where[0]") if !defined $name;
	$made = $name;
	$dir{$names[$_]} = "$where[$_]/$name" for 0 .. $#names;
	$dir{final} = $dir{A};
	my $op = {host => "A", action => "sync", step => 0};
	call($op);
	landed($op, $PATIENCE);
	said($op);
	give_up("sync of $where[0]: $op->{got}") if $op->{got} ne "ok";
	for my $h (@names) {
		my $end = time + $VISIBLE;
		my $command = $ENV{"REMOUNT_$h"};
		while (!-d $dir{$h}) {
			if ($command) {
				run_command($command) or give_up("the command that remounts $h failed");
				$command = undef;
				next;
			}
			give_up("$h does not see in $where[ord($h) - ord(q(A))] what A has made in $where[0]\nhint: are these directories of one share?") if time > $end;
			select undef, undef, undef, 0.2;
		}
	}
}

# leave ends all hosts and removes the directory that fresh made, by whoever can.
sub leave {
	stop($_) for sort keys %up;
	for (sort keys %mounted) { eval { off($_) } }
	return if !defined $made;
	my $name = $made;
	$made = undef;
	for my $try (1 .. 5) {
		for (@where) {
			next if !-d "$_/$name";
			run_command("rm -rf -- \"\$1\" 2>/dev/null", "$_/$name");
		}
		return if !grep { -d "$_/$name" } @where;
		sleep 1;
	}
	print STDERR "left behind: $where[0]/$name\n";
}

# is_directory asks in a process of its own, since a file system that hangs does not
# let go of who asks.
sub is_directory {
	my $path = shift;
	defined(my $pid = fork) or give_up("cannot fork: $!");
	POSIX::_exit(-d $path ? 0 : 1) if !$pid;
	for (1 .. $PATIENCE * 10) {
		return $? == 0 if waitpid($pid, POSIX::WNOHANG()) == $pid;
		select undef, undef, undef, $_ < 3 ? 0.01 : 0.1;
	}
	kill "KILL", $pid;
	give_up("$path: no answer within $PATIENCE s");
}

sub main {
	$^O eq "linux" && length pack("j", 0) == 8 or give_up("this needs Linux, and a perl of 64 bits");
	my $runs = %until ? 50 : 1;
	if ($how ne "loop") {
		$runs = pop @where if @where == $hosts + 1 && $where[-1] =~ /^[1-9][0-9]{0,5}$/;
		@where == $hosts or give_up("usage: sh SCRIPT " . join(" ", map { "DIR_" . chr(ord("A") + $_) } 0 .. $hosts - 1)
			. " [RUNS]\nhint: the case has " . ($hosts == 1 ? "one host" : "$hosts hosts") . ": one directory of the same share for each");
		for (@where) {
			is_directory($_) or give_up("$_: not a directory");
			$_ = POSIX::getcwd() . "/$_" if !m{^/};
		}
		for (sort keys %needs) {
			$ENV{"REMOUNT_$_"} or give_up("the case remounts $_\nhint: REMOUNT_$_=COMMAND takes the file system offline there and brings it back");
		}
	}
	for my $run (1 .. $runs) {
		fresh();
		execute();
		leave();
		my $seen = !grep { !$_->{free} && differs($_) } @ops;
		next if !$seen && $run < $runs;
		print "run $run of $runs\n" if $runs > 1;
		return report() ? $SEEN : $NOT_SEEN;
	}
}

$| = 1;
$SIG{PIPE} = "IGNORE";
$SIG{$_} = sub { die "interrupted\n" } for qw(INT TERM HUP);
my $code = eval { main() };
my $why = $@;
$SIG{$_} = "IGNORE" for qw(INT TERM HUP);
eval { leave() };
if (!defined $code) {
	print STDERR $why;
	$code = 2;
}
POSIX::_exit($code);
