# shellcheck shell=bash
# Scenes of networks that swallow packets or refuse them. To be sourced after
# scenes.sh.

# block HOST RULE: what comes in on the host's interface.
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

# How each server is cut off, and what must be said of it.
BLOCKED="tcp-dropped:31:tcp dport 4460 drop:no answer from .* TCP port 4460 .blocked by a firewall
tcp-refused:32:tcp dport 4460 reject with tcp reset:refused.* nothing listens on TCP port 4460
udp-dropped:33:udp dport 123 drop:UDP port may be blocked by a firewall|let UDP port 123 through
udp-refused:34:udp dport 123 reject:refuses requests: nothing listens on that UDP port"

scene_blocked() {
	local name number rule says names=() since
	echo "-- blocked ports, and open ones again"
	while IFS=: read -r name number rule says; do
		server "$name" "$number" chrony43
		block "$name" "$rule"
		names+=("$name")
	done <<<"$BLOCKED"
	lan_host client 12
	agent_conf client '' "${names[@]}"
	start_agent12 client
	while IFS=: read -r name number rule says; do
		told client "$name" "$says"
	done <<<"$BLOCKED"
	sleep 5
	for name in "${names[@]}"; do
		count_good client "$name"
		unblock "$name"
		since=$(now_us)
		recovers "$name, open again" "$since" 5000 \
			sampled_again client "$name"
	done
	logged client 20 'all of it'
	stop_agent client
}

# dual_server NUMBER COUNT: one server under COUNT names (dual0, dual1, ...),
# each with an address pair of its own, as many servers have.
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
	wait_for 5 listens dual || fail 'dual does not listen'
}

# Packets to the server vanish behind the next hop.
lose_route() {
	in_ns client ip -6 neigh replace fe80::dead dev eth0 \
		lladdr 02:00:00:00:de:ad nud permanent
	in_ns client ip -6 route add "$PREFIX6:0/112" via fe80::dead dev eth0
}

find_route() {
	in_ns client ip -6 route del "$PREFIX6:0/112"
}

swallow_udp() { block dual 'meta nfproto ipv6 udp dport 123 drop'; }
swallow_tcp() { block dual 'meta nfproto ipv6 tcp dport 4460 drop'; }
swallow_both() {
	block dual 'meta nfproto ipv6 meta l4proto { tcp, udp } drop'
}

# How it comes about, how it goes, what it is.
HOLES="swallow_udp:unblock dual:UDP is swallowed
swallow_tcp:unblock dual:TCP is swallowed
swallow_both:unblock dual:TCP and UDP are swallowed
lose_route:find_route:a router swallows all"

# first_samples HOST COUNT WHAT: from the start of the agent to a sample of
# every source.
first_samples() {
	local names=() i since
	for ((i = 0; i < $2; i++)); do names+=("dual$i"); done
	agent_conf "$1" '' "${names[@]}"
	forget "$1"
	since=$(now_us)
	start_agent12 "$1"
	recovers "$3, $2 sources" "$since" 3000 all_sampled "$1"
}

# No word of IPv6 where there is none: nobody has to mend anything.
without_ipv6() {
	first_samples "$1" 2 "$2"
	same "$2: warnings" '' "$(grep -iE "ipv6|$PREFIX6|unreach" "$LAB/$1.log")"
	stop_agent "$1"
}

# The way over IPv6 was good, and is lost.
swallowed_later() {
	local sent
	agent_conf client $'minpoll = 3\nmaxpoll = 3' dual0
	forget client
	start_agent12 client
	within 'a burst of samples' 10 more client dual0 .packets.good 3
	same 'its address' "$PREFIX6:100" "$(fact client dual0 .address)"
	swallow_udp
	sleep 1
	count_good client dual0
	sent=$(fact client dual0 .packets.sent)
	wait_for 40 more client dual0 .packets.sent "$sent"
	recovers 'UDP swallowed later, asked in vain, and a sample' \
		"$(now_us)" 5000 sampled_again client dual0
	same 'its address' "$PREFIX4.100" "$(fact client dual0 .address)"
	unblock dual
	stop_agent client
}

other_family() {
	lan_host ke6 60
	printf '%s:60 ke6\n' "$PREFIX6" >>"$ETCHOSTS"
	printf '%s.60 ntp4\n' "$PREFIX4" >>"$ETCHOSTS"
	server_certificate ke6 --key-of "$CA"
	CHRONY_MORE='ntsntpserver ntp4' start_chrony43 ke6
	wait_for 5 listens ke6
	agent_conf client '' ke6
	start_agent12 client
	within 'keys over IPv6, an NTP server of IPv4' 3 all_sampled client
	same 'its address' "$PREFIX4.60" "$(fact client ke6 .address)"
	stop_agent client
}

scene_blackhole() {
	local begin end what count
	echo "-- IPv6 is a black hole, or is not there"
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
	swallowed_later
	other_family
	lan_host four 13
	in_ns four sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	without_ipv6 four 'IPv6 is switched off'
	lan_host lonely 14
	in_ns lonely ip -6 addr flush dev eth0 scope global
	in_ns lonely ip -6 addr add fd00:dead::1/128 dev eth0 nodad
	without_ipv6 lonely 'an IPv6 address, but no route'
}

# failures COUNT COMMAND...: how often it fails, a second apart.
failures() {
	local i n=0
	for ((i = 0; i < $1; i++)); do
		"${@:2}" || n=$((n + 1))
		sleep 1
	done
	echo "$n"
}

synchronised() {
	[ "$(facts "$1" .clock.synchronised)" = true ]
}

scene_loss() {
	local sent good
	echo "-- three packets in ten are lost, on either way"
	server ntpserver 11 chrony43
	block ntpserver 'numgen random mod 100 < 30 drop'
	lan_host client 12
	block client 'numgen random mod 100 < 30 drop'
	agent_conf client $'minpoll = 2\nmaxpoll = 2' ntpserver
	start_agent12 client
	within 'synchronised' 20 synchronised client
	same 'seconds of 60 without synchronisation' 0 \
		"$(failures 60 synchronised client)"
	sent=$(fact client ntpserver .packets.sent)
	good=$(fact client ntpserver .packets.good)
	check "$good of $sent requests gave a sample" [ "$good" -ge 3 ]
	logged client 18 'all of it'
	stop_agent client
}

scene_offline() {
	local since
	echo "-- the network is gone for 30 s"
	server ntpserver 11 chrony43
	server ntp-other 21 chrony43
	lan_host client 12
	in_ns client ip route add default via "$PREFIX4.1"
	agent_conf client $'minpoll = 4\nmaxpoll = 4' ntpserver ntp-other
	start_agent12 client
	within 'a burst of samples' 10 more client ntp-other .packets.good 3
	log_mark client
	in_ns client ip link set eth0 down
	sleep 30
	count_good client ntpserver
	count_good client ntp-other
	in_ns client ip link set eth0 up
	in_ns client ip route add default via "$PREFIX4.1"
	since=$(now_us)
	recovers 'the route is back, and a sample' "$since" 5000 \
		sampled_again client ntpserver
	recovers 'and one of the other server' "$since" 5000 \
		sampled_again client ntp-other
	logged client 10 'all of it'
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

# As by a second uplink: the old address is still there.
rerouted() {
	in_ns "$1" ip addr add "$PREFIX4.114/32" dev eth0
	in_ns "$1" ip route add "$PREFIX4.11/32" dev eth0 src "$PREFIX4.114"
}

replugged() {
	in_ns "$1" ip link set eth0 down
	sleep 2
	in_ns "$1" ip link set eth0 up
}

# Each to a machine of its own: a second change soon after a first one is no
# reason for a second request. Number, what happens, by which name, what it is.
MOVES="12:renumbered4:ntpserver:another IPv4 address
13:renumbered6:ntpserver-ipv6:another IPv6 address
14:rerouted:ntpserver:another route
15:replugged:ntpserver:the cable out for 2 s"

# Four requests of the burst, and five that come 2 to 32 s after each other: the
# next one is 64 s away.
BEFORE_64S=9

# wakeups HOST: of all processes of its agent so far.
wakeups() {
	local pid
	for pid in "${PIDS[$1]}" $(pgrep -P "${PIDS[$1]}"); do
		cat "/proc/$pid/status"
	done | awk '$1 == "voluntary_ctxt_switches:" {n += $2} END {print n}'
}

# idle HOST NAME: in the 32 s after the eighth sample nothing is to be done, but
# to end what the sample began, as saving its cookies: who looks at something now
# and then wakes up more often.
idle() {
	local before woke
	wait_for 60 more "$1" "$2" .packets.good $((BEFORE_64S - 2))
	sleep 1
	before=$(wakeups "$1")
	sleep 16
	woke=$(($(wakeups "$1") - before))
	check "wake-ups of the idle agent in 16 s: $woke (at most 2)" [ "$woke" -le 2 ]
}

scene_moves() {
	local number change name what since
	echo "-- the network changes right after a poll, and the next is 64 s away"
	server ntpserver 11 chrony43
	while IFS=: read -r number change name what; do
		lan_host "$change" "$number"
		agent_conf "$change" $'minpoll = 6\nmaxpoll = 6' "$name"
		start_agent12 "$change"
	done <<<"$MOVES"
	idle renumbered4 ntpserver
	while IFS=: read -r number change name what; do
		within "$what: polls every 64 s" 90 \
			more "$change" "$name" .packets.good $((BEFORE_64S - 1))
		count_good "$change" "$name"
		"$change" "$change"
		since=$(now_us)
		recovers "$what, and a sample" "$since" 5000 \
			sampled_again "$change" "$name"
	done <<<"$MOVES"
	for change in renumbered4 renumbered6 rerouted replugged; do
		stop_agent "$change"
	done
}
