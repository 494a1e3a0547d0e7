# shellcheck shell=bash
# The agent on a host of the lab: its configuration, its start and stop, and
# what ntsctl shows. To be sourced after net.sh.

# agent_conf HOST EXTRA NAME...: one source for each name; EXTRA goes into each.
# The root certificate is readable by the agent's group.
agent_conf() {
	local extra=$2 name etc=$LAB/$1/etc
	shift 2
	install -m 640 -g 902 "$CA/rootca.crt" "$etc/pki/"
	{
		printf '[agent]\nuser = ntsagent\n'
		printf 'status-socket = /run/ntsagent/status.sock\n'
		printf '[nts]\ntrusted-certs = /etc/pki/rootca.crt\n'
		for name in "$@"; do
			printf '[source %s]\n%s\n' "$name" "$extra"
		done
	} >"$etc/ntsagent/ntsagent.conf"
}

start_agent12() {
	start "$1" on "$1" "$B/ntsagentd" -f /etc/ntsagent/ntsagent.conf \
		--foreground --no-clock
}

start_agent13() {
	start "$1" on13 "$1" /source/build/debian13/ntsagentd \
		-f /etc/ntsagent/ntsagent.conf --foreground --no-clock
}

# delete_saved_keys HOST: deletes the keys of an earlier run.
delete_saved_keys() {
	rm -rf "${LAB:?}/$1/lib/ntsagent"
}

# stop_agent HOST: sends SIGTERM; the exit status must be 0.
stop_agent() {
	local pid=${PIDS[$1]:-} status
	unset "PIDS[$1]"
	kill "$pid" 2>/dev/null
	wait "$pid"
	status=$?
	same "$1: exit status after SIGTERM" 0 "$status"
}

ctl() {
	"$B/ntsctl" -s "$LAB/$1/run/ntsagent/status.sock" "${@:2}"
}

# status_value HOST FILTER: what jq finds in the status.
status_value() {
	ctl "$1" --json status 2>/dev/null | jq -r "$2" 2>/dev/null
}

# any_sampled HOST: one source or more has a sample.
any_sampled() {
	[ "$(status_value "$1" 'any(.sources[]; .samples > 0)')" = true ]
}

# all_sampled HOST: every source has a sample.
all_sampled() {
	[ "$(status_value "$1" 'all(.sources[]; .samples > 0)')" = true ]
}

# decided HOST: the agent has made a decision about the clock. It does so even
# where it only measures.
decided() {
	[ "$(status_value "$1" '.clock.combined > 0 and (.clock.update_offset_ns // 0) != 0')" = true ]
}

# check_time WHAT STARTED_US LIMIT_MS: the time since then is within the limit,
# which is longer on a slow machine.
check_time() {
	local ms=$(((${EPOCHREALTIME/./} - $2) / 1000)) slow
	if [ "$ms" -le "$3" ]; then
		pass "$1 after $ms ms (at most $3)"
		return
	fi
	slow=$(slowness)
	check "$1 after $ms ms (at most $3) on a machine of $slow % of the usual time" \
		[ "$ms" -le $(($3 * slow / 100)) ]
}

# best_and_combined HOST NAME...: one of them is the best, all others combined.
best_and_combined() {
	local seen
	seen=$(status_value "$1" '[.sources[].mark] | sort | join("")')
	[ "$seen" = "$(printf '*'; for _ in "${@:3}"; do printf '+'; done)" ]
}

# authdata_is HOST NAME 'MODE KEYID TYPE KLEN NAK COOK CLEN'
authdata_is() {
	# The agent saves some cookies on disk; the next poll replaces them.
	wait_for 20 has_authdata "$@"
	same "$1: authdata of $2" "$3" "$(authdata "$1" "$2")"
}

authdata() {
	ctl "$1" -N authdata |
		awk -v n="$2" '$1 == n {print $2, $3, $4, $5, $8, $9, $10}'
}

has_authdata() {
	[ "$(authdata "$1" "$2")" = "$3" ]
}

# at_least NUMBER COMMAND...: the command prints this number or a larger one.
at_least() {
	local n
	n=$("${@:2}") && [ "${n:-0}" -ge "$1" ]
}

# reach_of HOST NAME OCTAL: at least the polls of this mask were answered.
reach_of() {
	local reach
	reach=$(status_value "$1" ".sources[] | select(.name == \"$2\") | .reach")
	[ $((${reach:-0} & 0$3)) -eq $((0$3)) ]
}

all_reached() {
	[ "$(status_value "$1" 'all(.sources[]; .reach == 255)')" = true ]
}

# check_server HOST NAME KIND: the server is used, has answered all polls, and
# gave keys of the best kind.
check_server() {
	local line mark reach aead
	# The last answer may be on its way.
	wait_for 3 reach_of "$1" "$2" 377
	line=$(status_value "$1" ".sources[] | select(.name == \"$2\") |
		[.mark, .reach, .nts.aead, .nts.key_bits, .nts.cookies,
		.nts.cookie_len, .adjusted_offset_ns, .error_ns] | map(tostring) | join(\" \")")
	read -r mark reach aead _ <<<"$line"
	line=$(awk '{printf "%s AEAD %s, %s bits, %s cookies of %s, reach %o, %+.1f us +- %.1f us",
		$1, $3, $4, $5, $6, $2, $7 / 1e3, $8 / 1e3}' <<<"$line")
	line="$("maker_$3"), ${2}: $line"
	if [[ "$mark" == [*+-] ]] && [ "$reach" = 255 ] &&
		[ "$aead" = "$(best_aead "$1" "$3")" ]; then
		pass "$line"
	else
		fail "$line"
		status_value "$1" ".sources[] | select(.name == \"$2\") | .reason"
	fi
}

# best_aead HOST KIND: AES-128-GCM-SIV needs chrony 4.4 and OpenSSL 3.2.
best_aead() {
	if [ "$1 $2" = 'ntpclient chrony46' ]; then echo 30; else echo 15; fi
}
