# shellcheck shell=bash
# Scenes of keys and certificates that change while the agent runs. To be
# sourced after scenes.sh.

# The server forgets a key after at most twelve seconds, and the agent comes every
# sixteen, and later after a request out of turn: each poll meets a NAK.
scene_rotation() {
	local n nak lost
	echo "-- keys rotate on the server, and every poll meets a NAK"
	CHRONY_MORE='ntsrotate 4' server ntpserver 11 chrony46
	lan_host client 12
	agent_conf client $'minpoll = 4\nmaxpoll = 4' ntpserver
	start_agent12 client
	within 'a burst of samples' 10 more client ntpserver .packets.good 3
	log_mark client
	for n in 0 1; do
		wait_for 45 more client ntpserver .nts.naks "$n" ||
			fail 'the server sent no NAK'
		count_good client ntpserver
		recovers "NAK $((n + 1)), next sample" "$(now_us)" 5000 \
			sampled_again client ntpserver
	done
	nak=$(fact client ntpserver .nts.naks)
	lost=$(fact client ntpserver .packets.lost)
	same 'samples lost in so many NAKs' "$nak" "$lost"
	same 'key exchanges' $((nak + 1)) "$(fact client ntpserver .nts.exchanges)"
	same 'failed key exchanges' 0 "$(fact client ntpserver .nts.attempts)"
	logged client $((3 * nak)) 'a NAK, keys, and time again'
	stop_agent client
}

# restart SERVER KIND: its keys are lost.
restart() {
	stop "$1"
	find "$LAB/$1/run" -type f -delete
	"start_$2" "$1"
	wait_for 10 listens "$1"
}

RESTARTED="ntpserver:11:chrony46 ntp-ntpsec12:22:ntpsec12
	ntp-ntpsec13:23:ntpsec13 ntp-ntpdrs:24:ntpdrs"

# From the first request to the first sample after it, for each source; looked
# at ten times a second.
time_recoveries() {
	local host=$1 end=$((SECONDS + 120)) left=$# name sent good
	declare -A sent0=() good0=() asked=()
	while [ "$left" -gt 1 ] && [ "$SECONDS" -lt "$end" ]; do
		while read -r name sent good; do
			: "${sent0[$name]=$sent}" "${good0[$name]=$good}"
			if [ "$sent" -gt "${sent0[$name]}" ]; then
				: "${asked[$name]=$(now_us)}"
			fi
			[ "$good" -gt "${good0[$name]}" ] || continue
			[ "${good0[$name]}" -ge 0 ] || continue
			took "$name restarted, asked, and a sample" \
				"${asked[$name]}" 5000
			good0[$name]=1000000 left=$((left - 1))
		done < <(facts "$host" \
			'.sources[] | "\(.name) \(.packets.sent) \(.packets.good)"')
		sleep 0.1
	done
	same 'servers that came back' $(($# - 1)) $(($# - left))
}

scene_restart() {
	local entry name number kind names=()
	echo "-- servers restart without their keys, poll 6"
	for entry in $RESTARTED; do
		IFS=: read -r name number kind <<<"$entry"
		server "$name" "$number" "$kind"
		names+=("$name")
	done
	lan_host client 12
	agent_conf client $'minpoll = 6\nmaxpoll = 6' "${names[@]}"
	start_agent12 client
	for name in "${names[@]}"; do
		within "$name: a burst, and some samples until poll 6" 90 \
			more client "$name" .packets.good 8
	done
	log_mark client
	for entry in $RESTARTED; do
		IFS=: read -r name number kind <<<"$entry"
		restart "$name" "$kind"
	done
	time_recoveries client "${names[@]}"
	logged client $((4 * ${#names[@]})) 'all of it'
	stop_agent client
}

# A server with another certificate; its keys are lost, so that all must come.
recertify() {
	stop ntpserver
	find "$LAB/ntpserver/run" -type f -delete
	server_certificate ntpserver "$@"
	start_chrony43 ntpserver
	wait_for 5 listens ntpserver
}

scene_expiry() {
	local renewed
	echo "-- a certificate expires while the agent runs, and is renewed"
	server ntpserver 11 chrony43
	lan_host client 12
	agent_conf client $'minpoll = 4\nmaxpoll = 4' ntpserver
	start_agent12 client
	within 'a burst of samples' 10 more client ntpserver .packets.good 3
	log_mark client
	recertify --key-of "$CA" --valid -30,-1
	told client ntpserver 'has expired.*valid from .* to .*renew'
	sleep 10
	count_good client ntpserver
	recertify --key-of "$CA"
	renewed=$(now_us)
	recovers 'renewed, and a sample' "$renewed" 5000 \
		sampled_again client ntpserver
	logged client 8 'all of it'
	stop_agent client
}

# What the client trusts: a file that takes the place of another, as tools that
# manage such files do it.
trust() {
	local pki=$LAB/client/etc/pki
	cat "$@" >"$pki/new"
	chmod 644 "$pki/new"
	mv "$pki/new" "$pki/rootca.crt"
}

scene_ca() {
	local ca2=$LAB/ca2
	echo "-- another CA: the trusted file follows, and an old CA is removed"
	"$TOP/tests/pki" "$ca2" ca || die "the other CA could not be made"
	server ntpserver 11 chrony43
	server ntp-old 21 chrony43
	lan_host client 12
	agent_conf client $'minpoll = 3\nmaxpoll = 3' ntpserver ntp-old
	start_agent12 client
	within 'a burst of samples' 10 more client ntpserver .packets.good 3
	recertify --key-of "$ca2"
	told client ntpserver 'was not signed by the trusted .*but by another key'
	count_good client ntpserver
	trust "$ca2/rootca.crt"
	recovers 'the new root trusted, and a sample' "$(now_us)" 5000 \
		sampled_again client ntpserver
	restart ntp-old chrony43
	told client ntp-old 'was not signed by the trusted .*but by another key'
	count_good client ntp-old
	trust "$CA/rootca.crt" "$ca2/rootca.crt"
	recovers 'the old root trusted again, and a sample' "$(now_us)" 5000 \
		sampled_again client ntp-old
	stop_agent client
}

connections() {
	serverstat ntpserver 'NTS-KE connections accepted'
}

saved() {
	find "$LAB/$1/lib/ntsagent" -type f -name '*keys*' | grep -q .
}

# The dead agent's engine may still be there to say so of itself.
synchronised_anew() {
	[ "$(facts "$1" ".pid != $2 and .clock.synchronised")" = true ]
}

scene_crash() {
	local before since pid
	echo "-- kill -9, and a new start with the keys that were saved"
	server ntpserver 11 chrony46
	lan_host client 12
	agent_conf client '' ntpserver ntpserver-ipv6
	start_agent12 client
	within 'a burst of samples' 10 more client ntpserver-ipv6 .packets.good 3
	within 'keys are saved' 30 saved client
	before=$(connections)
	pid=$(facts client .pid)
	kill -9 "${PIDS[client]}"
	wait "${PIDS[client]}" 2>/dev/null
	since=$(now_us)
	start_agent12 client
	recovers 'started again, and synchronised' "$since" 3000 \
		synchronised_anew client "$pid"
	same 'key exchanges that the server has counted' "$before" "$(connections)"
	stop_agent client
}
