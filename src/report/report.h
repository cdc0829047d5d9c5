// SPDX-License-Identifier: Apache-2.0
// The report of a run: one HTML page without links to anything outside, to be read offline, on a phone or on paper.
// report.c puts it together, sections.c writes the parts for reading, explorer.c the data of the part to play with:
// what the model looked at, image by image, which explorer.js shows.
#ifndef FOVEA_REPORT_REPORT_H
#define FOVEA_REPORT_REPORT_H

#include <jansson.h>

#include "data/dataset.h"
#include "draw/figures.h"
#include "model/model.h"
#include "report/page.h"

typedef struct fv__report {
    const char *title, *split;
    const fv_model *model;
    const char *recipe;           // as resolved; NULL: the model was made without one
    const json_t *run;            // what run.json tells; NULL: nothing is known of the training
    const fv__curves *curves;     // of the run; NULL: none
    const fv_dataset *data;       // the split,
    bool limited;                 // of which this is the beginning, by data.limit
    const fv_dataset *evaluated;  // the samples of it that were evaluated,
    const uint32_t *numbers;      // (evaluated->count): and which they are there
    const fv_metrics *metrics;    // of them
    const fv_evaluation *details; //
    const size_t *shown;          // (shown_count): samples of the split for the explorer, the important ones first
    size_t shown_count;
    int threads;      // of the explanations
    bool keep_images; // show all of them, even where only few layers then fit
} fv__report;

// Writes the page, atomically.
fv_status fv__report_write(const fv__report *report, const char *path, fv_error *error);

// The page's parts. `path` is where the page will be: charts are drawn beside it before they become part of it.
fv_status fv__report_overview(const fv__report *report, fv__text *page, fv_error *error);
fv_status fv__report_explorer(const fv__report *report, fv__text *page, fv_error *error);
fv_status fv__report_mistakes(const fv__report *report, fv__text *page, fv_error *error);
fv_status fv__report_classes(const fv__report *report, fv__text *page, fv_error *error);
fv_status fv__report_charts(const fv__report *report, const char *path, fv__text *page, fv_error *error);
fv_status fv__report_model(const fv__report *report, fv__text *page, fv_error *error);
fv_status fv__report_run(const fv__report *report, fv__text *page, fv_error *error);

#endif
