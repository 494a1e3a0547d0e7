# shellcheck shell=bash
# Scenes of a host whose requests must leave from one address, by one device,
# from one port or with one DSCP. To be sourced after paths.sh.

# drops_if MATCH: the server drops all requests for keys and for time that
# match.
drops_if() {
	block ntpserver "tcp dport 4460 $1 drop
		udp dport 123 $1 drop"
}

# start_fresh EXTRA NAME...: the client starts without keys, with these sources.
start_fresh() {
	delete_saved_keys client
	agent_conf client "$@"
	start_agent12 client
}

# leaves WHAT EXTRA MATCH [NAME]: a source with EXTRA gets keys and time although
# the server drops what matches, and a source without EXTRA does not.
leaves() {
	local name=${4:-ntpserver}
	drops_if "$3"
	start_fresh $'minpoll = 0\nmaxpoll = 0\n'"$2" "$name"
	within "$1: keys and time" 10 all_sampled client
	stop_agent client
	start_fresh '' "$name"
	explained client "$name" 'no answer from'
	stop_agent client
	unblock ntpserver
}

# The firewall sees the port of the requests for time alone.
leaves_from_port() {
	block ntpserver "udp dport 123 udp sport != $1 drop"
	start_fresh $'minpoll = 0\nmaxpoll = 0\nsource-port = '"$1" \
		ntpserver ntpserver-ipv6
	within "source-port = $1: two sources share it" 10 all_sampled client
	stop_agent client
	unblock ntpserver
}

# cannot_bind EXTRA SAYS COMMAND...: the source says what is wrong, in the log
# and in ntsctl, and works again when the command has put it right.
cannot_bind() {
	local since
	start_fresh $'minpoll = 0\nmaxpoll = 0\n'"$1" ntpserver
	explained client ntpserver "$2"
	says "$1: what to do" 'To do: compare bind-address' "$(ctl client status)"
	says "$1: the check" "$2; the source is not used until" "$(check_config)"
	count_good client ntpserver
	"${@:3}"
	since=$(now_us)
	recovers "$1: a sample when it is right" "$since" 5000 \
		sampled_again client ntpserver
}

check_config() {
	(on client "$B/ntsagentd" -f /etc/ntsagent/ntsagent.conf --check-config) 2>&1
}

add_address() {
	in_ns client ip addr add "$PREFIX4.113/24" dev eth0
}

# A second way to the LAN, with an address of its own, which the routes do not
# take.
add_device() {
	ip link add eth1 netns "$(ns client)" type veth \
		peer name p99 netns "$(ns lan)"
	ip -n "$(ns lan)" link set p99 master br0 up
	in_ns client sysctl -qw net.ipv4.conf.eth1.arp_ignore=1 \
		net.ipv4.conf.eth1.rp_filter=0
	in_ns client ip addr add "$PREFIX4.99/24" dev eth1 metric 999
	in_ns client ip -6 addr add "$PREFIX6:99/64" dev eth1 metric 999 nodad
	in_ns client ip link set eth1 up
}

remove_device() {
	in_ns client ip link del eth1
}

# The device goes away while it is used.
device_returns() {
	local since
	remove_device
	explained client ntpserver 'bind-device = eth1: this host does not have this device'
	count_good client ntpserver
	add_device
	since=$(now_us)
	recovers 'bind-device = eth1: a sample when it is back' "$since" 5000 \
		sampled_again client ntpserver
	stop_agent client
}

# Another program has the port. Does not return.
hold_port() {
	exec ip netns exec "$(ns client)" python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", int(sys.argv[1])))
time.sleep(600)' "$1"
}

free_port() {
	stop holder
}

leaves_by_vrf() {
	if ! in_ns client ip link add blue type vrf table 10 2>/dev/null; then
		skip 'bind-device with a VRF: this kernel has no VRF'
		return
	fi
	in_ns client ip link set blue up
	in_ns client ip link set eth1 master blue
	leaves 'bind-device = blue, a VRF' 'bind-device = blue' \
		"ip saddr != $PREFIX4.99"
}

# A reload cannot widen a sandbox.
reload_needs_a_restart() {
	start_fresh '' ntpserver
	within 'a source that is not bound' 10 all_sampled client
	agent_conf client 'dscp = 46' ntpserver
	kill -HUP "${PIDS[client]}"
	within 'a reload with dscp is refused' 5 grep -q \
		'dscp was not configured at the start.*needs a restart' "$LAB/client.log"
	count_good client ntpserver
	within 'the source goes on' 20 sampled_again client ntpserver
	stop_agent client
}

scene_bound() {
	echo "-- requests leave as they are bound"
	server ntpserver 11 chrony43
	lan_host client 12
	in_ns client sysctl -qw net.ipv4.conf.all.arp_ignore=1 \
		net.ipv4.conf.all.rp_filter=0
	in_ns client ip addr add "$PREFIX4.112/24" dev eth0
	in_ns client ip -6 addr add "$PREFIX6:112/64" dev eth0 nodad preferred_lft 0
	leaves 'bind-address, IPv4' "bind-address = $PREFIX4.112 $PREFIX6:112" \
		"ip saddr != $PREFIX4.112"
	leaves 'bind-address, IPv6' "bind-address = $PREFIX4.112 $PREFIX6:112" \
		"ip6 saddr != $PREFIX6:112" ntpserver-ipv6
	leaves 'dscp, IPv4' 'dscp = 46' 'ip dscp != 46'
	leaves 'dscp, IPv6' 'dscp = 46' 'ip6 dscp != 46' ntpserver-ipv6
	leaves_from_port 1123
	cannot_bind "bind-address = $PREFIX4.113" \
		"bind-address = $PREFIX4.113: this host does not have this address" \
		add_address
	stop_agent client
	start holder hold_port 1123
	cannot_bind 'source-port = 1123' \
		'source-port = 1123: another program uses this UDP port' free_port
	stop_agent client
	cannot_bind 'bind-device = eth1' \
		'bind-device = eth1: this host does not have this device' add_device
	device_returns
	leaves 'bind-device' 'bind-device = eth1' "ip saddr != $PREFIX4.99"
	in_ns client sysctl -qw net.ipv4.ip_unprivileged_port_start=123
	leaves_from_port 123
	leaves_by_vrf
	reload_needs_a_restart
}
