# shellcheck shell=bash
# Scenes in which keys and certificates change while the agent runs. To be
# sourced after scenes.sh.

# The server deletes a key after at most twelve seconds, and the agent polls
# every sixteen: the answer to each poll is a NAK.
scene_rotation() {
	local n nak lost
	echo "-- the server changes its keys so often that every poll gets a NAK"
	CHRONY_MORE='ntsrotate 4' server ntpserver 11 chrony46
	lan_host client 12
	start_sampling client $'minpoll = 4\nmaxpoll = 4' ntpserver
	log_mark client
	for n in 0 1; do
		wait_for 45 above client ntpserver .nts.naks "$n" ||
			fail 'the server sent no NAK'
		count_good client ntpserver
		recovers "NAK $((n + 1)), next sample" "$(now_us)" 5000 \
			sampled_again client ntpserver
	done
	nak=$(source_value client ntpserver .nts.naks)
	lost=$(source_value client ntpserver .packets.lost)
	same 'one lost sample for each NAK' "$nak" "$lost"
	same 'key exchanges' $((nak + 1)) "$(source_value client ntpserver .nts.exchanges)"
	same 'failed key exchanges' 0 "$(source_value client ntpserver .nts.attempts)"
	log_lines client $((3 * nak)) 'NAKs, new keys and samples'
	stop_agent client
}

# restart SERVER KIND: restarts a server, which loses its keys.
restart() {
	stop "$1"
	find "$LAB/$1/run" -type f -delete
	"start_$2" "$1"
	listens_soon "$1"
}

RESTARTED="ntpserver:11:chrony46 ntp-ntpsec12:22:ntpsec12
	ntp-ntpsec13:23:ntpsec13 ntp-ntpdrs:24:ntpdrs"

# time_recoveries HOST SOURCE...: checks the time from the first request after
# the restart to the first sample, for each source. Looks ten times a second.
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
			check_time "$name restarted: from a request to a sample" \
				"${asked[$name]}" 5000
			good0[$name]=1000000 left=$((left - 1))
		done < <(status_value "$host" \
			'.sources[] | "\(.name) \(.packets.sent) \(.packets.good)"')
		sleep 0.1
	done
	same 'servers that recovered' $(($# - 1)) $(($# - left))
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
		within "$name: more samples than the first burst" 90 \
			above client "$name" .packets.good 8
	done
	log_mark client
	for entry in $RESTARTED; do
		IFS=: read -r name number kind <<<"$entry"
		restart "$name" "$kind"
	done
	time_recoveries client "${names[@]}"
	log_lines client $((4 * ${#names[@]})) 'all restarts'
	stop_agent client
}

# restart_with_certificate PKI-OPTION...: gives the server a new certificate. It
# loses its keys, so that the agent must fetch new ones.
restart_with_certificate() {
	stop ntpserver
	find "$LAB/ntpserver/run" -type f -delete
	server_certificate ntpserver "$@"
	start_chrony43 ntpserver
	listens_soon ntpserver
}

scene_expiry() {
	local renewed
	echo "-- a certificate expires while the agent runs, and is renewed"
	server ntpserver 11 chrony43
	lan_host client 12
	start_sampling client $'minpoll = 4\nmaxpoll = 4' ntpserver
	log_mark client
	restart_with_certificate --key-of "$CA" --valid -30,-1
	explained client ntpserver 'has expired.*valid from .* to .*renew'
	trouble_lasts 10
	count_good client ntpserver
	restart_with_certificate --key-of "$CA"
	renewed=$(now_us)
	recovers 'a sample after the renewal' "$renewed" 5000 \
		sampled_again client ntpserver
	log_lines client 8 'expired and renewed'
	stop_agent client
}

# trust FILE...: the client trusts these certificates. The new file replaces the
# old one by a rename, as tools do that manage such files.
trust() {
	local pki=$LAB/client/etc/pki
	cat "$@" >"$pki/new"
	chmod 644 "$pki/new"
	mv "$pki/new" "$pki/rootca.crt"
}

scene_ca() {
	local ca2=$LAB/ca2
	echo "-- the server gets another CA, and the trusted file changes twice"
	"$TOP/tests/pki" "$ca2" ca || die "the other CA could not be made"
	server ntpserver 11 chrony43
	server ntp-old 21 chrony43
	lan_host client 12
	start_sampling client $'minpoll = 3\nmaxpoll = 3' ntpserver ntp-old
	restart_with_certificate --key-of "$ca2"
	explained client ntpserver 'names the trusted .* as its issuer, but another key signed it'
	count_good client ntpserver
	trust "$ca2/rootca.crt"
	recovers 'a sample after the new root is trusted' "$(now_us)" 5000 \
		sampled_again client ntpserver
	restart ntp-old chrony43
	explained client ntp-old 'names the trusted .* as its issuer, but another key signed it'
	count_good client ntp-old
	trust "$CA/rootca.crt" "$ca2/rootca.crt"
	recovers 'a sample after the old root is trusted again' "$(now_us)" 5000 \
		sampled_again client ntp-old
	stop_agent client
}

connections() {
	serverstat ntpserver 'NTS-KE connections accepted'
}

keys_saved() {
	find "$LAB/$1/lib/ntsagent" -type f -name '*keys*' | grep -q .
}

# synchronised_after HOST PID: another agent than PID is synchronised. Processes
# of the killed agent may still answer.
synchronised_after() {
	[ "$(status_value "$1" ".pid != $2 and .clock.synchronised")" = true ]
}

scene_crash() {
	local before since pid
	echo "-- kill -9, and a new start with the saved keys"
	server ntpserver 11 chrony46
	lan_host client 12
	start_sampling client '' ntpserver ntpserver-ipv6
	within 'keys are saved' 30 keys_saved client
	before=$(connections)
	pid=$(status_value client .pid)
	kill -9 "${PIDS[client]}"
	wait "${PIDS[client]}" 2>/dev/null
	since=$(now_us)
	start_agent12 client
	recovers 'synchronised after the new start' "$since" 3000 \
		synchronised_after client "$pid"
	same 'key exchanges, counted by the server' "$before" "$(connections)"
	stop_agent client
}
