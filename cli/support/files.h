// SPDX-License-Identifier: Apache-2.0
// The image files that the command line names.
#ifndef FOVEA_CLI_SUPPORT_FILES_H
#define FOVEA_CLI_SUPPORT_FILES_H

#include "support/command.h"

typedef struct cli_files {
    char **paths; // (count), each owned
    int count;
} cli_files;

// The arguments from number `first` on: files, folders (the images in them and those below, by path), "-" (standard
// input). Returns the exit code; cli_files_free is fine also after a failure.
int cli_files_find(cli_files *files, const cli_arguments *arguments, int first);
void cli_files_free(cli_files *files);

// After the results: says how many files are missing in them. Returns the exit code.
int cli_files_conclude(const cli_files *files, int left_out);

#endif
