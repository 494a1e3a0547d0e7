# shellcheck shell=bash
# Guests on a bridge, and the truth about their clocks, read from outside. To be
# sourced after tests/lab/net.sh and tests/kernel/initrd.sh.

cleanup() {
	local name
	# A guest is a group of processes.
	for name in "${!PIDS[@]}"; do
		kill -KILL -- "-${PIDS[$name]}" 2>/dev/null
	done
	stop_all
	lan_down
	rm -rf "$LAB"
}

# prepare COMMAND...: a LAN, and an image for guests with all that the command
# adds: names, certificates, more for /etc in LAB/more.
prepare() {
	must_be_root_on_debian12
	# shellcheck disable=SC2086 # a list of words
	need iproute2 busybox-static cpio openssl util-linux $SERVER_LIBRARIES12
	UML=$(unpack12 user-mode-linux) || exit 2
	CHRONY12=$(unpack12 chrony) || exit 2
	LAB=$(mktemp -d /tmp/ntskernel.XXXXXX)
	chmod 755 "$LAB"
	trap cleanup EXIT
	lan_up
	ip -n "$(ns lan)" addr add "$PREFIX4.99/24" dev br0
	# shellcheck disable=SC2034 # the commands use it
	PKI=$LAB/pki
	"$@" || exit 2
	make_initrd "$LAB/initrd" "$B/ntsagentd" "$B/ntsctl" \
		"$B/tests/kernel/kclock" "$B/tests/kernel/timeofday" \
		"$CHRONY12/usr/sbin/chronyd" "$B/tests/server/ntsserver"
}

# guest ROLE NUMBER [NAME=VALUE...]: more for the environment of its first
# process. MACHINE: for that of the kernel itself.
guest() {
	ip -n "$(ns lan)" tuntap add dev "tap$2" mode tap
	ip -n "$(ns lan)" link set "tap$2" master br0 up
	# shellcheck disable=SC2086 # a list of words
	start "$1" exec setsid ip netns exec "$(ns lan)" $NO_SYS_TIME \
		env ${MACHINE:-} \
		"$UML/usr/bin/linux.uml" mem=128M "initrd=$LAB/initrd" \
		"vec0:transport=tap,ifname=tap$2,depth=64" \
		"uml_dir=$LAB" "umid=$1" con=null con0=null,fd:1 quiet \
		"ROLE=$1" "ADDR4=$PREFIX4.$2" "ADDR6=$PREFIX6:$2" "${@:3}"
}

# A guest started with MACHINE=$PAUSABLE can stand still.
pausable() {
	head -c 8 /dev/zero >"$LAB/pauses"
	# shellcheck disable=SC2034 # the commands use it
	PAUSABLE="LD_PRELOAD=$B/tests/kernel/pausable.so PAUSES=$LAB/pauses"
}

# little_endian NUMBER: its eight bytes.
little_endian() {
	local i
	for i in 0 8 16 24 32 40 48 56; do
		# shellcheck disable=SC2059 # a byte
		printf "\\x$(printf %02x $(($1 >> i & 255)))"
	done
}

# stand_still ROLE SECONDS: the guest will know nothing of them, nor of those
# before.
stood_s=0
stand_still() {
	kill -STOP "${PIDS[$1]}"
	sleep "$2"
	stood_s=$((stood_s + $2))
	little_endian $((stood_s * 1000000000)) |
		dd of="$LAB/pauses" conv=notrunc status=none
	kill -CONT "${PIDS[$1]}"
}

# result ROLE NAME: the values of a line the guest printed.
result() {
	tr -d '\r' <"$LAB/$1.log" | awk -v n="$2" '
		$1 == "RESULT" && $2 == n {$1 = $2 = ""; print; found = 1}
		END {exit !found}'
}

told() {
	result "$@" >/dev/null
}

# truth: the client's clock minus the server's in microseconds, and what half
# the round trips leave uncertain.
truth() {
	local ask client server
	ask="ip netns exec $(ns lan) $B/tests/kernel/timeofday ask"
	client=$($ask "$PREFIX4.12") && server=$($ask "$PREFIX4.11") || return 1
	echo "$client $server" | awk '{print ($1 - $3) / 1e3, ($2 + $4) / 2e3}'
}

# near WHAT LIMIT_US: the client is right within the limit and the uncertainty.
near() {
	local seen
	seen=$(truth) || { fail "$1: a guest does not answer"; return; }
	if awk -v l="$2" '{exit !(($1 < 0 ? -$1 : $1) <= l + $2)}' <<<"$seen"; then
		pass "$1: ${seen% *} us from the server (known to ${seen#* } us)"
	else
		fail "$1: ${seen% *} us from the server, allowed $2 us (known to ${seen#* } us)"
	fi
}
