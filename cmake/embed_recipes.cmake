# SPDX-License-Identifier: Apache-2.0
# Writes a C file with the text of the built-in recipes (src/recipe/builtin.h), so that the program needs no files.
#   cmake -DOUTPUT=builtin_recipes.c "-DRECIPES=recipes/a.yaml;recipes/b.yaml" -P embed_recipes.cmake
list(SORT RECIPES)
set(rows "")
foreach(recipe IN LISTS RECIPES)
    get_filename_component(name "${recipe}" NAME_WE)
    file(READ "${recipe}" text)
    string(REGEX MATCH "^# ([^\n]*)" title "${text}")
    set(title "${CMAKE_MATCH_1}")
    string(REPLACE "\"" "\\\"" title "${title}")
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
    string(APPEND rows "    {\"${name}\", \"${title}\",\n     \"${text}\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "// Made from recipes/*.yaml by cmake/embed_recipes.cmake.
#include \"recipe/builtin.h\"

#pragma GCC diagnostic ignored \"-Woverlength-strings\"

const fv_builtin_recipe fv__builtin_recipes[] = {
${rows}    {0},
};
")
