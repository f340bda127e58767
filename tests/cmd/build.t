#!/bin/bash
# Each library is linked only into the command that needs it.
. "$(dirname "$0")/../lib.sh"

needed() { # FILE: what it asks the dynamic linker for, less the C library and sanitizers
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
		grep -vE '^(libc|libm|libdl|libpthread|librt|libgcc_s|ld-linux[^.]*|lib(a|ub)san)\.so' |
		sed 's/\.so.*//' | sort | tr '\n' ' '
}

for command in "$BUILD"/bf-*; do
	[ -x "$command" ] || continue
	name=${command##*/}
	case $name in
	bf-read | bf-chunk) want='libcmark ' ;;
	bf-llm | bf-exec | bf-embed | bf-http | bf-human | bf-ledger) want='libzstd ' ;;
	bf-mock) want='libmicrohttpd ' ;;
	*) want= ;;
	esac
	is "$(needed "$command")" "$want" "$name: ${want:-nothing} beside the C library"
	readelf -hW "$command" | grep -q 'Type:.*DYN'
	ok $? "$name: position-independent"
	readelf -dW "$command" | grep -q BIND_NOW
	ok $? "$name: relocations read-only"
done
[ "$tap_n" -gt 0 ] || skip_all "there are no commands"
done_testing
