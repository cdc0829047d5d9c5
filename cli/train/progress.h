// How training is shown: a line an epoch, in Keras's manner.
#ifndef FOVEA_CLI_PROGRESS_H
#define FOVEA_CLI_PROGRESS_H

#include "support/cli.h"

typedef struct cli_progress {
    bool live;    // draw over the line while an epoch runs
    bool quiet;   // nothing for people
    bool json;    // a JSON line an epoch on standard output
    bool drawing; // the line is not ended yet
    double drawn; // when it was last drawn
    fv_progress last;
} cli_progress;

// To be told every fv_event of training.
void cli_progress_show(cli_progress *progress, const fv_event *event);

// Ends a line under way, so that a message can follow.
void cli_progress_end(cli_progress *progress);

#endif
