# shellcheck shell=bash
# The file system of a guest: busybox, our programs, chronyd, and the libraries
# that they link. To be sourced.

# put ROOT PROGRAM...: copies programs with their libraries.
put() {
	local root=$1 file lib
	shift
	for file in "$@"; do
		cp "$file" "$root/bin/"
		for lib in $(ldd "$file" | grep -o '/[^ ]*'); do
			mkdir -p "$root$(dirname "$lib")"
			cp -nL "$lib" "$root$lib"
		done
	done
}

# put_busybox ROOT [FILE]
put_busybox() {
	local applet
	cp "${2:-/bin/busybox}" "$1/bin/busybox"
	for applet in sh mount ip sleep cat cut grep sed tr sort awk wc kill ps \
		pidof poweroff insmod date wget dmesg su true nc; do
		ln -s busybox "$1/bin/$applet"
	done
}

put_etc() {
	local etc=$1/etc
	printf 'root:x:0:0::/:/bin/sh\nntsagent:x:902:902::/:/bin/false\n' >"$etc/passwd"
	printf 'root:x:0:\nntsagent:x:902:\n' >"$etc/group"
	printf 'hosts: files\npasswd: files\ngroup: files\n' >"$etc/nsswitch.conf"
	cp "$LAB/hosts" "$etc/hosts"
	cp "$PKI"/{rootca.crt,fullchain.crt,server.key} "$etc/"
	chmod 644 "$etc/rootca.crt"
	cat >"$etc/chrony.conf" <<-EOF
		local stratum 1
		manual
		allow 192.168.132.0/24
		allow fd15:4ba5:5a2b:1008:192:168::/64
		ntsserverkey /etc/server.key
		ntsservercert /etc/fullchain.crt
		ntsprocesses 1
		cmdport 0
	EOF
	cat >"$etc/ntsagent.conf" <<-EOF
		[agent]
		status-socket = /run/ntsagent/status.sock
		[nts]
		trusted-certs = /etc/rootca.crt
		[clock]
		driftfile = /var/lib/ntsagent/drift
		[source ntpserver]
		maxpoll = 3
		[source ntpserver-ipv6]
		maxpoll = 3
	EOF
}

# The module for IPv6 and the one that it needs. The guest loads 1.ko first.
put_modules() {
	local n=1 module
	for module in crc-ccitt ipv6; do
		cp "$(find "$UML/usr/lib/uml/modules" -name "$module.ko")" "$1/modules/$n.ko"
		n=$((n + 1))
	done
}

# make_initrd OUT PROGRAM...: writes the file system with these programs to OUT.
make_initrd() {
	local out=$1 root
	shift
	root=$(mktemp -d)
	chmod 755 "$root"
	mkdir -p "$root"/{bin,etc,proc,sys,dev,tmp,orders,modules,run/chrony,var/lib/chrony}
	chmod 750 "$root/run/chrony"
	ln -s bin "$root/sbin"
	put_busybox "$root"
	put "$root" "$@"
	put_etc "$root"
	[ ! -d "$LAB/more" ] || cp -r "$LAB/more/." "$root/etc/"
	put_modules "$root"
	install -m 755 "$TOP/tests/kernel/guest-init" "$root/init"
	(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$out"
	rm -rf "$root"
}
