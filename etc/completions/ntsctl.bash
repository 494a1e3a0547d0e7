# bash completion for ntsctl(8)
_ntsctl()
{
	local current=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD - 1]}
	local options='-s --socket --json --csv -c --chronyc -n --numeric -N --names
		-a --all -v --verbose -f --follow --since --source --last --svg
		--chronyd --for --live --config -t --limit -h --help -V --version'
	local commands='status sources sourcestats tracking authdata activity
		selectdata ntpdata sourcename onoffline refresh reselect reset dump
		metrics events graph watch
		waitsync retry burst offline online step makestep reload
		compare check cyclelogs import help version'
	local import_options='-o --output --check --force --format --with-state
		-h --help'
	local word

	COMPREPLY=()
	case $previous in
	-s | --socket | --svg | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	esac
	# It has options of its own.
	if [[ ${COMP_WORDS[1]} == import && $COMP_CWORD -gt 1 ]]; then
		if [[ $previous == --format ]]; then
			mapfile -t COMPREPLY < <(compgen -W \
				'chrony ntpd-rs ntpd timesyncd' -- "$current")
		elif [[ $current == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$import_options" \
				-- "$current")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$current")
		fi
		return
	fi
	case $previous in
	--for)
		mapfile -t COMPREPLY < <(compgen -W '10m 1h 24h' -- "$current")
		return
		;;
	--chronyd)
		mapfile -t COMPREPLY < <(compgen -W '127.0.0.1 [::1]' \
			-- "$current" && compgen -f -- "$current")
		return
		;;
	esac
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
		return
	fi
	# There is one command. A number or the name of a source may follow it.
	case $previous in
	graph)
		mapfile -t COMPREPLY < <(compgen -W "offset bound error
			frequency delay stage" -- "$current")
		return
		;;
	--last | --since)
		mapfile -t COMPREPLY < <(compgen -W "10m 1h 6h 1d 7d 30d" \
			-- "$current")
		return
		;;
	metrics | reload | reset | help)
		case $previous in
		metrics) word='openmetrics prometheus' ;;
		reload | reset) word=sources ;;
		help) word=$commands ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current")
		return
		;;
	retry | burst | [0-9]*/[0-9]* | offline | online | refresh | ntpdata | \
		sourcename | --source)
		# compgen -W would execute what a name contains.
		COMPREPLY=()
		while IFS=, read -r word _; do
			[[ $word == "$current"* ]] || continue
			printf -v word %q "$word"
			COMPREPLY+=("$word")
		done < <(ntsctl sources --csv 2>/dev/null | sed 1d)
		return
		;;
	esac
	for word in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
		[[ " ${commands//[$'\n\t']/ } " == *" $word "* ]] && return
	done
	mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
} && complete -F _ntsctl ntsctl
