// SPDX-License-Identifier: Apache-2.0
// Files and folders.
#ifndef FOVEA_CLI_SUPPORT_PATHS_H
#define FOVEA_CLI_SUPPORT_PATHS_H

#include <stdbool.h>
#include <stdio.h>

bool cli_is_file(const char *path);   // anything but a folder, such as /dev/stdin
bool cli_is_folder(const char *path); // or a link to one

const char *cli_last_part(const char *path); // after the last slash

// Makes the folder and those above it; one that is there is fine. Returns the exit code.
int cli_make_folders(const char *path);

// A file that appears under its path only when it is complete. What is written to `stream` may fail: the end says so.
typedef struct cli_output {
    FILE *stream;
    const char *path;
    char *unfinished; // its name until then
} cli_output;

int cli_output_open(const char *path, cli_output *out);
int cli_output_close(cli_output *out);

#endif
