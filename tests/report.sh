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
	if wait_for "$seconds" "$@"; then
		fail "$what: it is not true for $seconds s"
	else
		pass "$what"
	fi
}

# wait_for SECONDS COMMAND...: succeeds as soon as the command does.
wait_for() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		sleep 0.05
	done
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
