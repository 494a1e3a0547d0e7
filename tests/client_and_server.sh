# shellcheck shell=bash
# One test server and one agent on the loopback: no root, no change of the
# clock. To be sourced after report.sh, with TOP and B set.

WORK=$(mktemp -d) || exit 2
SOCKET=$WORK/run/status.sock
server='' agent=''

cleanup() {
	kill_agent
	stop_server
	rm -rf "$WORK"
}
trap cleanup EXIT

# The programs run as another user, who may not read the build folder: they are
# copied.
prepare() {
	chmod 755 "$WORK"
	mkdir -m 777 "$WORK/run"
	cp "$B/ntsagentd" "$B/ntsctl" "$B/ntsctl-tools" "$B/tests/server/ntsserver" \
		"$WORK/"
	"$TOP/tests/pki" "$WORK/pki" localhost,127.0.0.1,::1 || exit 2
	chmod 755 "$WORK/pki"
	chmod 644 "$WORK/pki/rootca.crt" "$WORK/pki/fullchain.crt" \
		"$WORK/pki/server.key"
}

# start_server OPTION...: starts the test server on free ports; sets ke_port.
start_server() {
	: >"$WORK/server.log"
	as_anybody "$WORK/ntsserver" --cert "$WORK/pki/fullchain.crt" \
		--key "$WORK/pki/server.key" "$@" >>"$WORK/server.log" 2>&1 &
	server=$!
	wait_for 5 grep -q '^ready ' "$WORK/server.log" || fail "the test server starts"
	ke_port=$(sed -n 's/^ready ke=\([0-9]*\).*/\1/p' "$WORK/server.log")
}

stop_server() {
	[ -n "$server" ] || return 0
	kill "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	server=''
}

# configure HOST SAVED-KEYS
configure() {
	cat >"$WORK/agent.conf" <<-EOF_CONF
		[agent]
		status-socket = $SOCKET
		[nts]
		system-certs = no
		trusted-certs = $WORK/pki/rootca.crt
		saved-keys = $2
		[clock]
		driftfile = none
		last-good-time = none
		[source here]
		host = $1
		ntsport = $ke_port
		minpoll = 0
		maxpoll = 0
	EOF_CONF
}

# The agent has a session of its own, so that one signal reaches all processes.
start_agent() {
	: >"$WORK/agent.log"
	as_anybody setsid "$WORK/ntsagentd" -f "$WORK/agent.conf" --foreground \
		--no-clock >>"$WORK/agent.log" 2>&1 &
	agent=$!
}

stop_agent() {
	local status
	kill "$agent" 2>/dev/null
	wait "$agent"
	status=$?
	agent=''
	same "exit status after SIGTERM" 0 "$status"
}

kill_agent() {
	[ -n "$agent" ] || return 0
	kill -9 -- "-$agent" 2>/dev/null
	wait "$agent" 2>/dev/null
	agent=''
}

ctl() {
	"$WORK/ntsctl" -s "$SOCKET" "$@"
}

selected() {
	ctl sources 2>/dev/null | grep -q '^\^\* '
}

# logged PATTERN: a line of the agent's log matches (grep).
logged() {
	grep -q -- "$1" "$WORK/agent.log"
}

# finish NAME: prints the result, and the logs if a check failed. It must be the
# last command of a test.
finish() {
	echo "$1: $(report)"
	# shellcheck disable=SC2154 # report.sh sets it
	[ "$failed" -eq 0 ] || tail -n 40 "$WORK"/*.log
	[ "$failed" -eq 0 ]
}
