// SPDX-License-Identifier: Apache-2.0
// The data behind the explorer, as JSON that explorer.js reads: pictures, and for each of them the attention weights of
// each layer and the heat maps of other methods (explorer_image.c). What would make the page too large is left out,
// images first and then layers, and the page says so.
#include "report/explorer.h"

#include "base/memory.h"
#include "draw/colormap.h"
#include "report/embedded.h"

enum {
    BUDGET = 5 << 20, // bytes for weights, which base64 makes a third more
    FEWEST = 6        // images, before layers are left out
};

const fv__explorer_method fv__explorer_methods[FV__EXPLORER_METHODS] = {
    {FV_EXPLAIN_ROLLOUT, "Rollout", "attention through all layers, residuals included"},
    {FV_EXPLAIN_GRADIENT, "Gradient", "attention that raises the predicted class"},
    {FV_EXPLAIN_GRAD_CAM, "Grad-CAM", "the last convolutional image, weighted by its gradient"},
    {FV_EXPLAIN_OCCLUSION, "Occlusion", "how far the predicted class falls when a square is covered"}};

// --- What fits

static size_t weights_of(const fv_attention_weights *layer) {
    return (size_t)layer->heads * (size_t)layer->queries * ((size_t)layer->keys + sizeof(float));
}

bool fv__explorer_keeps(const fv__explorer *now, int layer) {
    return (now->layers - 1 - layer) % now->every == 0;
}

static size_t size_of_kept(const fv__explorer *now) {
    size_t size = 0;
    for (int i = 0; i < now->layers; i++) {
        const fv_attention_weights layer = *fv_explainer_get_attention(now->explainer, i);
        size += fv__explorer_keeps(now, i) ? weights_of(&layer) : 0;
    }
    return size;
}

static void choose(fv__explorer *now) {
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
        now->kept += fv__explorer_keeps(now, i);
    }
}

// Which methods apply, by trying them on the image at hand. Occlusion, which takes hundreds of predictions, is for
// models to which nothing else applies.
static fv_status try_methods(fv__explorer *now, fv_error *error) {
    bool any = now->layers > 0;
    for (int i = 0; i < FV__EXPLORER_METHODS; i++) {
        if (fv__explorer_methods[i].method == FV_EXPLAIN_OCCLUSION && any) {
            continue;
        }
        fv_status status = fv_explainer_map(now->explainer, fv__explorer_methods[i].method, NULL, now->map, error);
        if (status && status != FV_UNSUPPORTED) {
            return status;
        }
        now->applies[i] = !status;
        any |= !status;
    }
    return FV_OK;
}

// --- Views: kept layers, then maps

static void add_layers(const fv__explorer *now) {
    fv__text_add(now->page, "\"layers\":[");
    for (int i = 0, count = 0; i < now->layers; i++) {
        const fv_attention_weights layer = *fv_explainer_get_attention(now->explainer, i);
        if (fv__explorer_keeps(now, i)) {
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

static void add_methods(const fv__explorer *now) {
    const int step = now->map_step;
    fv__text_add(now->page, "\"maps\":[");
    for (int i = 0, count = 0; i < FV__EXPLORER_METHODS; i++) {
        if (now->applies[i]) {
            fv__text_addf(now->page,
                          "%s\n{\"name\":\"%s\",\"about\":\"%s\",\"rows\":%d,\"columns\":%d,"
                          "\"origin\":[%g,%g],\"step\":[%d,%d]}",
                          count++ ? "," : "", fv__explorer_methods[i].title, fv__explorer_methods[i].about,
                          now->model.height / step, now->model.width / step, (step - 1) / 2.0, (step - 1) / 2.0, step,
                          step);
        }
    }
    fv__text_add(now->page, "],\n");
}

// --- The whole

static fv_status add_images(const fv__explorer *now, fv_error *error) {
    fv_status status = FV_OK;
    fv__text_add(now->page, "\"images\":[");
    for (size_t i = 0; i < now->images && !status; i++) {
        fv__text_add(now->page, i ? ",\n" : "\n");
        status = fv__explorer_image(now, now->report->shown[i], error);
    }
    fv__text_add(now->page, "]");
    return status;
}

static void add_names(const fv__explorer *now) {
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
static void add_omissions(const fv__explorer *now) {
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
        fv__text_addf(now->page, "; <code>--samples %s:7</code> %s.</p>\n", now->report->split,
                      now->kept < now->layers ? "shows one image, which leaves room for more layers" : "shows others");
    }
    if (now->layers == 0) {
        fv__text_add(now->page, "<p class=\"note\">The model has no attention layer, so heat maps of other methods "
                                "stand here.</p>\n");
    }
}

static fv_status add_all(fv__explorer *now, fv_error *error) {
    fv_status status = fv__explorer_look(now, now->report->shown[0], error);
    now->layers = status ? 0 : fv_explainer_get_result(now->explainer)->layers;
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
    fv__explorer now = {.report = report, .images = report->shown_count, .page = page};
    now.model = *fv_model_get_info(report->model);
    now.map_step =
        1 + ((now.model.height > now.model.width ? now.model.height : now.model.width) - 1) / FV__EXPLORER_MAP_SIDE;
    now.pixels = fv__alloc(fv__dataset_sample_size(report->data));
    now.map = fv__alloc_array((size_t)now.model.height * (size_t)now.model.width, sizeof *now.map);
    fv_status status = now.pixels && now.map ? FV_OK : fv__fail_memory(error, "the report");
    if (!status) {
        const fv_explainer_options options = {.size = sizeof options, .threads = report->threads};
        status = fv_explainer_create(report->model, &options, &now.explainer, error);
    }
    fv__text_add(page, fv__report_explorer_markup);
    if (!status) {
        status = add_all(&now, error);
    }
    fv__text_add(page, "</section>\n");
    fv_explainer_free(now.explainer);
    fv__free(now.pixels);
    fv__free(now.map);
    return status;
}
