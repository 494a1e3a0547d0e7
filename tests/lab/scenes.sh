# shellcheck shell=bash
# Scenes: a scene causes trouble on a LAN and times the agent's recovery. Each
# scene has a LAN of its own, so that several run at the same time. To be
# sourced after client.sh.

declare -A SCENES=()

# play NAME: runs scene_NAME in this process.
play() {
	local LAB=$LAB/$1 LAN=$1-
	# The values, because the local variables are gone when the trap runs.
	# shellcheck disable=SC2064
	trap "stop_all; LAN=$LAN; lan_down; printf . >&$STAGES_FD" EXIT
	# shellcheck disable=SC2034 # net.sh and report.sh read them
	PIDS=() passed=0 failed=0
	lan_up
	"scene_$1"
	[ "$failed" -eq 0 ] || tail -n 20 "$LAB"/*.log
}

# scene NAME: runs scene_NAME in the background, as soon as a stage is free. Too
# many scenes at once slow each other down. A byte in the pipe is a free stage.
STAGES=6
scene() {
	mkdir -p "$LAB/$1"
	(
		read -r -N 1 <&"$STAGES_FD"
		play "$1" && touch "$LAB/$1.end"
	) >"$LAB/$1.out" 2>&1 &
	SCENES[$1]=$!
}

# side_by_side NAME...: runs the scenes, and prints the result of one after the
# other. A scene that came to its end leaves a file: the shell forgets how a child
# ended when another one gets its number.
side_by_side() {
	local name
	mkfifo "$LAB/stages"
	exec {STAGES_FD}<>"$LAB/stages"
	printf "%${STAGES}s" '' >&"$STAGES_FD"
	for name in "$@"; do scene "$name"; done
	for name in "$@"; do
		wait "${SCENES[$name]}" 2>/dev/null
		[ -e "$LAB/$name.end" ] || fail "scene $name ended with an error"
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

# serve NAME NUMBER KIND PKI-OPTION...: a new host with a server of this kind.
serve() {
	lan_host "$1" "$2"
	lan_name "$1" "$2"
	server_certificate "$1" "${@:4}"
	"start_$3" "$1"
	listens_soon "$1"
}

# server NAME NUMBER KIND PKI-OPTION...: a new host with a server whose
# certificate is signed by the CA of the lab.
server() {
	serve "$1" "$2" "$3" --key-of "$CA" "${@:4}"
}

listens_soon() {
	wait_for 10 listens "$1" || fail "$1 does not listen"
}

# start_sampling HOST EXTRA NAME...: starts an agent with these sources, and
# waits for the first burst of samples of each.
start_sampling() {
	local name
	agent_conf "$@"
	start_agent12 "$1"
	for name in "${@:3}"; do
		within "a burst of samples from $name" 10 \
			above "$1" "$name" .packets.good 3
	done
}

# trouble_lasts SECONDS: waits before the scene ends the trouble. The longer it
# lasts, the less often the agent retries.
trouble_lasts() {
	sleep "$1"
}

now_us() { echo "${EPOCHREALTIME/./}"; }

# source_value HOST SOURCE FILTER: what jq finds in the status of a source.
source_value() {
	status_value "$1" ".sources[] | select(.name == \"$2\") | $3"
}

# above HOST SOURCE FILTER NUMBER: the value is above the number.
above() {
	local n
	n=$(source_value "$1" "$2" "$3") && [ "${n:-0}" -gt "$4" ]
}

# recovers WHAT SINCE_US LIMIT_MS COMMAND...: the command succeeds within the
# limit. Waits longer than that, to show how long it took.
recovers() {
	if wait_for $(($3 * 2 / 1000 + 5)) "${@:4}"; then
		check_time "$1" "$2" "$3"
	else
		fail "$1: not at all"
	fi
}

# count_good HOST SOURCE: remembers how many samples the source has given.
declare -A GOOD=()
count_good() {
	GOOD[$2]=$(source_value "$1" "$2" .packets.good)
}

# sampled_again HOST SOURCE: it has given a new one since count_good.
sampled_again() {
	above "$1" "$2" .packets.good "${GOOD[$2]}"
}

# sampled_times HOST SOURCE COUNT: it has given so many since count_good.
sampled_times() {
	above "$1" "$2" .packets.good $((GOOD[$2] + $3 - 1))
}

# log_mark HOST: log_lines counts the lines of the agent's log from here on.
LOG_MARK=0
log_mark() {
	LOG_MARK=$(wc -l <"$LAB/$1.log")
}

# log_lines HOST MOST WHAT: the agent has logged no more lines than this.
log_lines() {
	local lines
	lines=$(($(wc -l <"$LAB/$1.log") - LOG_MARK))
	if [ "$lines" -le "$2" ]; then
		pass "$3: $lines log lines (at most $2)"
	else
		fail "$3: $lines log lines (at most $2)"
		tail -n "$lines" "$LAB/$1.log"
	fi
}
