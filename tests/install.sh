#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What an installation is for: a program found by CMake's find_package, one found by pkg-config, and `fovea` itself from
# another place than it was built in.
#   install.sh SOURCE_DIR BUILD_DIR COMPILER
set -eu
source=$1 build=$2 compiler=$3
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cmake --install "$build" --prefix "$place/one" >/dev/null
mv "$place/one" "$place/moved"
prefix=$place/moved
"$prefix/bin/fovea" version | head -1

mkdir "$place/cmake"
cat >"$place/cmake/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.18)
project(user LANGUAGES C)
find_package(fovea 0.2 REQUIRED)
add_executable(user $source/examples/build_model.c)
target_link_libraries(user PRIVATE fovea::fovea m)
END
cmake -G Ninja -S "$place/cmake" -B "$place/cmake/build" -DCMAKE_C_COMPILER="$compiler" \
    -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build "$place/cmake/build" >/dev/null
(cd "$place" && ./cmake/build/user | head -1)

pkgconfig=$(dirname "$(find "$prefix" -name fovea.pc)")
library=$(dirname "$(find "$prefix" -name libfovea.so)")
# shellcheck disable=SC2046
"$compiler" "$source/examples/load_predict.c" -o "$place/load" $(PKG_CONFIG_PATH=$pkgconfig pkg-config --cflags --libs fovea)
LD_LIBRARY_PATH=$library "$place/load" 2>&1 | grep -q '^usage' # there is no model to load
echo "install: found by find_package and by pkg-config"
