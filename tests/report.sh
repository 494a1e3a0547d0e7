# shellcheck shell=bash
# How every test script of this project reports: one line for each check, and
# the count as the last line. To be sourced.

passed=0 failed=0 skipped=0

pass() {
	passed=$((passed + 1))
	echo "  ok    $*"
}

fail() {
	failed=$((failed + 1))
	echo "  FAIL  $*"
}

skip() {
	skipped=$((skipped + 1))
	echo "  skip  $*"
}

# check WHAT COMMAND...: passes if the command succeeds.
check() {
	local what=$1
	shift
	if "$@"; then pass "$what"; else fail "$what"; fi
}

# refute COMMAND...: succeeds if the command fails.
refute() {
	! "$@"
}

# same WHAT EXPECTED SEEN
same() {
	if [ "$2" = "$3" ]; then pass "$1: $3"; else fail "$1: expected $2, saw $3"; fi
}

# says WHAT PATTERN TEXT: passes if a line of the text matches (grep -E).
says() {
	local line
	if line=$(grep -m1 -E -- "$2" <<<"$3"); then
		pass "$1: ${line#"${line%%[![:space:]]*}"}"
	else
		fail "$1: no line matches '$2'"
		echo "          ${3//$'\n'/$'\n'          }"
	fi
}

# within WHAT SECONDS COMMAND...: passes as soon as the command succeeds.
within() {
	local what=$1 seconds=$2
	shift 2
	if wait_for "$seconds" "$@"; then
		pass "$what"
	else
		fail "$what: not within $seconds s"
		return 1
	fi
}

# never WHAT SECONDS COMMAND...: passes if the command fails all that time.
never() {
	local what=$1 seconds=$2
	shift 2
	if happens_within $((seconds * 1000)) "$@"; then
		fail "$what: it is not true for $seconds s"
	else
		pass "$what"
	fi
}

# wait_for SECONDS COMMAND...: succeeds as soon as the command does. On a slow
# machine it may take longer, see slowness.
wait_for() {
	local ms=$(($1 * 1000)) slow
	shift
	happens_within "$ms" "$@" && return
	slow=$(slowness)
	happens_within $((ms * (slow - 100) / 100)) "$@"
}

# happens_within MS COMMAND...
happens_within() {
	local began=${EPOCHREALTIME/./} end now
	end=$((began + $1 * 1000))
	shift
	until "$@"; do
		now=${EPOCHREALTIME/./}
		[ "$now" -lt "$end" ] || return 1
		rest $((now - began))
		began=${EPOCHREALTIME/./}
	done
}

# rest US: sleeps between two looks, of which the last one has taken so long. On a
# slow machine the looks of a few tests would keep it busy.
rest() {
	local ms=$(($1 * 4 / 1000))
	[ $ms -gt 50 ] || ms=50
	[ $ms -lt 500 ] || ms=500
	sleep "$((ms / 1000)).$(printf '%03d' $((ms % 1000)))"
}

now_ms() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

# slowness: how many times as slow as usual this machine is now, in hundredths,
# from 100 to 1000. Some hosts need ten times as long as others to start a program
# or to touch new memory, and all else that a test waits for takes longer there,
# too. It is measured only where a limit is over: on other machines the limits
# are what the tests say.
USUAL_START_US=4000
slowness() {
	local percent=$(($(start_us) * 100 / USUAL_START_US))
	[ $percent -lt 1000 ] || percent=1000
	echo $((percent > 100 ? percent : 100))
}

# Is this machine a slow one, even if it has nothing else to do?
SLOW_START_US=2500
is_slow() {
	[ "$(start_us)" -gt $SLOW_START_US ]
}

# Prints how long this machine takes now to start a program.
start_us() {
	local began i starts=100
	began=$(now_ms)
	for ((i = 0; i < starts; i++)); do /bin/true; done
	echo $((($(now_ms) - began) * 1000 / starts))
}

# Prints the closing line; fails if a check failed or nothing was checked.
report() {
	local skips=
	[ "$skipped" -eq 0 ] || skips=", $skipped skipped"
	[ $((passed + failed + skipped)) -gt 0 ] || failed=1
	echo "$passed passed, $failed failed$skips"
	[ "$failed" -eq 0 ]
}

# as_anybody COMMAND...: runs the command as an unprivileged user, even if root
# runs the test. Does not return.
as_anybody() {
	if [ "$(id -u)" -eq 0 ]; then
		exec setpriv --reuid=65534 --regid=65534 --clear-groups \
			--bounding-set=-all --inh-caps=-all "$@"
	fi
	exec "$@"
}

# build_folder FOLDER: prints its path. An option, or a folder without the
# programs, is an error: usage is FOLDER first.
build_folder() {
	local what="no such folder"
	if [ -x "$1/ntsagentd" ]; then
		realpath "$1"
		return
	fi
	[ ! -d "$1" ] || what="it has no ntsagentd; run make first"
	[ "${1#-}" = "$1" ] || what="there are no options"
	echo "$0: $1: $what; the first argument is the build folder" >&2
	return 1
}
