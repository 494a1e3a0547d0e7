# shellcheck shell=bash
# Scenes: something happens to a LAN, and the agent's recovery is timed. Each
# scene has a LAN of its own, so that several play side by side. To be sourced
# after client.sh.

declare -A SCENES=()

# play NAME: in a process of its own.
play() {
	local LAB=$LAB/$1 LAN=$1-
	# Not the variables: they are gone when the trap runs.
	# shellcheck disable=SC2064
	trap "stop_all; LAN=$LAN; lan_down; printf . >&$STAGES_FD" EXIT
	# shellcheck disable=SC2034 # net.sh and report.sh read them
	PIDS=() passed=0 failed=0
	lan_up
	"scene_$1"
	[ "$failed" -eq 0 ] || tail -n 20 "$LAB"/*.log
}

# scene NAME: plays scene_NAME in the background, once it has a stage: there are
# few, lest the scenes slow each other down. A token in the pipe is a free one.
STAGES=6
scene() {
	mkdir -p "$LAB/$1"
	(
		read -r -N 1 <&"$STAGES_FD"
		play "$1"
	) >"$LAB/$1.out" 2>&1 &
	SCENES[$1]=$!
}

# side_by_side NAME...: plays them all, tells of one after the other.
side_by_side() {
	local name
	mkfifo "$LAB/stages"
	exec {STAGES_FD}<>"$LAB/stages"
	printf "%${STAGES}s" '' >&"$STAGES_FD"
	for name in "$@"; do scene "$name"; done
	for name in "$@"; do
		wait "${SCENES[$name]}" || fail "scene $name broke"
		unset "SCENES[$name]"
		cat "$LAB/$name.out"
		passed=$((passed + $(grep -c '^  ok ' "$LAB/$name.out")))
		failed=$((failed + $(grep -c '^  FAIL ' "$LAB/$name.out")))
	done
	exec {STAGES_FD}>&-
	rm "$LAB/stages"
}

stop_scenes() {
	local name
	for name in "${!SCENES[@]}"; do
		kill "${SCENES[$name]}" 2>/dev/null
		wait "${SCENES[$name]}" 2>/dev/null
	done
}

# server NAME NUMBER KIND PKI-OPTION...: a host of that name, serving.
server() {
	lan_host "$1" "$2"
	lan_name "$1" "$2"
	server_certificate "$1" --key-of "$CA" "${@:4}"
	"start_$3" "$1"
	within "$1 listens" 5 listens "$1" >/dev/null || fail "$1 does not listen"
}

now_us() { echo "${EPOCHREALTIME/./}"; }

# fact HOST SOURCE FILTER: of one source.
fact() {
	facts "$1" ".sources[] | select(.name == \"$2\") | $3"
}

# more HOST SOURCE FILTER NUMBER: the fact is above the number.
more() {
	local n
	n=$(fact "$1" "$2" "$3") && [ "${n:-0}" -gt "$4" ]
}

# recovers WHAT SINCE_US LIMIT_MS COMMAND...: waits longer than allowed, so as
# to tell how long it took.
recovers() {
	if wait_for $(($3 * 2 / 1000 + 5)) "${@:4}"; then
		took "$1" "$2" "$3"
	else
		fail "$1: not at all"
	fi
}

# Samples of a source are counted from here on.
declare -A GOOD=()
count_good() {
	GOOD[$2]=$(fact "$1" "$2" .packets.good)
}
sampled_again() {
	more "$1" "$2" .packets.good "${GOOD[$2]}"
}

# sampled_times HOST SOURCE COUNT: since then.
sampled_times() {
	more "$1" "$2" .packets.good $((GOOD[$2] + $3 - 1))
}

# all_sampled HOST: every source has given a sample.
all_sampled() {
	[ "$(facts "$1" 'all(.sources[]; .samples > 0)')" = true ]
}

# Lines of the agent's log are counted from here on, or all of them.
LOG_MARK=0
log_mark() {
	LOG_MARK=$(wc -l <"$LAB/$1.log")
}

# logged HOST MOST WHAT: no more lines than that.
logged() {
	local lines
	lines=$(($(wc -l <"$LAB/$1.log") - LOG_MARK))
	if [ "$lines" -le "$2" ]; then
		pass "$3: $lines log lines (at most $2)"
	else
		fail "$3: $lines log lines (at most $2)"
		tail -n "$lines" "$LAB/$1.log"
	fi
}
