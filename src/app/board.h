// SPDX-License-Identifier: Apache-2.0
// What training reports, as event files for TensorBoard in RUN/tensorboard.
#ifndef FOVEA_APP_BOARD_H
#define FOVEA_APP_BOARD_H

#include "base/options.h"
#include "report/tensorboard.h"

// Training and validation are two runs to TensorBoard, so that it draws both in one chart. The files are made with the
// first step, so that a run that cannot begin leaves nothing. A failure is reported once, as a remark, and ends it.
typedef struct fv__board {
    const char *run; // folder; NULL: nothing is written
    char *folder;    // RUN/tensorboard; NULL before the first step
    fv__tensorboard *train, *validation;
    uint64_t step; // of the last report, over all epochs
} fv__board;

// Called with every event of training, and at the end: then the filters and position embeddings of the trained model
// (NULL: there is none) are added as pictures.
void fv__board_note(fv__board *board, const fv_event *event, fv_event_callback *on_event, void *context);
void fv__board_end(fv__board *board, const fv_model *model, fv_event_callback *on_event, void *context);

#endif
