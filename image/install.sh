#!/usr/bin/env bash
# Installs Lineside from this folder alone: no index, no route, nothing but Python 3.11 to 3.13.
#
#   ./install.sh [--stage site] [--to /opt/lineside] [--python python3]
#
# Stages: site (everything, for `lineside up` on one machine), edge (connectors), worker, api.
set -euo pipefail
stage=site target=/opt/lineside python=python3
while [ $# -gt 0 ]; do
    case $1 in
    --stage | --to | --python)
        [ $# -gt 1 ] || { echo >&2 "error: $1 needs a value"; exit 2; }
        case $1 in --stage) stage=$2 ;; --to) target=$2 ;; --python) python=$2 ;; esac
        shift 2
        ;;
    --help | -h) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo >&2 "error: $1 is not known; see ./install.sh --help"; exit 2 ;;
    esac
done
here=$(cd "$(dirname "$0")" && pwd)

echo "1/4 checking $(wc -l <"$here/SHA256SUMS") files"
(cd "$here" && sha256sum --quiet --check SHA256SUMS) || {
    echo >&2 "error: files differ from SHA256SUMS (above): the archive was damaged on its way; copy it again"
    exit 1
}
if [ ! -f "$here/sbom/$stage.cdx.json" ]; then
    echo >&2 "error: this bundle has no stage $stage; it has $(cd "$here/sbom" && ls | sed 's/\.cdx\.json//' | grep -v image | xargs)"
    exit 2
fi
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || {
    echo >&2 "error: $python is $("$python" --version 2>&1), and Lineside needs Python 3.11, 3.12 or 3.13: name one with --python"
    exit 1
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export UV_OFFLINE=1 UV_CACHE_DIR="$scratch/cache" UV_NO_CONFIG=1
offline=(--no-index --find-links "$here/wheels")

echo "2/4 tools"
# uv is a program inside a wheel: the machine's Python needs neither pip nor venv.
"$python" -m zipfile --extract "$here"/wheels/uv-*.whl "$scratch/uv"
uv=$(find "$scratch/uv" -type f -path '*/scripts/uv')
chmod +x "$uv"
"$uv" venv --quiet --no-python-downloads --python "$(command -v "$python")" "$scratch/tools"
"$uv" pip install --quiet --python "$scratch/tools/bin/python" --no-deps --require-hashes "${offline[@]}" \
    --requirement "$here/source/requirements-image.txt"

echo "3/4 $stage"
cp -r "$here/source" "$scratch/source"
"$scratch/source/image/install" "$stage" "$target" "$scratch/tools" "${offline[@]}"

echo "4/4 trying it"
"$target/bin/python" -m connectors --help >/dev/null
"$target/bin/lineside" --version
echo "Installed in $target: put $target/bin on your PATH"
