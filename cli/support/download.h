// How downloads are shown: a bar a file on a terminal, else its address.
#ifndef FOVEA_CLI_DOWNLOAD_H
#define FOVEA_CLI_DOWNLOAD_H

#include "support/cli.h"

typedef struct cli_download {
    bool live, quiet;
    char url[1024]; // of the file under way
    double drawn;   // when the line was last drawn
} cli_download;

// From now on Ctrl-C stops the download.
cli_download cli_download_begin(const cli_options *options);

// For the events of a download; the context is a cli_download.
bool cli_download_show(void *context, const fv_event *event);

// Ends a line under way.
void cli_download_end(const cli_download *now);

#endif
