# shellcheck shell=bash
# How every test script of this project reports: one line per check, and the
# count as its last line. To be sourced.

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

# check WHAT COMMAND...: passes when the command does.
check() {
	local what=$1
	shift
	if "$@"; then pass "$what"; else fail "$what"; fi
}

# same WHAT EXPECTED SEEN
same() {
	if [ "$2" = "$3" ]; then pass "$1: $3"; else fail "$1: expected $2, saw $3"; fi
}

# says WHAT PATTERN TEXT: the text has a line that matches (grep -E).
says() {
	local line
	if line=$(grep -m1 -E -- "$2" <<<"$3"); then
		pass "$1: ${line#"${line%%[![:space:]]*}"}"
	else
		fail "$1: nothing says '$2'"
		echo "          ${3//$'\n'/$'\n'          }"
	fi
}

# within WHAT SECONDS COMMAND...: passes as soon as the command does.
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

wait_for() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# The closing line; false when something failed or nothing was checked.
report() {
	local skips=
	[ "$skipped" -eq 0 ] || skips=", $skipped skipped"
	[ $((passed + failed + skipped)) -gt 0 ] || failed=1
	echo "$passed passed, $failed failed$skips"
	[ "$failed" -eq 0 ]
}

# as_anybody COMMAND...: root may run a test, too, but not as root. Does not
# return.
as_anybody() {
	if [ "$(id -u)" -eq 0 ]; then
		exec setpriv --reuid=65534 --regid=65534 --clear-groups \
			--bounding-set=-all --inh-caps=-all "$@"
	fi
	exec "$@"
}
