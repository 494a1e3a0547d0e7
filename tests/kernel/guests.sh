# shellcheck shell=bash
# Guests on a bridge: virtual machines that the tests start, watch and give
# orders, and the true error of their clocks, read from outside. To be sourced
# after tests/lab/net.sh, tests/kernel/initrd.sh and tests/kernel/preload.sh.

# A guest that does not print an expected result within this time is stuck. The
# limit only ends a test that cannot pass any more. It measures nothing.
HANG_S=900

cleanup() {
	local name
	# Each guest is a group of processes.
	for name in "${!PIDS[@]}"; do
		kill -KILL -- "-${PIDS[$name]}" 2>/dev/null
	done
	stop_all
	lan_down
	rm -rf "$LAB"
}

# Programs of one test for the guests' file system.
PROGRAMS=()

# prepare COMMAND...: makes a LAN and the guests' file system. The command adds
# names and certificates, files for /etc in LAB/more, and to PROGRAMS.
prepare() {
	must_be_root_on_debian12
	# shellcheck disable=SC2086 # a list of words
	need iproute2 busybox-static cpio openssl procps util-linux \
		$SERVER_LIBRARIES12
	UML=$(unpack12 user-mode-linux) || exit 2
	CHRONY12=$(unpack12 chrony) || exit 2
	LAB=$(mktemp -d /tmp/ntskernel.XXXXXX)
	chmod 755 "$LAB"
	trap cleanup EXIT
	mkdir "$LAB/orders"
	lan_up
	ip -n "$(ns lan)" addr add "$PREFIX4.99/24" dev br0
	# shellcheck disable=SC2034 # the commands use it
	PKI=$LAB/pki
	"$@" || exit 2
	make_initrd "$LAB/initrd" "$B/ntsagentd" "$B/ntsctl" \
		"$B/tests/kernel/kclock" "$B/tests/kernel/timeofday" \
		"$CHRONY12/usr/sbin/chronyd" "$B/tests/server/ntsserver" \
		"${PROGRAMS[@]}"
}

# A command for prepare: the name and the certificate of the server on the guest
# with number 11.
one_server() {
	lan_name ntpserver 11
	"$TOP/tests/pki" "$PKI" ntpserver,ntpserver-ipv6
}

# configure ROLE: writes the agent's configuration /etc/ROLE.conf. It trusts the
# certificates of the test, and standard input has the rest. For prepare.
configure() {
	mkdir -p "$LAB/more"
	{
		printf '[nts]\ntrusted-certs = /etc/rootca.crt\nsystem-certs = no\n'
		cat
	} >"$LAB/more/$1.conf"
}

# guest ROLE NUMBER [NAME=VALUE...]: starts a guest with the address
# PREFIX.NUMBER. Its first process has ROLE and the other variables in its
# environment. MEMORY is how much memory it has, its file system included.
guest() {
	ip -n "$(ns lan)" tuntap add dev "tap$2" mode tap
	ip -n "$(ns lan)" link set "tap$2" master br0 up
	# shellcheck disable=SC2086 # a list of words
	start "$1" exec setsid ip netns exec "$(ns lan)" $NO_SYS_TIME \
		env "$(preload)" "PAUSES=${PAUSES:-}" \
		"$UML/usr/bin/linux.uml" "mem=${MEMORY:-128M}" "initrd=$LAB/initrd" \
		"vec0:transport=tap,ifname=tap$2,depth=64" \
		"uml_dir=$LAB" "umid=$1" con=null con0=null,fd:1 quiet \
		"ROLE=$1" "ORDERS=$LAB/orders" \
		"ADDR4=$PREFIX4.$2" "ADDR6=$PREFIX6:$2" "${@:3}"
}

# order ROLE NAME [VALUE]: gives an order that the guest waits for.
order() {
	echo "${3:-}" >"$LAB/orders/new"
	mv "$LAB/orders/new" "$LAB/orders/$1.$2"
}

console() {
	tr -d '\r' <"$LAB/$1.log"
}

# result ROLE NAME: prints the values of each line "RESULT NAME VALUE..." of the
# guest. False if there is none.
result() {
	console "$1" | awk -v n="$2" '
		$1 == "RESULT" && $2 == n {$1 = $2 = ""; print; found = 1}
		END {exit !found}'
}

printed() {
	result "$@" >/dev/null
}

# logged_times ROLE PATTERN: prints how many lines of the console match (grep -E).
logged_times() {
	console "$1" | grep -cE -- "$2"
}

logged() {
	console "$1" | grep -qE -- "$2"
}

# log_says WHAT ROLE PATTERN: passes if a line of the console matches. Waits for
# it up to LOG_WANTED_S, if the test sets this.
log_says() {
	[ -z "${LOG_WANTED_S:-}" ] || in_time "$LOG_WANTED_S" logged "$2" "$3"
	says "$1" "$3" "$(console "$2")"
}

# no_trouble ROLE: passes if nothing failed in the guest.
no_trouble() {
	same "troubles in the guest" none "$(result "$1" trouble || echo none)"
}

# about NUMBER: prints a pattern that matches all numbers that differ from this
# whole number by less than 0.1.
about() {
	echo "($1\\.0|$(($1 - 1))\\.9)"
}

alive() {
	kill -0 "${PIDS[$1]}" 2>/dev/null
}

printed_or_ended() {
	printed "$@" || ! alive "$1"
}

# why_silent ROLE NAME: says why the guest did not print this result.
why_silent() {
	local panic
	panic=$(console "$1" | grep -m1 'Kernel panic')
	if [ -n "$panic" ]; then
		echo "the kernel of the guest '$1' panicked before it printed '$2'"
	elif alive "$1"; then
		echo "the guest '$1' runs, but did not print '$2' within $HANG_S s"
	else
		echo "the guest '$1' ended before it printed '$2'"
	fi
}

# end_of_console ROLE: prints the lines that show why the guest stopped. These
# are the lines around a panic, which a long call trace follows, or the last
# lines.
end_of_console() {
	local lines
	lines=$(console "$1" | grep -m1 -B 12 -A 3 'Kernel panic' ||
		console "$1" | tail -n 15)
	echo "          ${lines//$'\n'/$'\n'          }"
}

# expect_result WHAT ROLE NAME: waits until the guest prints this result. If the
# guest ends or hangs before, WHAT fails with the reason and the guest's last
# lines.
expect_result() {
	wait_for $HANG_S printed_or_ended "$2" "$3"
	printed "$2" "$3" && return
	fail "$1: $(why_silent "$2" "$3"); the console of the guest:"
	end_of_console "$2"
	return 1
}

# comes_up WHAT ROLE: passes when the guest is ready.
comes_up() {
	expect_result "$1" "$2" ready && pass "$1"
}

# show_consoles LINES: shows the last lines of all guests, after a failure.
show_consoles() {
	local role
	for role in "${!PIDS[@]}"; do
		echo "the last lines of the guest '$role':"
		console "$role" | tail -n "$1"
	done
}

# Everything takes longer on a busy machine. The host's kernel counts how long
# each process was ready to run but had no processor. The time limits below do
# not include this time of the guests' processes.

# Prints how long the guests' processes have waited for a processor so far.
waited_ms() {
	local role
	for role in "${!PIDS[@]}"; do
		pgrep -s "${PIDS[$role]}"
	done | sed 's|.*|/proc/&/schedstat|' | xargs -r cat 2>/dev/null |
		awk '{ns += $2} END {printf "%d\n", ns / 1e6}'
}

# in_time SECONDS COMMAND...: waits until the command succeeds. False if it
# takes longer, without the time that the guests waited for a processor. On a slow
# machine it may take longer, see slowness in tests/report.sh.
in_time() {
	local limit_ms=$(($1 * 1000)) began took waited look slow=
	began=$(now_ms) waited=$(waited_ms)
	shift
	look=${EPOCHREALTIME/./}
	until "$@"; do
		look=$((${EPOCHREALTIME/./} - look))
		took=$(($(now_ms) - began))
		if [ $took -ge $limit_ms ] && [ -z "$slow" ]; then
			slow=$(slowness)
			limit_ms=$((limit_ms * slow / 100))
		fi
		[ $took -lt $limit_ms ] ||
			[ $((took + waited - $(waited_ms))) -lt $limit_ms ] ||
			return 1
		[ $took -lt $((HANG_S * 1000)) ] || return 1
		rest $look
		look=${EPOCHREALTIME/./}
	done
}

# happens WHAT SECONDS COMMAND...: passes if the command succeeds in time, see
# in_time.
happens() {
	local what=$1 began
	shift
	began=$(now_ms)
	if in_time "$@"; then
		pass "$what: after $(($(now_ms) - began)) ms (wanted: $1 s)"
	else
		fail "$what: not within $1 s"
	fi
}

# took WHAT SECONDS WANTED WAITED_MS: judges a time that a guest measured.
# WAITED_MS is what waited_ms printed before the guest began to measure. On a slow
# machine it may take longer, see slowness.
took() {
	local slow verdict=fail waited=$(($(waited_ms) - $4))
	if awk -v t="$2" -v w="$3" 'BEGIN {exit !(t != "" && t < w)}'; then
		pass "$1 after $2 s (wanted: $3 s)"
		return
	fi
	slow=$(slowness)
	awk -v t="$2" -v w="$3" -v ms=$waited -v slow="$slow" \
		'BEGIN {exit !(t != "" && t - ms / 1e3 < w * slow / 100)}' &&
		verdict=pass
	$verdict "$1 after $2 s, with $waited ms without a processor, on a machine of $slow % of the usual time (wanted: $3 s)"
}

in_lan() {
	in_ns lan "$B/tests/kernel/timeofday" "$@"
}

# Prints the client's clock minus the server's and the uncertainty of this
# difference (half the round trips), in microseconds. Both clocks may run away
# from ours: the server is asked before and after the client, and what it showed
# is interpolated to the moment of the client. The moments are compared as
# differences: a double has too few digits for a time of day in nanoseconds.
truth() {
	local before client after
	before=$(in_lan ask "$PREFIX4.11") && client=$(in_lan ask "$PREFIX4.12") &&
		after=$(in_lan ask "$PREFIX4.11") || return 1
	# shellcheck disable=SC2086 # three numbers each
	set -- $before $client $after
	awk -v s1="$1" -v c="$4" -v s2="$7" -v gone=$(($6 - $3)) \
		-v all=$(($9 - $3)) -v rtts="$((2 * $5 + $2 + $8))" \
		'BEGIN {print (c - s1 - (s2 - s1) * gone / all) / 1e3, rtts / 4e3}'
}

# is_near LIMIT_US: the client's error is within the limit and the uncertainty.
is_near() {
	SEEN=$(truth 2>/dev/null) &&
		awk -v l="$1" '{exit !(($1 < 0 ? -$1 : $1) < l + $2)}' <<<"$SEEN"
}

# near WHAT LIMIT_US: the client's error is now within the limit and the
# uncertainty. If the guests waited for a processor, the agent has measured over
# a disturbed path: it gets as much time again to measure better.
near() {
	local began verdict=fail
	began=$(now_ms)
	until is_near "$2" && verdict=pass; do
		[ $(($(now_ms) - began)) -lt "$(waited_ms)" ] || break
		sleep 0.5
	done
	if [ -n "$SEEN" ]; then
		$verdict "$1: ${SEEN% *} us from the server" \
			"(known to ${SEEN#* } us, wanted: $2 us)"
	else
		fail "$1: a guest does not answer"
	fi
}

# pause ROLE NUMBER SECONDS: stops the guest with this address for so long. Its
# clocks do not count this time. Sets PAUSE_LAG_S, the guest's clock minus ours
# right after the pause. The request for it is sent before the pause ends: the
# guest answers it before its agent can correct the clock.
paused_ms=0
pause() {
	kill -STOP "${PIDS[$1]}"
	sleep "$3"
	paused_ms=$((paused_ms + $(awk -v s="$3" 'BEGIN {printf "%d", s * 1e3}')))
	little_endian $((paused_ms * 1000000)) |
		dd of="$PAUSES" conv=notrunc status=none
	in_lan first "$PREFIX4.$2" >"$LAB/first" &
	wait_for $HANG_S grep -q asked "$LAB/first"
	kill -CONT "${PIDS[$1]}"
	wait $!
	# shellcheck disable=SC2034 # the commands use it
	PAUSE_LAG_S=$(awk '$1 == "offset" {print $2 / 1e9}' "$LAB/first")
}

# little_endian NUMBER: prints its eight bytes.
little_endian() {
	local i
	for i in 0 8 16 24 32 40 48 56; do
		# shellcheck disable=SC2059 # a byte
		printf "\\x$(printf %02x $(($1 >> i & 255)))"
	done
}
