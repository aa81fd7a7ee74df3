#!/usr/bin/env bash
# Draws what readers of a pull request see, from a real run: docs/pictures/*.png.
# Usage: just pictures   (starts the test bed; needs chromium, node and npm)
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

PICTURES=$work cargo test --quiet --locked -p secret-patch --test comment it_reads_well_at_every_size
npm install --silent --no-audit --no-fund --prefix "$work" marked@18.2.1 github-markdown-css@5.9.0
for text in "$work"/*.md; do
  name=$(basename "$text" .md)
  {
    printf '<!doctype html><meta charset="utf-8"><style>\n'
    cat "$work/node_modules/github-markdown-css/github-markdown-light.css"
    printf 'body.markdown-body { margin: 16px; max-width: 860px }</style><body class="markdown-body">\n'
    "$work/node_modules/.bin/marked" --gfm --input "$text"
  } > "$work/$name.html"
  # Tall enough for twenty keys; of five hundred the beginning shows.
  chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=900,900 \
    --screenshot="docs/pictures/$name.png" "file://$work/$name.html" 2> "$work/chromium.log" || { cat "$work/chromium.log" >&2; exit 1; }
done
