// SPDX-License-Identifier: Apache-2.0
#include "support/download.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/interrupt.h"
#include "support/memory.h"
#include "support/numbers.h"
#include "support/paths.h"
#include "support/progress.h"
#include "support/text.h"

cli_download cli_download_begin(bool quiet) {
    cli_interrupt_catch("\nfovea: stopping; what has arrived is kept for the next time\n");
    cli_progress_begin(quiet);
    return (cli_download){.quiet = quiet};
}

static void draw(const char *url, size_t received, size_t total) {
    char have[CLI_NUMBER_SIZE], all[CLI_NUMBER_SIZE], *head = cli_format("%s  ", cli_last_part(url));
    cli_progress_draw(head, total ? (double)received / (double)total : 0, " %s%s%s", cli_bytes(have, (double)received),
                      total ? " of " : "", total ? cli_bytes(all, (double)total) : "");
    free(head);
}

bool cli_download_show(void *context, const fv_event *event) {
    cli_download *now = context;
    const char *url = event->message;
    const size_t received = event->done, total = event->count;
    const bool fresh = strncmp(now->url, url, sizeof now->url - 1) != 0, whole = total && received == total;
    if (fresh) {
        cli_progress_keep(); // of the file before
        snprintf(now->url, sizeof now->url, "%s", url);
    }
    if (cli_progress_is_live() && (fresh || whole || cli_progress_is_due())) {
        draw(url, received, total);
    } else if (fresh && !now->quiet && !cli_progress_is_live()) {
        cli_line(stderr, "%s", url);
    }
    return !cli_interrupted();
}
