# shellcheck shell=bash
# The agent on a host of the lab: its configuration, its life, and what it
# says through ntsctl. To be sourced after net.sh.

# agent_conf HOST EXTRA NAME...: one source per name; EXTRA goes into each.
# The root certificate is the document's, readable by the agent's group.
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

# forget HOST: no keys of an earlier run.
forget() {
	rm -rf "${LAB:?}/$1/lib/ntsagent"
}

# A stopped agent leaves in order.
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

# facts HOST FILTER: what jq finds in the status.
facts() {
	ctl "$1" --json status 2>/dev/null | jq -r "$2" 2>/dev/null
}

sampled() {
	[ "$(facts "$1" 'any(.sources[]; .samples > 0)')" = true ]
}

# Measuring only, the agent still decides what it would do to the clock.
decided() {
	[ "$(facts "$1" '.clock.combined > 0 and (.clock.last_offset_ns // 0) != 0')" = true ]
}

# took WHAT STARTED_US LIMIT_MS
took() {
	local ms=$(((${EPOCHREALTIME/./} - $2) / 1000))
	if [ "$ms" -le "$3" ]; then
		pass "$1 after $ms ms (at most $3)"
	else
		fail "$1 after $ms ms (at most $3)"
	fi
}

# marks HOST NAME...: one of them is the best, all others combined.
marks() {
	local seen
	seen=$(facts "$1" '[.sources[].mark] | sort | join("")')
	[ "$seen" = "$(printf '*'; for _ in "${@:3}"; do printf '+'; done)" ]
}

# authdata_is HOST NAME 'MODE KEYID TYPE KLEN NAK COOK CLEN'
authdata_is() {
	# Some cookies are put on disk, and the next poll fills the jar again.
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

at_least() {
	local n
	n=$("${@:2}") && [ "${n:-0}" -ge "$1" ]
}

# reach_of HOST NAME OCTAL: at least these polls were answered, in a row.
reach_of() {
	local reach
	reach=$(facts "$1" ".sources[] | select(.name == \"$2\") | .reach")
	[ $((${reach:-0} & 0$3)) -eq $((0$3)) ]
}

all_reached() {
	[ "$(facts "$1" 'all(.sources[]; .reach == 255)')" = true ]
}

# server_line HOST NAME KIND: one line per server and family, judged.
server_line() {
	local line mark reach aead
	line=$(facts "$1" ".sources[] | select(.name == \"$2\") |
		[.mark, .reach, .nts.aead, .nts.key_bits, .nts.cookies,
		.nts.cookie_len, .offset_ns, .error_ns] | map(tostring) | join(\" \")")
	read -r mark reach aead _ <<<"$line"
	line=$(awk '{printf "%s AEAD %s, %s bits, %s cookies of %s, reach %o, %+.1f us +- %.1f us",
		$1, $3, $4, $5, $6, $2, $7 / 1e3, $8 / 1e3}' <<<"$line")
	line="$("maker_$3"), ${2}: $line"
	# Good company: never rejected, all answered, keys of the best kind.
	if [[ "$mark" == [*+-] ]] && [ "$reach" = 255 ] &&
		[ "$aead" = "$(best_aead "$1" "$3")" ]; then
		pass "$line"
	else
		fail "$line"
		facts "$1" ".sources[] | select(.name == \"$2\") | .reason"
	fi
}

# Only chrony 4.4 and later and OpenSSL 3.2 and later know AES-128-GCM-SIV.
best_aead() {
	if [ "$1 $2" = 'ntpclient chrony46' ]; then echo 30; else echo 15; fi
}
