// Training curves of run folders, from their history.csv.
#ifndef FOVEA_CLI_CURVES_H
#define FOVEA_CLI_CURVES_H

#include "draw/figures.h"
#include "support/cli.h"

// The curves of one run. FV_NOT_FOUND where it has no history.csv. Release with cli_curves_free, also after a failure.
fv_status cli_curves_read(const char *folder, fv__curves *run, fv_error *error);
void cli_curves_free(fv__curves *run);

// Draws the curves of `count` runs together into a .png or .svg.
fv_status cli_curves_draw(const char *const *folders, int count, const char *path, fv_error *error);

// curves.png and curves.svg of a run under way, drawn anew every few seconds from the epochs that are written by then.
// They are extra: a failure is told once, and fovea without cairo goes without them.
typedef struct cli_curves {
    const char *folder;
    double drawn;  // when, by fv__seconds
    bool stale;    // an epoch has ended since
    bool ended;    // an epoch has ended at all
    bool hopeless; // there was a failure
} cli_curves;

// To be told every fv_event, and the end.
void cli_curves_note(cli_curves *curves, const fv_event *event);
void cli_curves_end(cli_curves *curves);

#endif
