// `fovea train --tensorboard`: what training reports, as event files in RUN/tensorboard.
#ifndef FOVEA_CLI_BOARD_H
#define FOVEA_CLI_BOARD_H

#include "report/tensorboard.h"
#include "support/cli.h"

// Training and validation are runs of their own to TensorBoard, so that it draws both in one chart. The files are made
// with the first report: a run that cannot begin leaves nothing. A failure is told once and ends it.
typedef struct cli_board {
    const char *run; // folder; NULL: nothing is written
    char *folder;    // RUN/tensorboard; NULL before the first report
    fv__tensorboard *train, *validation;
    uint64_t step; // of the last report, over all epochs
} cli_board;

// To be told every step and epoch, and the end: then the filters and position embeddings of the trained model (NULL: there
// is none) are added as pictures.
void cli_board_show(cli_board *board, const fv_event *event);
void cli_board_end(cli_board *board, const fv_model *model);

#endif
