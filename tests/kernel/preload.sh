# shellcheck shell=bash
# The libraries that are preloaded into a guest's kernel. To be sourced; B is
# the build folder, LAB a folder of this run.

LIBRARIES=(full_xstate)

# pausable: guests that start from now on can be paused. PAUSES is the file that
# pausable.so reads.
pausable() {
	PAUSES=$LAB/pauses
	head -c 8 /dev/zero >"$PAUSES"
	LIBRARIES+=(pausable)
}

# preload: prints the variable that preloads them.
preload() {
	local library files=
	for library in "${LIBRARIES[@]}"; do
		files+=:$B/tests/kernel/$library.so
	done
	echo "LD_PRELOAD=${files#:}"
}
