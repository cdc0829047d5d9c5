// The data behind the explorer, as JSON that explorer.js reads: pictures, and for each of them the attention weights of
// each layer and the heat maps of other methods.
//
// A weight is a byte: weight = byte / 255 · largest of its query's weights, which is kept as a float. So no weight is
// wrong by more than 1/510 of its query's largest. A value of a heat map is least + byte / 255 · (most - least).
//
// What would make the page too large is left out, images first and then layers, and the page says so.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "draw/colormap.h"
#include "report/embedded.h"
#include "report/report.h"

enum {
    BUDGET = 5 << 20, // bytes for weights, which base64 makes a third more
    FEWEST = 6,       // images, before layers are left out
    PICTURE = 256,    // pixels of the longer side of an image, at most
    MAP_SIDE = 64,    // values of a heat map along a side, at most
    LIKELIEST = 3     // classes told of each image
};

static const struct {
    fv_explain_method method;
    const char *title, *about;
} methods[] = {{FV_EXPLAIN_ROLLOUT, "Rollout", "attention through all layers, residuals included"},
               {FV_EXPLAIN_GRADIENT, "Gradient", "attention that raises the predicted class"},
               {FV_EXPLAIN_GRAD_CAM, "Grad-CAM", "the last convolutional image, weighted by its gradient"},
               {FV_EXPLAIN_OCCLUSION, "Occlusion", "how far the predicted class falls when a square is covered"}};
enum { METHODS = sizeof methods / sizeof *methods };

typedef struct explorer {
    const fv__report *report;
    fv_explainer *explainer;
    fv_model_info model;
    uint8_t *pixels;
    float *map;            // (height, width)
    bool applies[METHODS]; // to this model
    int layers;            // of the model
    int kept, every;       // layers in the page: each `every`-th, counted from the last
    size_t images;         // in the page
    fv__text *page;
} explorer;

// --- What fits

static size_t weights_of(const fv_attention_weights *layer) {
    return (size_t)layer->heads * (size_t)layer->queries * ((size_t)layer->keys + sizeof(float));
}

static bool is_kept(const explorer *now, int layer) {
    return (now->layers - 1 - layer) % now->every == 0;
}

static size_t size_of_kept(const explorer *now) {
    size_t size = 0;
    for (int i = 0; i < now->layers; i++) {
        const fv_attention_weights layer = fv_explainer_attention(now->explainer, i);
        size += is_kept(now, i) ? weights_of(&layer) : 0;
    }
    return size;
}

static void choose(explorer *now) {
    const size_t fewest = now->report->keep_images ? now->images : FEWEST;
    now->every = 1;
    while (now->images > fewest && now->images * size_of_kept(now) > BUDGET) {
        now->images--;
    }
    while (now->every < now->layers && now->images * size_of_kept(now) > BUDGET) {
        now->every++;
    }
    while (now->images > 1 && now->images * size_of_kept(now) > BUDGET) {
        now->images--;
    }
    for (int i = 0; i < now->layers; i++) {
        now->kept += is_kept(now, i);
    }
}

// Which methods apply, by trying them on the image at hand. Occlusion, which takes hundreds of predictions, is for
// models to which nothing else applies.
static fv_status try_methods(explorer *now, fv_error *error) {
    bool any = now->layers > 0;
    for (int i = 0; i < METHODS; i++) {
        if (methods[i].method == FV_EXPLAIN_OCCLUSION && any) {
            continue;
        }
        fv_status status = fv_explain(now->explainer, methods[i].method, NULL, now->map, error);
        if (status && status != FV_UNSUPPORTED) {
            return status;
        }
        now->applies[i] = !status;
        any |= !status;
    }
    return FV_OK;
}

// --- Views: kept layers, then maps

static void add_layers(const explorer *now) {
    fv__text_add(now->page, "\"layers\":[");
    for (int i = 0, count = 0; i < now->layers; i++) {
        const fv_attention_weights layer = fv_explainer_attention(now->explainer, i);
        if (is_kept(now, i)) {
            fv__text_add(now->page, count++ ? ",\n{\"name\":" : "\n{\"name\":");
            fv__page_json(now->page, layer.layer);
            fv__text_addf(now->page,
                          ",\"number\":%d,\"slots\":%s,\"groups\":%d,\"heads\":%d,\"queries\":%d,\"keys\":%d,"
                          "\"before\":%d,\"rows\":%d,\"columns\":%d,\"origin\":[%.9g,%.9g],\"step\":[%.9g,%.9g]}",
                          i, layer.slots ? "true" : "false", layer.groups, layer.heads, layer.queries, layer.keys,
                          layer.before, layer.rows, layer.columns, layer.origin[0], layer.origin[1], layer.step[0],
                          layer.step[1]);
        }
    }
    fv__text_add(now->page, "],\n");
}

// Pixels of the image to a value of a map.
static int map_step(const explorer *now) {
    const int longer = now->model.height > now->model.width ? now->model.height : now->model.width;
    return (longer + MAP_SIDE - 1) / MAP_SIDE;
}

static void add_methods(const explorer *now) {
    const int step = map_step(now);
    fv__text_add(now->page, "\"maps\":[");
    for (int i = 0, count = 0; i < METHODS; i++) {
        if (now->applies[i]) {
            fv__text_addf(now->page,
                          "%s\n{\"name\":\"%s\",\"about\":\"%s\",\"rows\":%d,\"columns\":%d,"
                          "\"origin\":[%g,%g],\"step\":[%d,%d]}",
                          count++ ? "," : "", methods[i].title, methods[i].about, now->model.height / step,
                          now->model.width / step, (step - 1) / 2.0, (step - 1) / 2.0, step, step);
        }
    }
    fv__text_add(now->page, "],\n");
}

// --- One image

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
static fv_status add_weights(const explorer *now, const fv_attention_weights *layer, fv_error *error) {
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
static void add_map(const explorer *now) {
    const int step = map_step(now), rows = now->model.height / step, columns = now->model.width / step;
    uint8_t bytes[MAP_SIDE * MAP_SIDE];
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
static void add_likeliest(const explorer *now, const float *probabilities) {
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

static fv_status look(const explorer *now, size_t sample, fv_error *error) {
    fv_status status = fv_dataset_read(now->report->data, sample, now->pixels, error);
    return status ? status : fv_explainer_look(now->explainer, now->pixels, -1, error);
}

static fv_status add_image(const explorer *now, size_t sample, fv_error *error) {
    fv_status status = look(now, sample, error);
    if (status) {
        return status;
    }
    fv__text_addf(now->page, "{\"sample\":%zu,\"label\":%d,", sample, now->report->data->labels[sample]);
    add_likeliest(now, fv_explainer_describe(now->explainer).probabilities);
    fv__text_add(now->page, "\"picture\":\"");
    status = fv__page_picture(now->page, now->pixels, now->model.height, now->model.width, now->model.channels, PICTURE,
                              error);
    fv__text_add(now->page, "\",\"layers\":[");
    for (int i = 0, count = 0; i < now->layers && !status; i++) {
        const fv_attention_weights layer = fv_explainer_attention(now->explainer, i);
        if (is_kept(now, i)) {
            fv__text_add(now->page, count++ ? "," : "");
            status = add_weights(now, &layer, error);
        }
    }
    fv__text_add(now->page, "],\"maps\":[");
    for (int i = 0, count = 0; i < METHODS && !status; i++) {
        if (now->applies[i]) {
            fv__text_add(now->page, count++ ? "," : "");
            status = fv_explain(now->explainer, methods[i].method, NULL, now->map, error);
            add_map(now);
        }
    }
    fv__text_add(now->page, "]}");
    return status;
}

// --- The whole

static fv_status add_images(const explorer *now, fv_error *error) {
    fv_status status = FV_OK;
    fv__text_add(now->page, "\"images\":[");
    for (size_t i = 0; i < now->images && !status; i++) {
        fv__text_add(now->page, i ? ",\n" : "\n");
        status = add_image(now, now->report->shown[i], error);
    }
    fv__text_add(now->page, "]");
    return status;
}

static void add_names(const explorer *now) {
    fv__text_add(now->page, "\"classes\":[");
    for (int c = 0; c < now->model.classes; c++) {
        fv__text_add(now->page, c ? "," : "");
        fv__page_json(now->page, now->model.class_names[c]);
    }
    fv__text_addf(now->page, "],\n\"split\":\"%s\",\"height\":%d,\"width\":%d,\n\"colours\":\"", now->report->split,
                  now->model.height, now->model.width);
    uint8_t colours[256][3];
    for (int i = 0; i < 256; i++) {
        fv__colormap(i / 255.0, colours[i]);
    }
    fv__page_base64(now->page, colours[0], sizeof colours);
    fv__text_add(now->page, "\",\n");
}

// What is left out, for the reader.
static void add_omissions(const explorer *now) {
    const size_t wanted = now->report->shown_count;
    if (now->images < wanted || now->kept < now->layers) {
        fv__text_add(now->page, "<p class=\"note\">To keep this page small it has ");
        if (now->images < wanted) {
            fv__text_addf(now->page, "%zu of %zu images", now->images, wanted);
        }
        if (now->kept < now->layers) {
            fv__text_addf(now->page, "%sthe attention of %d of %d layers", now->images < wanted ? " and " : "",
                          now->kept, now->layers);
        }
        fv__text_addf(now->page, ". Fewer images (<code>--samples %s:7</code>) leave room for more layers.</p>\n",
                      now->report->split);
    }
    if (now->layers == 0) {
        fv__text_add(now->page, "<p class=\"note\">The model has no attention layer, so heat maps of other methods "
                                "stand here.</p>\n");
    }
}

static fv_status add_all(explorer *now, fv_error *error) {
    fv_status status = look(now, now->report->shown[0], error);
    now->layers = status ? 0 : fv_explainer_describe(now->explainer).layers;
    if (!status) {
        status = try_methods(now, error);
    }
    if (status) {
        return status;
    }
    choose(now);
    add_omissions(now);
    fv__text_add(now->page, "<script type=\"application/json\" id=\"explorer-data\">\n{");
    add_names(now);
    add_layers(now);
    add_methods(now);
    status = add_images(now, error);
    fv__text_add(now->page, "}\n</script>\n");
    return status;
}

fv_status fv__report_explorer(const fv__report *report, fv__text *page, fv_error *error) {
    explorer now = {.report = report, .images = report->shown_count, .page = page};
    now.model = fv_model_describe(report->model);
    now.pixels = fv__alloc(fv__dataset_sample_size(report->data));
    now.map = fv__alloc_array((size_t)now.model.height * (size_t)now.model.width, sizeof *now.map);
    fv_status status = now.pixels && now.map ? FV_OK : fv__fail_memory(error, "the report");
    if (!status) {
        status = fv_explainer_open(report->model, &now.explainer, error);
    }
    fv__text_add(page, fv__report_explorer_markup);
    if (!status) {
        status = add_all(&now, error);
    }
    fv__text_add(page, "</section>\n");
    fv_explainer_close(now.explainer);
    fv__free(now.pixels);
    fv__free(now.map);
    return status;
}
