#!/usr/bin/env bash
# The Debian package that cpack makes of this build: the same bytes each time, all that belongs in it and
# nothing else, and a spiractl that trains the very model the build's own does.
# shellcheck source=tests/e2e/e2e.sh
. "$(dirname "$0")/../e2e/e2e.sh"
packaging=$3

# make FOLDER: the package, as if made at another time.
make() {
    SOURCE_DATE_EPOCH=1700000000 cpack --config "$packaging" -G DEB -B "$work/$1" >"$work/cpack.log" 2>&1 || {
        cat "$work/cpack.log" >&2
        wrong "cpack failed"
    }
}

# The names below FOLDER of the tree, each after PREFIX.
names() {
    (cd "$root/$2" && find . -type f -name "$3" -printf "$1/%P\n")
}

root=$(cd "$(dirname "$0")/../.." && pwd)
make first
make second
cmp "$work"/first/*.deb "$work"/second/*.deb || wrong "the same build makes packages of other bytes"
package=$(echo "$work"/first/*.deb)

programs=(spira-audio-intake spira-feature-engineering spira-model-evaluation spira-model-publish
    spira-model-training spira-run-tracker)
{
    printf 'usr/bin/%s\n' golden-check spiractl "${programs[@]}"
    printf 'lib/systemd/system/%s@.service\n' "${programs[@]}"
    printf '%s\n' etc/spira/spira.env usr/lib/sysusers.d/spira.conf
    printf 'usr/share/doc/spira/%s\n' README.md changelog.gz copyright
    names usr/share/doc/spira/docs docs '*'
    names usr/share/spira/schemas schemas '*.schema.json'
} | LC_ALL=C sort >"$work/expected"
dpkg-deb --fsys-tarfile "$package" | tar -t | sed -n 's,^\./\(.*[^/]\)$,\1,p' | LC_ALL=C sort >"$work/contents"
diff "$work/expected" "$work/contents" >&2 || wrong "the package has other files than it should (>)"

depends=$(dpkg-deb --field "$package" Depends)
for library in libc6 librdkafka1 libsndfile1 libssl3; do
    [[ $depends = *"$library "* ]] || wrong "the package does not depend on $library: $depends"
done
expect_equal "version in the changelog" "$(dpkg-parsechangelog --file "$root/deploy/package/changelog" \
    --show-field Version)" "$(dpkg-deb --field "$package" Version)"

dpkg-deb --extract "$package" "$work/unpacked"
! grep -rqF "$root" "$work/unpacked" || wrong "the package names the folder it was built in"
small_csv "$work/metadata.csv"
local_run built "$work/store-built"
expect_success built
built=$spiractl
spiractl=$work/unpacked/usr/bin/spiractl
expect_equal "version of the packaged spiractl" "$("$spiractl" version)" "$("$built" version)"
local_run packaged "$work/store-packaged"
expect_success packaged
expect_equal "digests of the packaged spiractl" "$(digests packaged)" "$(digests built)"
"$work/unpacked/usr/bin/golden-check" "$root/tests/golden/vectors" >"$work/golden" ||
    wrong "the packaged golden-check: $(tail -n 1 "$work/golden")"
