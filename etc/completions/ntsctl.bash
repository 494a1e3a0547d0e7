# bash completion for ntsctl(8)
_ntsctl()
{
	local current=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD - 1]}
	local options='-s --socket --json --csv -n --numeric -N --names
		-a --all -v --verbose -h --help -V --version'
	local commands='status sources sourcestats tracking authdata activity
		waitsync retry burst offline online step makestep reload
		help version'
	local word

	COMPREPLY=()
	case $previous in
	-s | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	esac
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
		return
	fi
	# There is one command. A number or the name of a source may follow it.
	case $previous in
	retry | burst | offline | online)
		mapfile -t COMPREPLY < <(compgen -W "$(ntsctl sources --csv \
			2>/dev/null | sed -e 1d -e 's/,.*//')" -- "$current")
		return
		;;
	esac
	for word in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
		[[ " ${commands//[$'\n\t']/ } " == *" $word "* ]] && return
	done
	mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
} && complete -F _ntsctl ntsctl
