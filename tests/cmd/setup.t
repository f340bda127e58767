#!/bin/sh
# scripts/setup: says what is missing and why before it installs it, as root or
# through sudo; names the packages where it cannot; is silent when all is there.
. "$(dirname "$0")/../lib.sh"
SETUP=$(dirname "$TESTS")/scripts/setup

# A machine of our own: a few tools, and a package manager that takes notes.
mkdir bin
for tool in sh cat cut env grep mktemp rm sed sort tail tr touch; do
	ln -s "$(command -v $tool)" bin/$tool
done
fake() { # NAME: body on standard input
	{ echo '#!/bin/sh'; cat; } >bin/"$1"
	chmod +x bin/"$1"
}
fake dpkg-query <<'END'
cat installed
END
fake id <<'END'
cat uid
END
fake apt-get <<'END'
echo "$DEBIAN_FRONTEND apt-get $*" >>log
cat >>log # what comes on standard input
case $* in
*update*) touch updated ;;
*install*) [ ! -e stale ] || [ -e updated ] || { echo "E: 404 Not Found"; exit 100; }
	[ ! -e gone ] || { echo "E: Unable to locate package"; exit 100; } ;;
esac
END
setup() {
	rm -f log updated
	touch log
	run env -i PATH="$TMP/bin" "$SETUP" "$@" </dev/null
}
everything() {
	for p in make gcc libc6-dev libcurl4-openssl-dev libzstd-dev libcmark-dev libpcre2-dev libjq-dev \
		libmicrohttpd-dev zlib1g-dev libsqlite3-dev ca-certificates; do
		echo "installed $p"
	done
}
sudo_that() { # asks for a password, or not
	fake sudo <<END
case \$1 in -n) exit $1 ;; esac
echo sudo >>log
exec "\$@"
END
}

everything >installed
echo 0 >uid
setup --build
is "$status $(cat out err log)" "0 " "nothing missing: nothing said, nothing done"

grep -v libcmark installed >some && echo "config-files libcmark-dev" >>some && cp some installed
setup
is "$status" 0 "a package missing, as root: status 0"
like "$(cat out)" "*libcmark-dev * Markdown in bf-read*apt-get install*libcmark-dev*" \
	"says what and why, and how"
like "$(cat log)" "noninteractive apt-get * install *libcmark-dev" "installs it, asking nobody"
is "$(grep -c gcc log)" 0 "and nothing else"

touch stale
setup
is "$status" 0 "an old package list: status 0"
is "$(grep -c update log) $(grep -c ' install ' log)" "1 2" "the list is renewed, and it goes on"
rm stale
touch gone
setup
is "$status" 1 "a package that cannot be had: status 1"
like "$(cat err)" "*Unable to locate*libcmark-dev*" "says apt-get's reason, and the name"
rm gone

setup --test
like "$(cat out)" "*jq *bf(7)*" "--test: what the tests need"
setup --nonsense
is "$status" 2 "a wrong option: status 2"

echo 1000 >uid
setup
is "$status $(cat log)" "1 " "neither root nor sudo: status 1, nothing done"
like "$(cat err)" "*libcmark-dev*" "the package is named"
sudo_that 1
setup
is "$status $(cat log)" "1 " "sudo wants a password and nobody is there: status 1, nothing done"
like "$(cat err)" "*libcmark-dev*" "the package is named"
sudo_that 0
setup
is "$status $(sed -n 1p log)" "0 sudo" "sudo that asks nothing is used"
like "$(cat out)" "*sudo apt-get install*" "and said"
echo 0 >uid
rm bin/apt-get
setup
is "$status" 1 "no apt-get: status 1"
like "$(cat err)" "*libcmark-dev*" "the package is named"
done_testing
