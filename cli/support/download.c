#include "support/download.h"

#include <string.h>

#include "base/clock.h"

cli_download cli_download_begin(const cli_options *options) {
    cli_interrupt_catch("\nfovea: stopping; what has arrived is kept for the next time\n");
    return (cli_download){.live = cli_is_live() && !options->quiet, .quiet = options->quiet};
}

bool cli_download_show(void *context, const fv_event *event) {
    cli_download *now = context;
    const char *url = event->message;
    const size_t received = event->done, total = event->count;
    const char *name = strrchr(url, '/') ? strrchr(url, '/') + 1 : url;
    bool fresh = strncmp(now->url, url, sizeof now->url - 1) != 0;
    if (now->live && (fresh || (total && received == total) || fv__seconds() - now->drawn > 0.1)) {
        char bar[CLI_BAR_SIZE], have[CLI_NUMBER_SIZE], all[CLI_NUMBER_SIZE];
        double part = total ? (double)received / (double)total : 0;
        fprintf(stderr, "%s\r\033[K%s  %s %s%s%s", fresh && now->url[0] ? "\n" : "", name, cli_bar(bar, part, 24),
                cli_bytes(have, (double)received), total ? " of " : "", total ? cli_bytes(all, (double)total) : "");
        now->drawn = fv__seconds();
    } else if (fresh && !now->live && !now->quiet) {
        fprintf(stderr, "%s\n", url);
    }
    snprintf(now->url, sizeof now->url, "%s", url);
    return !cli_interrupted();
}

void cli_download_end(const cli_download *now) {
    if (now->live && now->url[0]) {
        fputc('\n', stderr);
    }
}
