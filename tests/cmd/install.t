#!/bin/bash
# make install, uninstall, dist: what is installed runs, what is uninstalled is
# gone, the archive is reproducible and builds, whatever the user's flags.
. "$(dirname "$0")/../lib.sh"
ROOT=$(dirname "$TESTS")

[ -x "$BUILD/bf-take" ] || skip_all "there are no commands"
root=$TMP/root
run make -s -C "$ROOT" BUILD="$BUILD" DESTDIR="$root" PREFIX=/opt/bf install
is "$status" 0 "make install" || sed 's/^/# /' err
(cd "$BUILD" && ls bf-*) >want
ls "$root/opt/bf/bin" >got
same want got "every command is installed"
(cd "$ROOT/share/man" && ls ./*.[157]) >want
(cd "$root/opt/bf/share/man" && ls man?/*) | sed 's/man.//; s/^/./' | sort >got
sort -o want want
same want got "every manual page, in its section"
diff -r "$ROOT/share/examples" "$root/opt/bf/share/bf/examples" >out
ok $? "the examples"
diff -r "$ROOT/share/prompts" "$root/opt/bf/share/bf/prompts" >out
ok $? "the prompts"
is "$(env -i PATH=/usr/bin:/bin "$root/opt/bf/bin/bf-prompt" --list-prompts | wc -l)" \
	"$(find "$ROOT/share/prompts" -name '*.md' | wc -l)" "which bf-prompt knows wherever it is"
is "$(find "$root" -type f -perm /022)" "" "nothing is writable by others"

while read -r name; do
	run env -i PATH=/usr/bin:/bin "$root/opt/bf/bin/$name" --version
	like "$status $(cat out)" "0 $name *" "$name runs from there"
done < <(ls "$root/opt/bf/bin")

run make -s -C "$ROOT" BUILD="$BUILD" DESTDIR="$root" PREFIX=/opt/bf uninstall
is "$status" 0 "make uninstall"
is "$(find "$root" -type f)" "" "no file is left"
is "$(find "$root" -name bf -path '*/share/*')" "" "nor a folder of ours"

if git -c safe.directory="$ROOT" -C "$ROOT" rev-parse -q --verify HEAD >/dev/null 2>&1; then
	run make -s -C "$ROOT" DISTDIR="$TMP/one" dist
	is "$status" 0 "make dist" || sed 's/^/# /' err
	run make -s -C "$ROOT" DISTDIR="$TMP/two" dist
	cmp one/*.tar.gz two/*.tar.gz
	ok $? "twice the same bytes"
	mkdir src && tar -xzf one/*.tar.gz -C src
	is "$(cd src && echo ./*)" "./bf-$("$BUILD/bf-take" -V | sed 's/.* //')" "one folder, named for the version"
	run make -s -j2 -C src/* CFLAGS= WERROR=-Werror
	is "$status" 0 "it builds without a warning, with CFLAGS empty" || tail -n 20 err | sed 's/^/# /'
	is "$(cd src/*/build && ls -d bf-*)" "$(cd src/*/cmd && ls -d bf-* | sed 's/\.c$//')" "all commands"

	# What was made before is made again when flags or headers change, and
	# only then.
	is "$(make -C src/* CFLAGS= WERROR=-Werror | grep -c -- ' -c ')" 0 "nothing is built twice"
	touch src/*/lib/base/span.h
	[ "$(make -n -C src/* CFLAGS= WERROR=-Werror | grep -c -- ' -c ')" -gt 5 ]
	ok $? "a changed header rebuilds"
	[ "$(make -n -C src/* CFLAGS=-O0 WERROR=-Werror | grep -c -- ' -c ')" -gt 5 ]
	ok $? "changed flags rebuild"
else
	ok 0 "no archive without git # SKIP"
fi
done_testing
