// SPDX-License-Identifier: Apache-2.0
// How downloads are shown: a bar for each file on a terminal, else its address.
#ifndef FOVEA_CLI_SUPPORT_DOWNLOAD_H
#define FOVEA_CLI_SUPPORT_DOWNLOAD_H

#include <fovea.h>

typedef struct cli_download {
    bool quiet;
    char url[1024]; // of the current file
} cli_download;

// From now on Ctrl-C stops the download.
cli_download cli_download_begin(bool quiet);

// An fv_event_callback whose context is a cli_download.
bool cli_download_show(void *context, const fv_event *event);

#endif
