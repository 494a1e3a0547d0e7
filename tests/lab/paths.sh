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
udp-dropped:33:udp dport 123 drop:its UDP port may be blocked by a firewall
udp-refused:34:udp dport 123 reject:cannot send to .*:123. Connection refused|may be blocked"

scene_blocked() {
	local entry name number rule says names=() since
	echo "-- blocked ports, and open ones again"
	while IFS=: read -r name number rule says; do
		server "$name" "$number" chrony43
		block "$name" "$rule"
		names+=("$name")
	done <<<"$BLOCKED"
	lan_host client 12
	agent_conf client '' "${names[@]}"
	start_agent12 client
	LOG_MARK=0
	while IFS=: read -r name number rule says; do
		told client "$name" "$says"
	done <<<"$BLOCKED"
	sleep 5
	for name in "${names[@]}"; do
		unblock "$name"
		since=$(now_us)
		GOOD[$name]=0
		recovers "$name, open again" "$since" 5000 \
			sampled_again client "$name"
	done
	logged client 20 'all of it'
	stop_agent client
}
