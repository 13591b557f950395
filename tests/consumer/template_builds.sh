#!/usr/bin/env bash
# Installs w2s into a temporary prefix, builds plugins/template against it as a stranger would,
# and asks the installed w2s for the plugin.
#   template_builds.sh BUILD_FOLDER SOURCE_FOLDER
set -euo pipefail
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" >/dev/null
cp -r "$source/plugins/template" "$work/project"
rm -rf "$work/project/build"
cmake -S "$work/project" -B "$work/project/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix;${CMAKE_PREFIX_PATH:-}" >/dev/null
cmake --build "$work/project/build" >/dev/null

export W2S_PLUGIN_PATH=$work/project/build/lib/w2s/plugins
cd "$work"
listed=$("$work/prefix/bin/w2s" list loss)
grep -q '  my_loss ' <<<"$listed" || { echo "the installed w2s does not list my_loss:"; echo "$listed"; exit 1; }
grep -q '  gce ' <<<"$listed" || { echo "the installed w2s does not list its own losses"; exit 1; }
"$work/prefix/bin/w2s" describe loss/my_loss | grep -q 'temperature' || { echo "describe says nothing of temperature"; exit 1; }
echo "my_loss was built out of tree and loaded"
