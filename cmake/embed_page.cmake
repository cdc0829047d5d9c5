# SPDX-License-Identifier: Apache-2.0
# Writes a C file with the fixed parts of the report (src/report/embedded.h), so that the program needs no files.
#   cmake -DOUTPUT=report_parts.c -DFOLDER=src/report -P embed_page.cmake
set(parts "")
foreach(part style:page.css explorer_markup:explorer.html script:explorer.js)
    string(REGEX MATCH "^([^:]+):(.+)$" unused "${part}")
    set(name "${CMAKE_MATCH_1}")
    set(file "${CMAKE_MATCH_2}")
    file(READ "${FOLDER}/${file}" text)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
    string(APPEND parts "\nconst char fv__report_${name}[] =\n    \"${text}\";\n")
endforeach()
file(WRITE "${OUTPUT}" "// Made from src/report by cmake/embed_page.cmake.
#include \"report/embedded.h\"

#pragma GCC diagnostic ignored \"-Woverlength-strings\"
${parts}")
