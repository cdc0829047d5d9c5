// SPDX-License-Identifier: Apache-2.0
// Occlusion (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks"): a square is moved over
// the image and covers it with the image's mean colour; a pixel's value is how far the target's logit falls, averaged
// over the squares that covered it. Needs predictions alone, and so is the yardstick for maps that look inside.
#include <string.h>

#include "base/memory.h"
#include "explain/explainer.h"

typedef struct squares {
    int height, width, channels;
    int side, step, rows, columns;
} squares;

// The squares of one axis: the last lies at the border.
static int count_squares(int size, int side, int step) {
    return 1 + (size - side + step - 1) / step;
}

static fv_status lay_out(const fv_explainer *explainer, int side, squares *out, fv_error *error) {
    const int *size = explainer->model->input_settings.size.values;
    int shorter = size[0] < size[1] ? size[0] : size[1];
    if (side < 0 || side > shorter) {
        return fv__fail(error, FV_INVALID, "a square of %d pixels does not fit into an image of %d × %d", side, size[0],
                        size[1]);
    }
    side = side ? side : shorter < 16 ? (shorter + 3) / 4 : shorter / 8;
    int step = (side + 1) / 2;
    *out = (squares){.height = size[0],
                     .width = size[1],
                     .channels = size[2],
                     .side = side,
                     .step = step,
                     .rows = count_squares(size[0], side, step),
                     .columns = count_squares(size[1], side, step)};
    return FV_OK;
}

// Where square `index` begins: row and column.
static void corner(const squares *s, int index, int *top, int *left) {
    int row = index / s->columns * s->step, column = index % s->columns * s->step;
    *top = row + s->side > s->height ? s->height - s->side : row;
    *left = column + s->side > s->width ? s->width - s->side : column;
}

static void cover(const squares *s, int index, const uint8_t *colour, uint8_t *image) {
    int top, left;
    corner(s, index, &top, &left);
    for (int y = top; y < top + s->side; y++) {
        for (int x = left; x < left + s->side; x++) {
            memcpy(image + ((ptrdiff_t)y * s->width + x) * s->channels, colour, (size_t)s->channels);
        }
    }
}

// The target's logit for the image as it is, then for each covered one, in batches of prediction's size.
static fv_status run(fv_explainer *explainer, const squares *s, float *target_logits, fv_error *error) {
    const size_t bytes = (size_t)s->height * (size_t)s->width * (size_t)s->channels;
    const size_t classes = (size_t)explainer->model->classes;
    uint8_t colour[FV__MAX_CHANNELS];
    uint8_t *images = fv__alloc_array(FV__PREDICTION_BATCH, bytes);
    float *logits = fv__alloc_array(FV__PREDICTION_BATCH, classes * sizeof *logits);
    fv_predictor *predictor;
    fv_status status = FV_OK;
    FV__TRY_OR_DONE(images && logits ? FV_OK : fv__fail_memory(error, "covered images"));
    FV__TRY_OR_DONE(fv__explainer_predictor(explainer, &predictor, error));
    fv__explainer_mean_colour(explainer, colour);
    for (int first = 0, total = 1 + s->rows * s->columns; first < total; first += FV__PREDICTION_BATCH) {
        int count = total - first < FV__PREDICTION_BATCH ? total - first : FV__PREDICTION_BATCH;
        for (int i = 0; i < count; i++) {
            uint8_t *image = images + (size_t)i * bytes;
            memcpy(image, explainer->image, bytes);
            if (first + i > 0) {
                cover(s, first + i - 1, colour, image);
            }
        }
        FV__TRY_OR_DONE(fv_predictor_run_logits(predictor, images, (size_t)count, logits, error));
        for (int i = 0; i < count; i++) {
            target_logits[first + i] = logits[(size_t)i * classes + (size_t)explainer->target];
        }
    }
done:
    fv__free(images);
    fv__free(logits);
    return status;
}

fv_status fv__explain_occlusion(fv_explainer *explainer, const fv_explain_options *options, float *map,
                                fv_error *error) {
    squares s;
    fv_status status = FV_OK;
    FV__TRY(lay_out(explainer, options->patch, &s, error));
    const size_t places = (size_t)s.height * (size_t)s.width;
    float *logits = fv__alloc_array(1 + (size_t)s.rows * (size_t)s.columns, sizeof *logits);
    int *covered = fv__alloc_array(places, sizeof *covered);
    FV__TRY_OR_DONE(logits && covered ? FV_OK : fv__fail_memory(error, "a heat map"));
    FV__TRY_OR_DONE(run(explainer, &s, logits, error));
    memset(map, 0, places * sizeof *map);
    for (int i = 0; i < s.rows * s.columns; i++) {
        int top, left;
        corner(&s, i, &top, &left);
        for (int y = top; y < top + s.side; y++) {
            for (int x = left; x < left + s.side; x++) {
                map[(ptrdiff_t)y * s.width + x] += logits[0] - logits[1 + i];
                covered[(ptrdiff_t)y * s.width + x]++;
            }
        }
    }
    for (size_t p = 0; p < places; p++) {
        map[p] /= (float)covered[p];
    }
done:
    fv__free(logits);
    fv__free(covered);
    return status;
}
