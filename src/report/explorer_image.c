// SPDX-License-Identifier: Apache-2.0
// One image of the explorer, as JSON.
//
// A weight is a byte: weight = byte / 255 · largest of its query's weights, which is kept as a float. So no weight is
// wrong by more than 1/510 of its query's largest. A value of a heat map is least + byte / 255 · (most - least).
#include <math.h>

#include "base/memory.h"
#include "report/explorer.h"

enum {
    PICTURE = 256, // pixels of the longer side of an image, at most
    LIKELIEST = 3  // classes told of each image
};

// Of a layer whose tokens attend in groups the mean over these.
static float weight_at(const fv_attention_weights *layer, size_t place) {
    const size_t size = (size_t)layer->heads * (size_t)layer->queries * (size_t)layer->keys;
    double sum = 0;
    for (int g = 0; g < layer->groups; g++) {
        sum += (double)layer->weights[(size_t)g * size + place];
    }
    return (float)(sum / layer->groups);
}

// {"most": (heads, queries) floats, "weights": (heads, queries, keys) bytes}
static fv_status add_weights(const fv__explorer *now, const fv_attention_weights *layer, fv_error *error) {
    const size_t rows = (size_t)layer->heads * (size_t)layer->queries, keys = (size_t)layer->keys;
    uint8_t *bytes = fv__alloc_array(rows, keys);
    float *most = fv__alloc_array(rows, sizeof *most);
    fv_status status = bytes && most ? FV_OK : fv__fail_memory(error, "the report");
    for (size_t row = 0; row < rows && !status; row++) {
        for (size_t k = 0; k < keys; k++) {
            most[row] = fmaxf(most[row], weight_at(layer, row * keys + k));
        }
        for (size_t k = 0; k < keys && most[row] > 0; k++) {
            bytes[row * keys + k] = (uint8_t)lrintf(255 * weight_at(layer, row * keys + k) / most[row]);
        }
    }
    if (!status) {
        fv__text_add(now->page, "{\"most\":\"");
        fv__page_base64(now->page, (const uint8_t *)most, rows * sizeof *most);
        fv__text_add(now->page, "\",\"weights\":\"");
        fv__page_base64(now->page, bytes, rows * keys);
        fv__text_add(now->page, "\"}");
    }
    fv__free(bytes);
    fv__free(most);
    return status;
}

// {"least": …, "most": …, "values": bytes}
static void add_map(const fv__explorer *now) {
    const int step = now->map_step, rows = now->model.height / step, columns = now->model.width / step;
    uint8_t bytes[FV__EXPLORER_MAP_SIDE * FV__EXPLORER_MAP_SIDE];
    float least = INFINITY, most = -INFINITY;
    for (int p = 0; p < now->model.height * now->model.width; p++) {
        least = fminf(least, now->map[p]);
        most = fmaxf(most, now->map[p]);
    }
    for (int p = 0; p < rows * columns; p++) {
        const int top = p / columns * step, left = p % columns * step;
        double sum = 0;
        for (int y = top; y < top + step; y++) {
            for (int x = left; x < left + step; x++) {
                sum += (double)now->map[y * now->model.width + x];
            }
        }
        const double part = (sum / (step * step) - (double)least) / fmax((double)most - (double)least, 1e-30);
        bytes[p] = (uint8_t)lrint(255 * part);
    }
    fv__text_addf(now->page, "{\"least\":%.9g,\"most\":%.9g,\"values\":\"", (double)least, (double)most);
    fv__page_base64(now->page, bytes, (size_t)rows * (size_t)columns);
    fv__text_add(now->page, "\"}");
}

// [[class, probability], …], the likeliest first.
static void add_likeliest(const fv__explorer *now, const float *probabilities) {
    float last = INFINITY;
    int last_class = -1;
    fv__text_add(now->page, "\"likeliest\":[");
    for (int i = 0; i < LIKELIEST && i < now->model.classes; i++) {
        int next = -1;
        for (int c = 0; c < now->model.classes; c++) {
            bool after = probabilities[c] < last || (probabilities[c] == last && c > last_class);
            next = after && (next < 0 || probabilities[c] > probabilities[next]) ? c : next;
        }
        last_class = next;
        last = probabilities[next];
        fv__text_addf(now->page, "%s[%d,%.6g]", i ? "," : "", next, (double)last);
    }
    fv__text_add(now->page, "],");
}

fv_status fv__explorer_look(const fv__explorer *now, size_t sample, fv_error *error) {
    fv_status status = fv_dataset_read(now->report->data, sample, now->pixels, error);
    return status ? status : fv_explainer_set_image(now->explainer, now->pixels, -1, error);
}

fv_status fv__explorer_image(const fv__explorer *now, size_t sample, fv_error *error) {
    fv_status status = fv__explorer_look(now, sample, error);
    if (status) {
        return status;
    }
    fv__text_addf(now->page, "{\"sample\":%zu,\"label\":%d,", sample, now->report->data->labels[sample]);
    add_likeliest(now, fv_explainer_get_result(now->explainer)->probabilities);
    fv__text_add(now->page, "\"picture\":\"");
    status = fv__page_picture(now->page, now->pixels, now->model.height, now->model.width, now->model.channels, PICTURE,
                              error);
    fv__text_add(now->page, "\",\"layers\":[");
    for (int i = 0, count = 0; i < now->layers && !status; i++) {
        const fv_attention_weights layer = *fv_explainer_get_attention(now->explainer, i);
        if (fv__explorer_keeps(now, i)) {
            fv__text_add(now->page, count++ ? "," : "");
            status = add_weights(now, &layer, error);
        }
    }
    fv__text_add(now->page, "],\"maps\":[");
    for (int i = 0, count = 0; i < FV__EXPLORER_METHODS && !status; i++) {
        if (now->applies[i]) {
            fv__text_add(now->page, count++ ? "," : "");
            status = fv_explainer_map(now->explainer, fv__explorer_methods[i].method, NULL, now->map, error);
            add_map(now);
        }
    }
    fv__text_add(now->page, "]}");
    return status;
}
