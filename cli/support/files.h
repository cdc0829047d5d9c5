// The picture files that the command line names.
#ifndef FOVEA_CLI_FILES_H
#define FOVEA_CLI_FILES_H

#include "support/cli.h"

typedef struct cli_files {
    char **paths; // (count), each owned
    int count, capacity;
} cli_files;

// The arguments from number `first` on: files, folders (the pictures in them and those below, by path), "-" (standard
// input). Returns the exit code; cli_files_free is fine also after a failure.
int cli_files_find(cli_files *files, const cli_options *options, int first);
void cli_files_free(cli_files *files);

// After the results: tells how many files are missing in them. Returns the exit code.
int cli_files_conclude(const cli_files *files, int left_out);

#endif
