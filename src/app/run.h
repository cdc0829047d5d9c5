// SPDX-License-Identifier: Apache-2.0
#ifndef FOVEA_APP_RUN_H
#define FOVEA_APP_RUN_H

#include "draw/figures.h"
#include "train/history.h"

struct fv_run {
    fv_run_info info;                         // what is given out, from the members below
    char *folder, *name, *recipe, *report;    // the last two NULL where there is no such file
    fv__history history;                      // empty where there is none
    const char *columns[FV__HISTORY_COLUMNS]; // names of its columns
    double *values;                           // of the curves
    fv__curves curves;
};

#endif
