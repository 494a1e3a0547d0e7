# shellcheck shell=bash
# Guests in qemu without the help of the processor: any architecture, with the
# kernel and the libraries of a Debian release as they are. To be sourced after
# tests/kernel/guests.sh, which watches them and judges what they print.

# An emulated processor is slow.
# shellcheck disable=SC2034 # guests.sh uses it
HANG_S=900

# begin: what every test needs: the emulators, a LAN, and a host on it with a
# server whose clock is that of this machine. It has the names server and second.
begin() {
	must_be_root_on_debian12
	need qemu-system-arm qemu-system-x86 xz-utils debootstrap iproute2 cpio \
		openssl procps util-linux
	LAB=$(mktemp -d /tmp/ntsemulated.XXXXXX)
	chmod 755 "$LAB"
	trap cleanup EXIT
	lan_up
	lan_host server 11
	lan_name server 11
	lan_name second 11
	make_ca
	MORE_NAMES=,second server_certificate server --key-of "$CA"
	mkdir -p "$LAB/more"
	install -m 644 "$LAB/server/etc/pki/rootca.crt" "$LAB/more/rootca.crt"
	# chronyd would close the connection of so slow a client after two seconds.
	start server on server "$B/tests/server/ntsserver" \
		--cert /etc/pki/new-server.crt --key /etc/pki/server.key \
		--listen "$PREFIX4.11" --ke-port 4460 --ntp-port 123
	check "the server is up" wait_for 30 listens server
}

# offset_us NUMBER: the guest's clock minus ours, and half of the round trip.
offset_us() {
	in_ns server "$B/tests/kernel/timeofday" ask "$PREFIX4.$1" |
		awk '{print $1 / 1e3, $2 / 2e3}'
}

# off_less NUMBER LIMIT_US: the guest's clock is right within this limit and the
# uncertainty. Sets SEEN.
off_less() {
	SEEN=$(offset_us "$1" 2>/dev/null)
	awk -v l="$2" 'NF == 2 {e = $1 < 0 ? -$1 : $1; ok = e < l + $2}
		END {exit !ok}' <<<"$SEEN"
}

# right WHAT NUMBER LIMIT_US
right() {
	check "$1" off_less "$2" "$3"
	echo "          ${SEEN% *} us, known to ${SEEN#* } us (wanted: $3 us)"
}

# release ARCHITECTURE SUITE: prints a folder with the kernel, its modules, and
# root, the libraries. Nothing of it is installed: debootstrap only finds and
# fetches the packages.
release() {
	local at=$CACHE/emulated/$2-$1
	[ -e "$at/.complete" ] || make_release "$1" "$2" "$at" >&2
	echo "$at"
}

# The packages whose files a guest needs.
GUEST_PACKAGES='libc6 libssl3 libssl3t64 libcap-ng0 libinih1 libjansson4
	libseccomp2 libzstd1 zlib1g libgcc-s1 busybox-static'

make_release() {
	local at=$3 debs=$3.new/var/cache/apt/archives ssl=libssl3 package
	[ "$2" = bookworm ] || ssl=libssl3t64
	echo "making $at"
	rm -rf "$at" "$at.new"
	mkdir -p "$at/root"
	quiet debootstrap --arch="$1" --foreign --variant=minbase \
		--include="linux-image-$1,busybox-static,$ssl,libcap-ng0,libinih1,libjansson4,libseccomp2" \
		"$2" "$at.new" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"}
	for package in $GUEST_PACKAGES; do
		package=$(echo "$debs/${package}"_*.deb)
		[ ! -e "$package" ] || quiet dpkg -x "$package" "$at/root"
	done
	quiet dpkg -x "$debs"/linux-image-[0-9]*.deb "$at/linux"
	mv "$at"/linux/boot/vmlinuz-* "$at/kernel"
	mkdir "$at/modules"
	find "$at/linux" -name '*.ko*' -path '*/kernel/*' \
		-exec mv -t "$at/modules" {} +
	rm -rf "$at/linux" "$at.new"
	touch "$at/.complete"
}

# put_module RELEASE FOLDER MODULE: the module and before it those that it needs,
# numbered in the order in which they are loaded. What is built into the kernel
# has no file.
put_module() {
	local file other numbered
	file=$(find "$1/modules" -name "${3//_/[-_]}.ko*")
	if [ -z "$file" ] || compgen -G "$2/*-$3.ko" >/dev/null; then
		return
	fi
	case $file in
	*.xz) xz -dc "$file" ;;
	*) cat "$file" ;;
	esac >"$2/$3.ko"
	for other in $(tr '\0' '\n' <"$2/$3.ko" |
		sed -n 's/^depends=//p' | tr ',' ' '); do
		put_module "$1" "$2" "${other//-/_}"
	done
	numbered=("$2"/[0-9]*)
	mv "$2/$3.ko" "$2/$(printf %02d ${#numbered[@]})-$3.ko"
}

put_users() {
	printf '%s\n' root:x:0:0::/:/bin/sh nobody:x:65534:65534::/:/bin/false \
		ntsagent:x:902:902::/:/bin/false \
		ntsagent-resolver:x:903:903::/:/bin/false >"$1/passwd"
	printf '%s\n' root:x:0: nogroup:x:65534: ntsagent:x:902: \
		ntsagent-resolver:x:903: >"$1/group"
	printf 'hosts: files dns\npasswd: files\ngroup: files\n' >"$1/nsswitch.conf"
}

# put_libraries RELEASE ROOT: all that the packages have below lib.
put_libraries() {
	local folder
	mkdir -p "$2/usr/lib" "$2/usr/lib64"
	ln -s usr/lib usr/lib64 "$2/"
	for folder in lib lib64 usr/lib usr/lib64; do
		[ ! -d "$1/root/$folder" ] ||
			cp -a "$1/root/$folder/." "$2/usr/${folder#usr/}/"
	done
	rm -rf "$2"/usr/lib/*/gconv
}

# make_guest OUT KERNEL LIBRARIES PROGRAM...: writes the file system of a guest,
# with the modules and the libraries of these two releases. LAB/more has files
# for its /etc.
make_guest() {
	local out=$1 kernel=$2 libraries=$3 root module
	shift 3
	root=$(mktemp -d)
	chmod 755 "$root"
	mkdir -p "$root"/{bin,etc,proc,sys,dev,tmp,modules,run,var/lib,var/log,var/tmp}
	chmod 1777 "$root/tmp" "$root/var/tmp"
	ln -s bin "$root/sbin"
	put_libraries "$libraries" "$root"
	put_busybox "$root" "$(find "$libraries/root" -path '*/bin/busybox')"
	cp "$@" "$root/bin/"
	put_users "$root/etc"
	cp "$LAB/hosts" "$root/etc/hosts"
	cp -r "$LAB/more/." "$root/etc/"
	for module in virtio_mmio virtio_pci virtio_net button; do
		put_module "$kernel" "$root/modules" "$module"
	done
	install -m 755 "$TOP/tests/kernel/guest-init" "$root/init"
	(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$out"
	rm -rf "$root"
}

# machine ARCHITECTURE: sets MACHINE, what differs between them.
machine() {
	case $1 in
	arm64)
		MACHINE=(qemu-system-aarch64 -M virt -cpu "max,pauth-impdef=on"
			-device "virtio-net-device,netdev=lan")
		CONSOLE=ttyAMA0
		;;
	amd64)
		MACHINE=(qemu-system-x86_64 -M q35 -cpu max
			-device "virtio-net-pci,netdev=lan,romfile=")
		# A TSC that was calibrated by a slow processor runs wrong by far.
		CONSOLE="ttyS0 clocksource=hpet"
		;;
	esac
}

# emulate NAME NUMBER ARCHITECTURE KERNEL FILES ROLE [NAME=VALUE...]: starts a
# guest with the address PREFIX.NUMBER. The function ROLE of guest-init is what it
# does; the variables are in its environment. press() gives orders to the machine.
emulate() {
	mkfifo "$LAB/$1.in" "$LAB/$1.out"
	ip -n "$(ns lan)" tuntap add dev "tap$2" mode tap
	ip -n "$(ns lan)" link set "tap$2" master br0 up
	machine "$3"
	# shellcheck disable=SC2086 # a list of words
	start "$1" exec setsid ip netns exec "$(ns lan)" $NO_SYS_TIME \
		"${MACHINE[@]}" -m 512 -nodefaults -display none -serial stdio \
		-chardev "pipe,id=monitor,path=$LAB/$1" -mon monitor \
		-no-reboot -kernel "$4/kernel" -initrd "$5" \
		-netdev "tap,id=lan,ifname=tap$2,script=no,downscript=no" \
		-append "console=$CONSOLE quiet loglevel=3 panic=-1 ROLE=$6 ADDR4=$PREFIX4.$2 ADDR6=$PREFIX6:$2 ${*:7}"
}

# press NAME COMMAND: a command of qemu's monitor.
press() {
	echo "$2" >"$LAB/$1.in"
}
