# shellcheck shell=bash
# Scenes with networks that lose or refuse packets. To be sourced after
# scenes.sh.

# block HOST RULE: adds a rule for the packets that the host receives.
block() {
	in_ns "$1" nft -f - <<-EOF
		table inet lab {
			chain in {
				type filter hook input priority 0
				$2
			}
		}
	EOF
}

unblock() {
	in_ns "$1" nft delete table inet lab
}

# Name and number of a server, how it is blocked, and what the agent must say.
BLOCKED="tcp-dropped:31:tcp dport 4460 drop:no answer from .* TCP port 4460 .blocked by a firewall
tcp-refused:32:tcp dport 4460 reject with tcp reset:refused.* nothing listens on TCP port 4460
udp-dropped:33:udp dport 123 drop:UDP port may be blocked by a firewall|let UDP port 123 through
udp-refused:34:udp dport 123 reject:refuses requests: nothing listens on that UDP port"

scene_blocked() {
	local name number rule says names=() since
	echo "-- ports are blocked, and open again"
	while IFS=: read -r name number rule says; do
		server "$name" "$number" chrony43
		block "$name" "$rule"
		names+=("$name")
	done <<<"$BLOCKED"
	lan_host client 12
	agent_conf client '' "${names[@]}"
	start_agent12 client
	while IFS=: read -r name number rule says; do
		explained client "$name" "$says"
	done <<<"$BLOCKED"
	trouble_lasts 5
	for name in "${names[@]}"; do
		count_good client "$name"
		unblock "$name"
		since=$(now_us)
		recovers "$name: a sample after the port is open" "$since" 5000 \
			sampled_again client "$name"
	done
	log_lines client 20 'four blocked servers'
	stop_agent client
}

# dual_server NUMBER COUNT: one host with COUNT names (dual0, dual1, ...), each
# with an IPv4 and an IPv6 address of its own: it plays COUNT servers.
dual_server() {
	local i more=
	lan_host dual "$1"
	for ((i = 0; i < $2; i++)); do
		more+=,dual$i
		in_ns dual ip addr add "$PREFIX4.$((100 + i))/24" dev eth0
		in_ns dual ip addr add "$PREFIX6:$((100 + i))/64" dev eth0 nodad
		printf '%s dual%d\n' "$PREFIX6:$((100 + i))" "$i" \
			"$PREFIX4.$((100 + i))" "$i" >>"$ETCHOSTS"
	done
	MORE_NAMES=$more server_certificate dual --key-of "$CA"
	start_chrony43 dual
	listens_soon dual
}

# A router that drops all packets to the server.
break_route() {
	in_ns client ip -6 neigh replace fe80::dead dev eth0 \
		lladdr 02:00:00:00:de:ad nud permanent
	in_ns client ip -6 route add "$PREFIX6:0/112" via fe80::dead dev eth0
}

repair_route() {
	in_ns client ip -6 route del "$PREFIX6:0/112"
}

drop_udp() { block dual 'meta nfproto ipv6 udp dport 123 drop'; }
drop_tcp() { block dual 'meta nfproto ipv6 tcp dport 4460 drop'; }
drop_both() {
	block dual 'meta nfproto ipv6 meta l4proto { tcp, udp } drop'
}

# How a black hole begins and ends, and what it is.
HOLES="drop_udp:unblock dual:UDP is dropped
drop_tcp:unblock dual:TCP is dropped
drop_both:unblock dual:TCP and UDP are dropped
break_route:repair_route:a router drops everything"

# first_samples HOST COUNT WHAT: the time from the start of the agent to a
# sample from every source.
first_samples() {
	local names=() i since
	for ((i = 0; i < $2; i++)); do names+=("dual$i"); done
	agent_conf "$1" '' "${names[@]}"
	delete_saved_keys "$1"
	since=$(now_us)
	start_agent12 "$1"
	recovers "$3, $2 sources" "$since" 3000 all_sampled "$1"
}

# without_ipv6 HOST WHAT: the agent does not warn about IPv6 where the host has
# none: there is nothing to fix.
without_ipv6() {
	first_samples "$1" 2 "$2"
	same "$2: warnings" '' "$(grep -iE "ipv6|$PREFIX6|unreach" "$LAB/$1.log")"
	stop_agent "$1"
}

# The path over IPv6 works at first. A request that was sent before the block is
# answered long before the samples are counted.
dropped_later() {
	local sent
	delete_saved_keys client
	start_sampling client $'minpoll = 3\nmaxpoll = 3' dual0
	same 'its address' "$PREFIX6:100" "$(source_value client dual0 .address)"
	drop_udp
	count_good client dual0
	sent=$(source_value client dual0 .packets.sent)
	wait_for 40 above client dual0 .packets.sent "$sent"
	recovers 'UDP is dropped later: from a lost request to a sample' \
		"$(now_us)" 5000 sampled_again client dual0
	same 'its address' "$PREFIX4.100" "$(source_value client dual0 .address)"
	unblock dual
	stop_agent client
}

other_family() {
	lan_host ke6 60
	printf '%s:60 ke6\n' "$PREFIX6" >>"$ETCHOSTS"
	printf '%s.60 ntp4\n' "$PREFIX4" >>"$ETCHOSTS"
	server_certificate ke6 --key-of "$CA"
	CHRONY_MORE='ntsntpserver ntp4' start_chrony43 ke6
	listens_soon ke6
	agent_conf client '' ke6
	start_agent12 client
	within 'keys over IPv6, NTP over IPv4' 3 all_sampled client
	same 'its address' "$PREFIX4.60" "$(source_value client ke6 .address)"
	stop_agent client
}

scene_blackhole() {
	local begin end what count
	echo "-- IPv6 is a black hole, or the host has none"
	dual_server 11 10
	lan_host client 12
	while IFS=: read -r begin end what; do
		"$begin"
		for count in 1 4 10; do
			first_samples client "$count" "IPv6: $what"
			stop client
		done
		$end
	done <<<"$HOLES"
	dropped_later
	other_family
	lan_host four 13
	in_ns four sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	without_ipv6 four 'IPv6 is switched off'
	lan_host lonely 14
	in_ns lonely ip -6 addr flush dev eth0 scope global
	in_ns lonely ip -6 addr add fd00:dead::1/128 dev eth0 nodad
	without_ipv6 lonely 'an IPv6 address, but no route'
}

# count_failures COUNT COMMAND...: how often the command fails in COUNT runs,
# one each second.
count_failures() {
	local i n=0
	for ((i = 0; i < $1; i++)); do
		"${@:2}" || n=$((n + 1))
		sleep 1
	done
	echo "$n"
}

synchronised() {
	[ "$(status_value "$1" .clock.synchronised)" = true ]
}

scene_loss() {
	local sent good
	echo "-- three of ten packets are lost, in both directions"
	server ntpserver 11 chrony43
	block ntpserver 'numgen random mod 100 < 30 drop'
	lan_host client 12
	block client 'numgen random mod 100 < 30 drop'
	agent_conf client $'minpoll = 2\nmaxpoll = 2' ntpserver
	start_agent12 client
	within 'synchronised' 60 synchronised client
	same 'seconds of 60 without synchronisation' 0 \
		"$(count_failures 60 synchronised client)"
	sent=$(source_value client ntpserver .packets.sent)
	good=$(source_value client ntpserver .packets.good)
	check "$good of $sent requests gave a sample" [ "$good" -ge 3 ]
	log_lines client 18 'a minute of loss'
	stop_agent client
}

scene_offline() {
	local since
	echo "-- the network is down for 30 s"
	server ntpserver 11 chrony43
	server ntp-other 21 chrony43
	lan_host client 12
	in_ns client ip route add default via "$PREFIX4.1"
	start_sampling client $'minpoll = 4\nmaxpoll = 4' ntpserver ntp-other
	log_mark client
	in_ns client ip link set eth0 down
	trouble_lasts 30
	count_good client ntpserver
	count_good client ntp-other
	in_ns client ip link set eth0 up
	in_ns client ip route add default via "$PREFIX4.1"
	since=$(now_us)
	recovers 'a sample after the route is back' "$since" 5000 \
		sampled_again client ntpserver
	recovers 'and one from the other server' "$since" 5000 \
		sampled_again client ntp-other
	log_lines client 10 'the outage'
	stop_agent client
}

renumbered4() {
	in_ns "$1" ip addr del "$PREFIX4.12/24" dev eth0
	in_ns "$1" ip addr add "$PREFIX4.112/24" dev eth0
}

renumbered6() {
	in_ns "$1" ip -6 addr del "$PREFIX6:13/64" dev eth0
	in_ns "$1" ip -6 addr add "$PREFIX6:113/64" dev eth0 nodad
}

# A second uplink: the old address stays.
rerouted() {
	in_ns "$1" ip addr add "$PREFIX4.114/32" dev eth0
	in_ns "$1" ip route add "$PREFIX4.11/32" dev eth0 src "$PREFIX4.114"
}

replugged() {
	in_ns "$1" ip link set eth0 down
	trouble_lasts 2
	in_ns "$1" ip link set eth0 up
}

# Number and change of a host, the server's name, and what the change is. Each
# host has one change: the agent does not ask again for a second one soon after
# it.
MOVES="12:renumbered4:ntpserver:another IPv4 address
13:renumbered6:ntpserver-ipv6:another IPv6 address
14:rerouted:ntpserver:another route
15:replugged:ntpserver:the cable out for 2 s"

# Four requests of the burst, and eight more at intervals that grow from 0.5 to
# 32 s, which comes twice: the next one comes after 64 s.
BEFORE_64S=12

# wakeups HOST: how often the processes of its agent have woken up so far.
wakeups() {
	local pid
	for pid in "${PIDS[$1]}" $(pgrep -P "${PIDS[$1]}"); do
		cat "/proc/$pid/status"
	done | awk '$1 == "voluntary_ctxt_switches:" {n += $2} END {print n}'
}

# at_rest HOST: no process of the agent wakes up for half a second.
at_rest() {
	local before
	before=$(wakeups "$1")
	sleep 0.5
	[ "$(wakeups "$1")" -eq "$before" ]
}

# idle HOST NAME: the agent sleeps in the 32 s after the tenth sample, as soon
# as the sample's work is done, such as saving its cookies. A process that polls
# something wakes up more often.
idle() {
	local before woke
	wait_for 60 above "$1" "$2" .packets.good $((BEFORE_64S - 3))
	wait_for 10 at_rest "$1"
	before=$(wakeups "$1")
	sleep 16
	woke=$(($(wakeups "$1") - before))
	check "wake-ups of the idle agent in 16 s: $woke (at most 2)" [ "$woke" -le 2 ]
}

scene_moves() {
	local number change name what since
	echo "-- the network changes right after a poll, 64 s before the next one"
	server ntpserver 11 chrony43
	while IFS=: read -r number change name what; do
		lan_host "$change" "$number"
		agent_conf "$change" $'minpoll = 6\nmaxpoll = 6' "$name"
		start_agent12 "$change"
	done <<<"$MOVES"
	idle renumbered4 ntpserver
	while IFS=: read -r number change name what; do
		within "$what: polls every 64 s" 120 \
			above "$change" "$name" .packets.good $((BEFORE_64S - 1))
		count_good "$change" "$name"
		"$change" "$change"
		since=$(now_us)
		recovers "$what: a sample after it" "$since" 5000 \
			sampled_again "$change" "$name"
	done <<<"$MOVES"
	for change in renumbered4 renumbered6 rerouted replugged; do
		stop_agent "$change"
	done
}
