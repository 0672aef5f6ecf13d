#!/bin/bash -eu
# Builds every fuzz target into $OUT with its seeds, options and dictionary, as ClusterFuzzLite and OSS-Fuzz want it.
#
# They set SRC (the sources' parent), OUT, WORK, SANITIZER and RUSTFLAGS. .ci/services imitates them, and may set WITHOUT to a
# target that it leaves out.
cd "$SRC/leasehold"

# The one sanitizer that both services have for Rust is `address`; a coverage build brings its own flags.
case ${SANITIZER:-address} in
address) sanitizer=address ;;
*) sanitizer=none ;;
esac
build() { cargo fuzz build -O --debug-assertions --sanitizer "$sanitizer" "$@"; }
build
# The one target that is built with small blocks, and that the first build leaves out.
if [ "${WITHOUT:-}" != bucket ]; then build --features small-blocks bucket; fi
built=$(cargo metadata --manifest-path fuzz/Cargo.toml --no-deps --format-version 1 |
    sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/x86_64-unknown-linux-gnu/release

for source in fuzz/fuzz_targets/*.rs; do
    target=$(basename "$source" .rs)
    # It must crash: no service would like that.
    if [ "$target" = canary ] || [ "$target" = "${WITHOUT:-}" ]; then continue; fi
    cp "$built/$target" "$OUT/"
    cp "fuzz/options/$target.options" "$OUT/"
    if [ -f "fuzz/dictionary/$target.dict" ]; then cp "fuzz/dictionary/$target.dict" "$OUT/"; fi

    # A seed's name is its SHA-1. The library of scenarios is a corpus too.
    seeds=$(mktemp -d)
    cp "fuzz/corpus/$target"/* "$seeds/"
    if [ "$target" = scenario ]; then
        find scenarios -name '*.scenario' -exec cp --backup=numbered -t "$seeds" {} +
    fi
    for seed in "$seeds"/*; do
        mv "$seed" "$seeds/$(sha1sum "$seed" | cut -d' ' -f1)" 2>/dev/null || true # named so already
    done
    rm -f "$OUT/${target}_seed_corpus.zip"
    (cd "$seeds" && zip -q -r "$OUT/${target}_seed_corpus.zip" .)
    rm -r "$seeds"
done
