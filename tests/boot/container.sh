# shellcheck shell=bash
# A Debian that boots with systemd in a container, in an overlay that is thrown
# away. The container has no right to set the clock. To be sourced after
# tests/report.sh and tests/lab/machine.sh; $TOP is the source folder. The
# caller runs `trap leave_room EXIT`.

declare -A SUITE=([12]=bookworm [13]=trixie)
# What the agent, chronyd and timedatectl need.
PACKAGES="systemd,systemd-sysv,dbus,libcap-ng0,libinih1,libjansson4,openssl"
OTHERS="systemd-timesyncd chrony"
BOOT_LIMIT=${BOOT_LIMIT:-60}
# Of a tree that has other packages; a part of its name.
TREE_KIND=${TREE_KIND:-}

leave_room() {
	[ -z "${ROOM:-}" ] || {
		umount -l "$ROOM/root" "$ROOM" 2>/dev/null
		rmdir "$ROOM"
	}
}
# packages12 FOLDER, packages13 FOLDER: downloads the other time services.
packages12() {
	chmod 777 "$1"
	apt_update_once
	# shellcheck disable=SC2016,SC2086 # of the inner shell; a list
	quiet sh -c 'cd "$1" && shift && apt-get download "$@"' sh "$1" $OTHERS
}

packages13() {
	need_tree13
	# shellcheck disable=SC2016,SC2086 # of the inner shell; a list
	quiet in_tree13 sh -c 'mkdir -p /opt/boot && cd /opt/boot &&
		apt-get download "$@"' sh $OTHERS
	cp "$TREE13"/opt/boot/*.deb "$1"
}

# make_tree RELEASE: a minimal Debian, and the packages of other time services.
# Tests that run at the same moment make it once.
make_tree() {
	local tree=$CACHE/boot$1$TREE_KIND
	[ ! -e "$tree/.complete" ] || return 0
	mkdir -p "$CACHE"
	(flock 9 && make_tree_alone "$@") 9>"$tree.lock" || exit
}

make_tree_alone() {
	local tree=$CACHE/boot$1$TREE_KIND
	[ ! -e "$tree/.complete" ] || return 0
	echo "making a Debian $1 tree in $tree"
	rm -rf "$tree" "$tree.new"
	quiet debootstrap --variant=minbase --include="$PACKAGES" "${SUITE[$1]}" \
		"$tree.new" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
	mkdir -p "$tree.new/opt/debs"
	"packages$1" "$tree.new/opt/debs"
	mv "$tree.new" "$tree"
	touch "$tree/.complete"
}

# A service that sleeps in place of one that would set the clock.
put_to_sleep() {
	local folder=$ROOM/root/etc/systemd/system/$1.service.d
	mkdir -p "$folder"
	cat >"$folder/00-sleep.conf" <<-'EOF_UNIT'
		[Unit]
		ConditionCapability=
		ConditionVirtualization=
		ConditionFileIsExecutable=
		[Service]
		Type=simple
		PIDFile=
		User=root
		DynamicUser=no
		ExecStart=
		ExecStart=/bin/sleep infinity
		AmbientCapabilities=
		CapabilityBoundingSet=
		WatchdogSec=0
	EOF_UNIT
}

# make_room RELEASE: a fresh copy of the tree in $ROOM/root.
make_room() {
	ROOM=$(mktemp -d)
	mount -t tmpfs tmpfs "$ROOM"
	mkdir "$ROOM/upper" "$ROOM/work" "$ROOM/root"
	mount -t overlay overlay -o \
		"lowerdir=$CACHE/boot$1$TREE_KIND,upperdir=$ROOM/upper,workdir=$ROOM/work" "$ROOM/root"
	for service in systemd-timesyncd chrony; do put_to_sleep "$service"; done
}

# make_units SERVICE-LINE...: of the test server, and of the agent, which only
# measures here.
make_units() {
	local units=$ROOM/root/etc/systemd/system
	mkdir -p "$units/ntsagent.service.d" "$units/multi-user.target.wants"
	{
		echo '[Service]'
		echo ExecStart=
		printf '%s\n' "$@"
	} >"$units/ntsagent.service.d/measure.conf"
	cat >"$units/ntsserver.service" <<-'EOF_UNIT'
		[Service]
		ExecStart=/opt/ntsserver --cert /opt/pki/fullchain.crt --key /opt/pki/server.key --ke-port 4460
	EOF_UNIT
	cat >"$units/play.service" <<-'EOF_UNIT'
		[Unit]
		After=dbus.service ntsagent.service systemd-timesyncd.service chrony.service
		[Service]
		Type=oneshot
		ExecStart=/bin/bash /opt/play
		ExecStopPost=/bin/systemctl --no-block poweroff
		StandardOutput=append:/opt/play.out
		StandardError=append:/opt/play.out
	EOF_UNIT
	# In a container, root alone may be allowed to write to /dev/null, and
	# Debian 13 starts this service as another user.
	grep -q '^User=' "$ROOM/root/lib/systemd/system/dbus.service" && {
		mkdir -p "$units/dbus.service.d"
		printf '[Service]\nAmbientCapabilities=CAP_DAC_OVERRIDE\n' \
			>"$units/dbus.service.d/null.conf"
	}
	ln -s ../play.service "$units/multi-user.target.wants/play.service"
}

# The test server and its certificates.
put_server() {
	cp "$B/tests/server/ntsserver" "$ROOM/root/opt/"
	"$TOP/tests/pki" "$ROOM/root/opt/pki" localhost,127.0.0.1 ||
		die "no certificates"
	chmod -R a+rX "$ROOM/root/opt/pki"
}

# configure_agent FILE: the agent asks that server.
configure_agent() {
	cat >"$1" <<-'EOF_CONF'
		[nts]
		system-certs = no
		trusted-certs = /opt/pki/rootca.crt
		[source here]
		host = 127.0.0.1
		minpoll = 0
		maxpoll = 0
	EOF_CONF
}

in_root() {
	quiet chroot "$ROOM/root" "$@"
}

add_package() {
	# shellcheck disable=SC2016 # of the inner shell
	in_root sh -c 'cd /opt/debs && dpkg -i --force-depends "$1"_*.deb' sh "$1"
}

# play RELEASE SCENE FILE: boots, runs the function SCENE of the file in the
# container, and takes over its results.
play() {
	local line verdict
	cat "$TOP/tests/boot/judge" "$3" >"$ROOM/root/opt/play"
	echo "$2" >>"$ROOM/root/opt/play"
	timeout "$BOOT_LIMIT" systemd-nspawn --quiet --register=no --keep-unit \
		--directory="$ROOM/root" --private-network --boot \
		--kill-signal=SIGRTMIN+3 >"$ROOM/console" 2>&1 </dev/null ||
		fail "Debian $1, $2: the container does not end by itself"
	while read -r verdict line; do
		case $verdict in
		ok) pass "Debian $1, $2: $line" ;;
		FAIL) fail "Debian $1, $2: $line" ;;
		*) echo "          $verdict $line" ;;
		esac
	done <"$ROOM/root/opt/play.out"
	grep -qx 'ok the scene is over' "$ROOM/root/opt/play.out" ||
		{ fail "Debian $1, $2: the scene does not end"; tail -n 20 "$ROOM/console"; }
	umount -l "$ROOM/root" "$ROOM"
	rmdir "$ROOM"
	ROOM=''
}
