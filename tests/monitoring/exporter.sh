# shellcheck shell=bash
# An exporter for the agent of client_and_server.sh, which is sourced before.

exporter='' port=''

cleanup_exporter() {
	stop_exporter
	cleanup
}
trap cleanup_exporter EXIT

prepare_exporter() {
	cp "$B/ntsagent-exporter" "$WORK/"
	port=$("$TOP/tests/free_port" tcp)
}

# Listens on the port, makes this socket the descriptor 3, and becomes the
# program: systemd does so.
PASS_SOCKET='import os, socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = "1"
os.execv(sys.argv[2], sys.argv[2:])'

# It listens on $port.
start_exporter() {
	: >"$WORK/exporter.log"
	as_anybody "$WORK/ntsagent-exporter" --socket "$SOCKET" \
		--listen "127.0.0.1:$port" 2>>"$WORK/exporter.log" &
	exporter=$!
}

# The interpreter may lie where only root can read it: it starts as root.
start_exporter_with_a_socket() {
	local become=(env)
	[ "$(id -u)" -ne 0 ] ||
		become=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	: >"$WORK/exporter.log"
	python3 -c "$PASS_SOCKET" "$port" "$(type -P "${become[0]}")" \
		"${become[@]:1}" "$WORK/ntsagent-exporter" \
		--socket "$SOCKET" 2>>"$WORK/exporter.log" &
	exporter=$!
}

stop_exporter() {
	[ -n "$exporter" ] || return 0
	kill "$exporter" 2>/dev/null
	wait "$exporter" 2>/dev/null
	exporter=''
}
