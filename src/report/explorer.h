// SPDX-License-Identifier: Apache-2.0
// The inside of the explorer: what explorer.c decides for all images and explorer_image.c writes of each.
#ifndef FOVEA_REPORT_EXPLORER_H
#define FOVEA_REPORT_EXPLORER_H

#include "report/report.h"

typedef struct fv__explorer_method {
    fv_explain_method method;
    const char *title, *about;
} fv__explorer_method;

enum {
    FV__EXPLORER_METHODS = 4,
    FV__EXPLORER_MAP_SIDE = 64 // values of a heat map along a side, at most
};
extern const fv__explorer_method fv__explorer_methods[FV__EXPLORER_METHODS];

typedef struct fv__explorer {
    const fv__report *report;
    fv_explainer *explainer;
    fv_model_info model;
    uint8_t *pixels;
    float *map;                         // (height, width)
    bool applies[FV__EXPLORER_METHODS]; // to this model
    int map_step;                       // pixels of the image to a value of a heat map
    int layers;                         // of the model
    int kept, every;                    // layers in the page: each `every`-th, counted from the last
    size_t images;                      // in the page
    fv__text *page;
} fv__explorer;

bool fv__explorer_keeps(const fv__explorer *explorer, int layer);

fv_status fv__explorer_look(const fv__explorer *explorer, size_t sample, fv_error *error);

// A sample of the split: {picture, likeliest classes, weights of the layers, maps}
fv_status fv__explorer_image(const fv__explorer *explorer, size_t sample, fv_error *error);

#endif
